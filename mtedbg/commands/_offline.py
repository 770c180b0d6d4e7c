"""A whole command line, as `mtedbg core -x` takes it: a command, or `help` as debuggers have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import GROUP, Command, all_commands, find, names, overview
from mtedbg.commands._line import Continuations, ask, execute
from mtedbg.errors import UsageError
from mtedbg.report import Answer, Report, Span, Table

if TYPE_CHECKING:
    from mtedbg.session import Session

_HELP = "help"
_NO_LIKE = "`help` lists commands; `mtedbg shell --core CORE` has those of GDB as well"


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
        line: the command, in one word or in two, and its arguments; or `help` and a command.
        continuations: where commands go on, kept by the caller from one call to the next.
        as_json: whether it is for JSON.

    Raises:
        MtedbgError: whatever stops it.
    """
    name, rest = _first(line)
    if name == _HELP:
        return Report(_HELP, session.info, answer=help_of(rest.strip()))
    command, arguments = _parted(line)
    return ask(session, command, arguments, continuations, as_json=as_json)[1]


def print_line(
    session: Session,
    line: str,
    continuations: Continuations,
    *,
    color: bool = False,
    width: int = 0,
) -> str:
    """What a command line prints: text, or JSON where the line itself asks for it.

    Args:
        session: where.
        line: as for `answer_line`.
        continuations: where commands go on, kept by the caller from one call to the next.
        color: whether text may be in colour.
        width: columns that there are; 0 where that does not matter.

    Raises:
        MtedbgError: whatever stops it.
    """
    if line.split(None, 1)[:1] == [_HELP]:
        from mtedbg.render.text import render_text

        return render_text(answer_line(session, line), color=color, width=width)
    return execute(session, *_parted(line), continuations, color=color, width=width)


def _first(line: str) -> tuple[str, str]:
    """The first word of `line`, and what follows it."""
    words = line.split(None, 1)
    return (words[0] if words else "", words[1] if len(words) > 1 else "")


def _parted(line: str) -> tuple[Command, str]:
    """The command that `line` begins with, and the rest of it.

    Two words come first: `memop log` is not `memop` of a symbol `log`, as in debuggers. As there,
    the beginning of a name will do where only one begins like that.

    Raises:
        UsageError: there is no such command, or there are several.
    """
    name, rest = _first(line)
    second, arguments = _first(rest)
    in_two = second if name == GROUP else f"{name}-{second}"
    if command := find(in_two):
        return command, arguments
    if command := find(name):
        return command, rest
    if second and (command := _begun(in_two)):
        return command, arguments
    if command := _begun(name):
        return command, rest
    step = f"commands: {', '.join(like)}" if (like := _like(name)) else _NO_LIKE
    raise UsageError(f"there is no command {name!r}", step)


def _begun(name: str) -> Command | None:
    """The only command whose name begins with `name`."""
    found = [one for one in names() if one.startswith(name)] if name else []
    return find(found[0]) if len(found) == 1 else None


def _like(name: str) -> list[str]:
    """The commands that a wrong name may have meant; none where that cannot be told."""
    from difflib import get_close_matches

    every = names()
    begun = [one for one in every if one.startswith(name)] if name else []
    return begun or get_close_matches(name, every, 3, 0.75)


def help_of(name: str) -> Answer:
    """What a command is for; all of them in short where none is named.

    Raises:
        UsageError: there is no such command.
    """
    if name == GROUP:
        headline, said = "All commands:", overview().split("\n")
    elif not find(name) and (
        under := [one for one in all_commands() if one.in_two_words[0] == name]
    ):
        headline = f"{name} NAME is the same as {name}-NAME:"
        said = [f"  {one.name:<14}  {one.summary}" for one in under]
    elif name:
        command, _ = _parted(name)
        headline, said = command.summary, command.manual.split("\n")
    else:
        headline = "`help NAME` says more of each:"
        said = [f"  {one.name:<14}  {one.summary}" for one in all_commands()]
    return Answer(Table(lines=tuple((Span(line),) for line in ("", *said))), headline)
