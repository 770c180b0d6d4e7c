"""Colours for what is typed: the command's name, options, numbers, registers, strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

STYLE = {
    "command": "bold",
    "command.mtedbg": "bold ansicyan",
    "option": "ansimagenta",
    "number": "ansiblue",
    "register": "ansigreen",
    "string": "ansiyellow",
    "comment": "ansibrightblack",
    "toolbar.warning": "ansired bold",
}
"""Classes of `tokens` and of the toolbar, as prompt_toolkit writes styles."""

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)
    |(?P<option>(?<!\S)--?[A-Za-z][\w-]*)
    |(?P<register>\$[\w$]*)
    |(?P<number>\b(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)\b)
    |(?P<word>\w+)
    |(?P<other>\s+|.)""",
    re.VERBOSE,
)
_COMMAND = re.compile(r"(\s*)([!\w-]+)")


def tokens(line: str, ours: Collection[str] = ()) -> list[tuple[str, str]]:
    """One line in pieces: style class (empty for plain text) and text.

    Args:
        line: of a command.
        ours: names of commands that are mtedbg's.
    """
    if line.lstrip().startswith("#"):
        return [("class:comment", line)]
    found: list[tuple[str, str]] = []
    start = 0
    if command := _COMMAND.match(line):
        mine = command[2] in ours
        found += [("", command[1])] if command[1] else []
        found.append(("class:command.mtedbg" if mine else "class:command", command[2]))
        start = command.end()
    for token in _TOKEN.finditer(line, start):
        kind = token.lastgroup or ""
        found.append(("" if kind in ("word", "other") else f"class:{kind}", token[0]))
    return found


class LineLexer(Lexer):
    """`tokens` for prompt_toolkit, line by line.

    Args:
        ours: names of commands that are mtedbg's.
    """

    def __init__(self, ours: Collection[str]) -> None:
        self._ours = frozenset(ours)

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """See `Lexer`."""
        lines = document.lines
        return lambda number: [*tokens(lines[number], self._ours)] if number < len(lines) else []
