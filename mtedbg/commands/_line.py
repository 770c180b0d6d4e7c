"""From a command line to a report, and to text: what every edge calls.

Files that the user asked for come as `Answer.documents` and are written here, once for all edges.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from mtedbg.commands import Arguments, Command, Takes
from mtedbg.commands._words import split
from mtedbg.dataclass import replace
from mtedbg.errors import ExpressionError, UsageError
from mtedbg.model.words import counted
from mtedbg.report import (
    Answer,
    Column,
    Continuation,
    Kind,
    Line,
    Report,
    Span,
    Table,
    record_or_table,
    rows_of,
)

if TYPE_CHECKING:
    from mtedbg.session import Session

Continuations = dict[str, Continuation]
"""Where commands go on, by their names: an edge keeps one for each process."""


_THREAD = Column("thread", Kind.COUNT, "the thread's number")
_SPACE = 1 << 48
"""Bytes of an address space: a length is less."""
_MOST = 4
"""Threads whose headlines are in the headline of all."""


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
        several = "*" if argument.optional else "+"
        nargs = several if argument.many else "?" if argument.optional else None
        parser.add_argument(_key(argument.name), nargs=nargs, metavar=argument.name)
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


_TAGS = ("tags are 0 to 15", "tags are 0 to 15; several are words: 1 2 3")


def _value(
    session: Session, kind: Takes, name: str, text: str | list[str] | None, *, many: bool = False
) -> Any:
    if text is None or isinstance(text, bool):
        return text
    if isinstance(text, list):
        return [_value(session, kind, name, one, many=True) for one in text]
    if kind.is_expression:
        value = session.target.evaluate(text)
        if kind is Takes.TAG and not 0 <= value < 16:
            raise ExpressionError(f"{name} is {value}: not a tag", _TAGS[many])
        if kind is Takes.SIZE and not 0 < value < _SPACE:
            shown = value if value < _SPACE else f"{value:#x}"
            raise ExpressionError(
                f"{name} is {shown}: not a length in bytes", f"give 1 to {_SPACE - 1:#x}"
            )
        return value
    return _number(text, name) if kind is Takes.COUNT else text


def parse(
    session: Session,
    command: Command,
    line: str | Sequence[str],
    continuation: Continuation | None = None,
) -> Arguments:
    """The arguments in `line`, expressions evaluated.

    Args:
        session: where expressions are evaluated.
        command: whose arguments they are.
        line: what stands after the command's name, as one line or as words.
        continuation: where the command went on to when it last ran.

    Raises:
        UsageError: the words do not fit the command.
        ExpressionError: an expression cannot be evaluated, or is no length or tag.
    """
    words = split(command, line)
    parser = _parser(command)
    # What may be given several times may stand on both sides of an option.
    many = any(argument.many for argument in command.arguments)
    values = vars((parser.parse_intermixed_args if many else parser.parse_args)(words))
    kinds = [(a.name, a.kind) for a in command.arguments]
    kinds += [(o.name, o.kind) for o in command.options]
    for name, kind in kinds:
        values[_key(name)] = _value(session, kind, name, values[_key(name)])
    return Arguments(values, continuation)


def _for_each_thread(session: Session, command: Command, arguments: Arguments) -> Report:
    """The answers of all threads as one; each row says whose it is."""
    answers = {
        thread.number: command.run(session, arguments.for_thread(thread.number))
        for thread in session.threads()
    }
    rows = [
        {_THREAD.key: number, **row}
        for number, answer in answers.items()
        for row in rows_of(answer.body)
    ]
    is_table = any(isinstance(answer.body, Table) for answer in answers.values())
    body = Table(tuple(rows)) if is_table else record_or_table(rows)
    with_lines = any(answer.body.lines for answer in answers.values())
    if with_lines:
        body = replace(body, lines=tuple(_lines_of_each(answers)))
    own = any(column.key == _THREAD.key for column in command.columns)
    return Report(
        command.name,
        session.info,
        command.columns if own else (_THREAD, *command.columns),
        Answer(
            body,
            headline=_headline_of_all(answers, each_below=with_lines),
            notes=tuple(_notes_of_each(answers)),
            incomplete=any(answer.incomplete for answer in answers.values()),
        ),
    )


def _headline_of_all(answers: Mapping[int, Answer], *, each_below: bool) -> str:
    if len(answers) == 1:
        return next(iter(answers.values())).headline
    if each_below:
        return counted(len(answers), "thread")
    said = [f"{_of(number)}{answer.headline}" for number, answer in answers.items()]
    more = [f"and {len(said) - _MOST} more"] if len(said) > _MOST else []
    return "; ".join([*said[:_MOST], *more])


def _of(number: int) -> str:
    return f"thread {number}: "


def _lines_of_each(answers: Mapping[int, Answer]) -> Iterator[Line]:
    for number, answer in answers.items():
        if len(answers) > 1:
            yield (Span(f"{_of(number)}{answer.headline}"),)
        yield from answer.body.lines


def _notes_of_each(answers: Mapping[int, Answer]) -> Iterator[str]:
    """What all of them note once; else whose note it is."""
    whose: dict[str, list[int]] = {}
    for number, answer in answers.items():
        for note in answer.notes:
            whose.setdefault(note, []).append(number)
    for note, numbers in whose.items():
        yield note if len(numbers) == len(answers) else f"{_of(numbers[0])}{note}"


def report(session: Session, command: Command, arguments: Arguments) -> Report:
    """Runs `command`, for the thread its options name or for all, and writes its documents.

    Raises:
        MtedbgError: whatever stops the command, a file that cannot be written among it.
    """
    info = session.info  # a step may end the program
    if command.per_thread and arguments.all_threads:
        return _for_each_thread(session, command, arguments)
    answer = command.run(session, arguments)
    if answer.documents:
        from mtedbg.commands._documents import write

        answer = answer.noting(*map(write, answer.documents))
    return Report(command.name, info, command.columns, answer)


def ask(
    session: Session,
    command: Command,
    line: str | Sequence[str],
    continuations: Continuations | None = None,
    *,
    as_json: bool = False,
) -> tuple[Arguments, Report]:
    """Runs a command line; what it asked for, and the report.

    Args:
        session: the process that is asked.
        command: what is asked.
        line: what stands after the command's name, as one line or as words.
        continuations: where commands go on, kept by the caller from one call to the next.
        as_json: whether it is for JSON even if the line does not say so.

    Raises:
        MtedbgError: whatever stops the command.
    """
    kept = {} if continuations is None else continuations
    arguments = parse(session, command, line, kept.get(command.name))
    if as_json:
        arguments = arguments.for_json()
    found = report(session, command, arguments)
    if found.answer.continuation is not None:
        kept[command.name] = found.answer.continuation
    return arguments, found


def execute(
    session: Session,
    command: Command,
    line: str | Sequence[str],
    continuations: Continuations | None = None,
    *,
    color: bool = False,
    width: int = 0,
) -> str:
    """Runs a command line and returns what to print, with a final newline; see `ask`.

    Args:
        session: the process that is asked.
        command: what is asked.
        line: what stands after the command's name, as one line or as words.
        continuations: where commands go on, kept by the caller from one call to the next.
        color: whether text may be in colour.
        width: columns that there are; 0 where that does not matter.

    Raises:
        MtedbgError: whatever stops the command.
    """
    arguments, found = ask(session, command, line, continuations)
    if arguments.json:
        from mtedbg.render.json import render_json

        return render_json(found)
    from mtedbg.render.text import render_text

    return render_text(found, color=color and not arguments.no_color, width=width)
