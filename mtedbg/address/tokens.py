"""The words and signs of an expression, and where one ends on a line of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

from mtedbg.address import c_types
from mtedbg.dataclass import dataclass


class Word(Enum):
    """What a token is."""

    NUMBER = auto()
    REGISTER = auto()
    NAME = auto()
    SIGN = auto()
    FOREIGN = auto()
    """What this language does not have: a comparison, an assignment, a stray character."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign.

    Attributes:
        kind: of what kind.
        text: as it is written; of a quoted name, what is between the quotes.
        start: where it begins.
        end: where it ends.
    """

    kind: Word
    text: str
    start: int
    end: int


# `a && b` must not be read as `a & (&b)`: C's longer signs come first.
_TOKEN = re.compile(
    r"(?P<NUMBER>\.?[0-9][\w.]*)"
    r"|(?P<REGISTER>\$[\w$]*)"
    r"|(?P<NAME>(?:::)?[A-Za-z_]\w*(?:::~?[A-Za-z_]\w*)*(?:@@?[A-Za-z_][\w.]*)?)"
    r"|'(?P<QUOTED>[^']+)'"
    r"|(?P<FOREIGN>&&|\|\||\+\+|--|<<=|>>=|[-+*/%&|^=!<>]=)"
    r"|(?P<SIGN>->|<<|>>|[-+*/%&|^~()\[\].])"
    r"|(?P<OTHER>\S)"
)

UNARY = frozenset("-+~*&")
BINARY = {
    "*": 6,
    "/": 6,
    "%": 6,
    "+": 5,
    "-": 5,
    "<<": 4,
    ">>": 4,
    "&": 3,
    "^": 2,
    "|": 1,
}
"""How strongly each binds, as in C."""

SIZEOF = "sizeof"
TAGS = frozenset(("struct", "union", "class", "enum"))
_QUALIFIERS = frozenset(("const", "volatile"))


def tokens(text: str) -> list[Token]:
    """All of `text`; blanks only keep words apart."""
    found = []
    for match in _TOKEN.finditer(text):
        name = match.lastgroup or ""
        kind = {"QUOTED": Word.NAME, "OTHER": Word.FOREIGN}.get(name) or Word[name]
        found.append(Token(kind, match[name], match.start(), match.end()))
    return found


def type_words(inside: Sequence[Token]) -> tuple[list[str], int] | None:
    """The words of a type and how many `*` follow them; None where these tokens are no type.

    Args:
        inside: what stands between two parentheses.

    Returns:
        `const` and `volatile` are left out. A single word without `*` may be a variable as well.
    """
    stars = 0
    words: list[str] = []
    for token in inside:
        if token.kind is Word.SIGN and token.text == "*" and words:
            stars += 1
        elif token.kind is not Word.NAME:
            return None
        elif token.text not in _QUALIFIERS:
            if stars:
                return None
            words.append(token.text)
    return (words, stars) if words else None


def is_certainly_type(inside: Sequence[Token]) -> bool:
    """Whether these tokens are a type whatever names the program has."""
    found = type_words(inside)
    if found is None:
        return False
    words, stars = found
    return stars > 0 or words[0] in TAGS or c_types.integer(words) is not None or words == ["void"]


def opening(of: Sequence[Token], closing: int) -> int | None:
    """The index of the parenthesis that the one at `closing` closes."""
    depth = 0
    for index in range(closing, -1, -1):
        if of[index].kind is Word.SIGN:
            depth += (of[index].text == ")") - (of[index].text == "(")
            if depth == 0:
                return index
    return None


def is_unfinished(text: str) -> bool:
    """Whether more must come: a bracket is open, or an operator, a cast or `sizeof` is last."""
    found = tokens(text)
    if not found:
        return True
    signs = [token.text for token in found if token.kind is Word.SIGN]
    if sum(map(signs.count, "([")) > sum(map(signs.count, ")]")):
        return True
    last = found[-1]
    if last.kind is Word.NAME:
        return last.text == SIZEOF
    if last.kind is not Word.SIGN:
        return last.kind is Word.FOREIGN
    if last.text != ")":
        return last.text != "]"
    begin = opening(found, len(found) - 1)
    if begin is None or (begin and found[begin - 1].text == SIZEOF):
        return False
    return is_certainly_type(found[begin + 1 : -1])


class Next(Enum):
    """What a word after a finished expression is."""

    ANOTHER = auto()
    """It begins another one."""
    SAME = auto()
    """It goes on with it."""
    EITHER = auto()
    """It may do both: `-16`, `*p`."""


def what_follows(word: str) -> Next:
    """What `word` is, after a finished expression and a blank."""
    found = tokens(word)
    if not found:
        return Next.SAME
    first = found[0]
    if first.kind is Word.FOREIGN:
        return Next.SAME
    if first.kind is not Word.SIGN or first.text in ("(", "~"):
        return Next.ANOTHER
    if first.text in UNARY and len(found) > 1:
        return Next.EITHER
    return Next.SAME
