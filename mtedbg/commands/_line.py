"""From a command line to a report, and to text: what every edge calls.

Files that the user asked for come as `Report.documents` and are written here, once for all edges.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from mtedbg.commands import Arguments, Command
from mtedbg.errors import ExpressionError, UsageError

if TYPE_CHECKING:
    from mtedbg.report import Report
    from mtedbg.session import Session


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of leaving the debugger."""

    def __init__(self, command: Command) -> None:
        super().__init__(prog=command.name, add_help=False, allow_abbrev=False)
        self._command = command

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", f"usage: {self._command.usage}")


def _key(name: str) -> str:
    return name.lstrip("-").replace("-", "_").lower()


@cache
def _parser(command: Command) -> _Parser:
    """Made once: argparse looks for translations on the disk for each."""
    parser = _Parser(command)
    for argument in command.arguments:
        nargs = "*" if argument.many else "?" if argument.optional else None
        parser.add_argument(_key(argument.name), nargs=nargs)
    for option in command.options:
        if option.value:
            parser.add_argument(option.name, dest=_key(option.name))
        else:
            parser.add_argument(option.name, dest=_key(option.name), action="store_true")
    if command.per_thread:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--thread", type=int)
        which.add_argument("--all-threads", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-color", action="store_true")
    return parser


def _number(text: str, what: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(f"{what} is a number, not {text!r}", "give it as 64 or 0x40") from None


def _value(session: Session, kind: str, name: str, text: str | list[str] | None) -> Any:
    if text is None or isinstance(text, bool):
        return text
    if isinstance(text, list):
        return [_value(session, kind, name, one) for one in text]
    if kind in ("address", "size", "tag"):
        value = session.target.evaluate(text)
        if kind == "tag" and not 0 <= value < 16:
            raise ExpressionError(f"{name} is {value}: not a tag", "tags are 0 to 15")
        if kind == "size" and not 0 < value < 1 << 48:
            raise ExpressionError(
                f"{name} is {value}: not a length in bytes", "give one of at least 1"
            )
        return value
    return _number(text, name) if kind == "count" else text


def parse(session: Session, command: Command, line: str | Sequence[str]) -> Arguments:
    """The arguments in `line`, expressions evaluated.

    Args:
        session: where expressions are evaluated.
        command: whose arguments they are.
        line: what stands after the command's name, as one line or as words.

    Raises:
        UsageError: the words do not fit the command.
        ExpressionError: an expression cannot be evaluated, or is no length or tag.
    """
    try:
        words = shlex.split(line) if isinstance(line, str) else list(line)
    except ValueError as error:
        raise UsageError(f"{command.name}: {error}", f"usage: {command.usage}") from None
    parser = _parser(command)
    # What may be given several times may stand on both sides of an option.
    many = any(argument.many for argument in command.arguments)
    values = vars((parser.parse_intermixed_args if many else parser.parse_args)(words))
    kinds = [(a.name, a.kind) for a in command.arguments]
    kinds += [(o.name, o.kind) for o in command.options]
    for name, kind in kinds:
        values[_key(name)] = _value(session, kind, name, values[_key(name)])
    return Arguments(values)


def _for_each_thread(session: Session, command: Command, arguments: Arguments) -> Report:
    reports = []
    for thread in session.target.threads():
        session.selected = thread.number
        reports.append(command.run(session, arguments))
    merged = reports[0]
    for report in reports[1:]:
        merged = replace(
            merged,
            rows=merged.rows + report.rows,
            notes=tuple(dict.fromkeys(merged.notes + report.notes)),
            picture=(),
            headline="",
        )
    return merged


def report(session: Session, command: Command, arguments: Arguments) -> Report:
    """Runs `command`, for the thread its options name or for all, and writes its documents.

    Raises:
        MtedbgError: whatever stops the command, a file that cannot be written among it.
    """
    before = session.selected
    try:
        answer = _answer(session, command, arguments)
    finally:
        session.selected = before
    if not answer.documents:
        return answer
    from mtedbg.commands._documents import write

    return answer.noting(*map(write, answer.documents))


def _answer(session: Session, command: Command, arguments: Arguments) -> Report:
    if not command.per_thread:
        return command.run(session, arguments)
    if arguments.all_threads:
        return _for_each_thread(session, command, arguments)
    if arguments.thread is not None:
        session.selected = arguments.thread
    return command.run(session, arguments)


def execute(
    session: Session, command: Command, line: str | Sequence[str], *, color: bool = False
) -> str:
    """Runs a command line and returns what to print, with a final newline.

    Raises:
        MtedbgError: whatever stops the command.
    """
    arguments = parse(session, command, line)
    answer = report(session, command, arguments)
    if arguments.json:
        from mtedbg.render.json import render_json

        return render_json(answer)
    from mtedbg.render.text import render_text

    return render_text(answer, color=color and not arguments.no_color)
