"""A whole command line, as `mtedbg core -x` takes it: a command, or `help` as debuggers have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Command, all_commands, find, names
from mtedbg.commands._line import Continuations, ask
from mtedbg.errors import UsageError
from mtedbg.report import Answer, Report, Span, Table

if TYPE_CHECKING:
    from mtedbg.session import Session

_HELP = "help"


def answer_line(
    session: Session,
    line: str,
    continuations: Continuations | None = None,
    *,
    as_json: bool = False,
) -> Report:
    """What a command line answers.

    Args:
        session: where.
        line: the command and its arguments; or `help` and a command.
        continuations: where commands go on, kept by the caller from one call to the next.
        as_json: whether it is for JSON.

    Raises:
        MtedbgError: whatever stops it.
    """
    name, _, rest = line.strip().partition(" ")
    if name == _HELP:
        return Report(_HELP, session.info, answer=help_of(rest.strip()))
    return ask(session, _command(name), rest, continuations, as_json=as_json)[1]


def _command(name: str) -> Command:
    command = find(name)
    if command is None:
        raise UsageError(f"there is no command {name!r}", f"commands: {', '.join(names())}")
    return command


def help_of(name: str) -> Answer:
    """What a command is for; all of them in short where none is named.

    Raises:
        UsageError: there is no such command.
    """
    if name:
        command = _command(name)
        headline, said = command.summary, command.manual.split("\n")
    else:
        headline = "`help NAME` says more of each:"
        said = [f"  {one.name:<14}  {one.summary}" for one in all_commands()]
    return Answer(Table(lines=tuple((Span(line),) for line in ("", *said))), headline)
