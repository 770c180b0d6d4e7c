"""What may stand for the last word of a command's line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Command, Option, Takes
from mtedbg.commands._words import arguments_before, takes_expressions
from mtedbg.errors import MtedbgError, UsageError

if TYPE_CHECKING:
    from mtedbg.model.completion import Completable
    from mtedbg.session import Session


class Rest(Enum):
    """What the debugger itself can complete."""

    EXPRESSION = "an expression"
    FILE = "the path of a file"


def complete(
    command: Command, words: Sequence[str], last: str, session: Callable[[], Session]
) -> list[str] | Rest:
    """The words that `last` may become, or what the debugger is to complete it as.

    Args:
        command: whose line it is.
        words: those before the last, the command's name not among them.
        last: what is typed of the word at the cursor, may be empty.
        session: gives the process, where it is needed; may raise `MtedbgError`.
    """
    place = _option_of(command, words[-1]) if words else None
    if place is None and last.startswith("-"):
        return [one.name for one in command.all_options if one.name.startswith(last)]
    wanted = place or _argument_at(command, words)
    return [] if wanted is None else _of(wanted, last, session)


def _option_of(command: Command, word: str) -> Option | None:
    """The option called `word`, where a value follows it."""
    return next((one for one in command.all_options if one.name == word and one.value), None)


def _argument_at(command: Command, words: Sequence[str]) -> Argument | None:
    """The positional argument after `words`."""
    if takes_expressions(command):
        try:
            count = arguments_before(command, words)
        except UsageError:
            return None
    else:
        takes_value = {option.name for option in command.all_options if option.value}
        count = sum(
            not word.startswith("-") and (index == 0 or words[index - 1] not in takes_value)
            for index, word in enumerate(words)
        )
    if count < len(command.arguments):
        return command.arguments[count]
    return next((argument for argument in command.arguments[-1:] if argument.many), None)


def _of(wanted: Option | Argument, last: str, session: Callable[[], Session]) -> list[str] | Rest:
    found = [word for word in wanted.choices if word.lower().startswith(last.lower())]
    expression = wanted.kind.is_expression
    # Where an expression may stand as well: up to where it is one, and no number.
    if wanted.completes is not None and (not expression or not last or last.isdecimal()):
        found += _of_process(wanted.completes, last, session)
    if expression and not found:
        return Rest.EXPRESSION
    return Rest.FILE if wanted.kind is Takes.FILE else found


def _of_process(what: Completable, last: str, session: Callable[[], Session]) -> list[str]:
    from mtedbg.analysis.completions import completions

    try:
        return completions(session(), what, last)
    except MtedbgError:
        return []
