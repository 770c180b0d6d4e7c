"""A command's line → the words of its arguments, where an expression may have blanks.

The rule, which `help` tells in short (`RULE`): blanks do not end an expression that must go on (an
open bracket, an operator or a cast at its end), nor one whose next word can only go on with it
(`+ 16`, `[2]`, `->next`). A word that may do both (`-16`, `*p`) is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from mtedbg.address.tokens import Next, is_unfinished, what_follows
from mtedbg.commands import Command
from mtedbg.dataclass import dataclass
from mtedbg.errors import UsageError

# A word up to the next blank outside of quotes.
_WORD = re.compile(r"(?:\\.|\"(?:\\.|[^\"\\])*\"|'[^']*'|[^\s\"'\\])+", re.DOTALL)

_NOT_BRACKETS = re.compile(r"->|<<|>>")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word without its quotes.

    Attributes:
        text: what it says.
        whole: whether it was quoted: then it is an expression of its own, blanks included.
    """

    text: str
    whole: bool


def split(command: Command, line: str | Sequence[str]) -> list[str]:
    """The words of `line`, each expression one of them.

    Args:
        command: whose line it is.
        line: what stands after the command's name; or its words, as a front end has split them.

    Raises:
        UsageError: a quote is open, or a word may belong to two arguments.
    """
    words = _of_line(command, line) if isinstance(line, str) else _of_words(line)
    if not takes_expressions(command):
        return [word.text for word in words]
    _refuse_commas(command, words)
    arguments, options = _Joiner(command).joined(words)
    return arguments + options  # argparse wants ADDR and LEN side by side


def arguments_before(command: Command, words: Sequence[str]) -> int:
    """How many expressions have ended before the word that is to follow `words`.

    Raises:
        UsageError: a word may belong to two arguments.
    """
    arguments, _ = _Joiner(command).joined([*_of_words(words), _Word("0", whole=False)])
    return len(arguments) - 1


def takes_expressions(command: Command) -> bool:
    """Whether the arguments of `command` are expressions: those of one are all of a kind."""
    return any(argument.kind.is_expression for argument in command.arguments)


def _of_line(command: Command, line: str) -> list[_Word]:
    try:
        texts = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{command.name}: {error}", f"usage: {command.usage}") from None
    quoted = ('"' in word or "'" in word for word in _WORD.findall(line))
    return [_Word(text, whole) for text, whole in zip(texts, quoted, strict=True)]


def _of_words(words: Sequence[str]) -> list[_Word]:
    """A front end has taken the quotes away; what has a blank, or nothing at all, was quoted."""
    return [_Word(word, not word or any(map(str.isspace, word))) for word in words]


def _refuse_commas(command: Command, words: Sequence[_Word]) -> None:
    """Arguments with a comma between them would be one expression to GDB: the last of them.

    Raises:
        UsageError: there is one that is in no bracket, template or quote.
    """
    depth = 0
    for word in words:
        for sign in "" if word.whole else _NOT_BRACKETS.sub("", word.text):
            depth += (sign in "([{<") - (sign in ")]}>")
            if sign == "," and depth <= 0:
                raise UsageError(
                    f"{command.name}: arguments have spaces between them, and no comma",
                    f"usage: {command.usage}; in quotes, a comma is part of the expression",
                )


class _Joiner:
    """Makes one word of each expression.

    Args:
        command: whose line it is.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._takes_value = {option.name: bool(option.value) for option in command.all_options}
        self._arguments: list[str] = []
        self._options: list[str] = []
        self._open: list[_Word] = []

    def joined(self, words: Sequence[_Word]) -> tuple[list[str], list[str]]:
        """The arguments; and the options, each followed by its value."""
        rest = iter(words)
        for word in rest:
            if self._is_option(word):
                self._close()
                self._check(word.text)
                self._options.append(word.text)
                if self._takes_value.get(word.text):
                    self._options += [value.text for value in (next(rest, None),) if value]
            elif self._open and not self._must_go_on():
                self._follow(word)
            else:
                self._open.append(word)
        self._close()
        return self._arguments, self._options

    def _is_option(self, word: _Word) -> bool:
        if word.whole or not word.text.startswith("-"):
            return False
        if word.text.startswith("--"):
            return True
        name, rest = word.text[:2], word.text[2:]
        known = name in self._takes_value and (not rest or rest.isdecimal())
        return known and not (self._open and self._must_go_on())

    def _check(self, option: str) -> None:
        """Refuses an unknown option here: argparse would name it with a moved argument."""
        name = option.partition("=")[0]
        if name.startswith("--") and name != "--" and name not in self._takes_value:
            raise UsageError(
                f"{self._command.name}: unrecognized arguments: {option}",
                f"usage: {self._command.usage}",
            )

    def _must_go_on(self) -> bool:
        """Whether the expression that is open is unfinished; a quoted word alone never is."""
        alone = len(self._open) == 1 and self._open[0].whole
        return not alone and is_unfinished(self._text())

    def _follow(self, word: _Word) -> None:
        """Takes in a word after a finished expression."""
        follows = Next.ANOTHER if word.whole else what_follows(word.text)
        if follows is Next.EITHER:
            one, sign = self._text(), word.text[0]
            raise UsageError(
                f"{self._command.name}: {one!r} and {word.text!r} may be one expression or two",
                f"write {one} {sign} {word.text[1:]} for one, {one} ({word.text}) for two",
            )
        if follows is Next.ANOTHER:
            self._close()
        self._open.append(word)

    def _text(self) -> str:
        if len(self._open) == 1:
            return self._open[0].text
        return " ".join(f"({word.text})" if word.whole else word.text for word in self._open)

    def _close(self) -> None:
        if self._open:
            text = self._text()
            # What begins with a dash would be taken for an option.
            self._arguments.append(f"({text})" if text.startswith("-") else text)
            self._open = []
