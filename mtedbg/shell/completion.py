"""What Tab offers: all that GDB itself would, and what our commands are for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from mtedbg.commands import Command, find, names

Ask = Callable[[str], Awaitable[list[str]]]
"""GDB's completions of a line: whole lines."""


def help_texts() -> dict[str, str]:
    """The summary of each of our commands, by name."""
    return {name: command.summary for name in names() if (command := find(name))}


class GdbCompleter(Completer):
    """Completions of the line before the cursor.

    Args:
        ask: GDB.
        own: commands of the shell itself, with what they do.
    """

    def __init__(self, ask: Ask, own: Mapping[str, str]) -> None:
        self._ask = ask
        self._own = own
        self._summaries: dict[str, str] = {}

    def get_completions(self, *_: object) -> Iterable[Completion]:
        """Nothing: GDB can only be asked without waiting for it."""
        return ()

    async def get_completions_async(
        self, document: Document, _event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """See `Completer`."""
        line = document.current_line_before_cursor.lstrip()
        if not self._summaries:
            self._summaries = {**help_texts(), **self._own}
        lines = [name for name in self._own if name.startswith(line)] if line else []
        lines += await self._ask(line)
        for completion in completions(line, lines, self._summaries):
            yield completion


def completions(
    line: str, lines: Iterable[str], summaries: Mapping[str, str]
) -> Iterable[Completion]:
    """What to offer for the last word of `line`.

    Args:
        line: what is typed.
        lines: whole lines that it may become.
        summaries: the text next to each command, by name.
    """
    start = line.rfind(" ") + 1
    command = find(line.split(" ")[0]) if start else None
    for whole in sorted(dict.fromkeys(lines), key=_order):
        if not whole.startswith(line[:start]):
            continue
        word = whole[start:]
        meta = _option(command, word) if command else summaries.get(whole, "")
        yield Completion(word, start_position=start - len(line), display_meta=meta)


def _order(line: str) -> tuple[bool, int, str]:
    """Numbers first, and by their size."""
    last = line.rpartition(" ")[2]
    number = last.isdecimal()
    return not number, int(last) if number else 0, line


def _option(command: Command, word: str) -> str:
    return next((option.help for option in command.options if option.name == word), "")
