"""Reads an expression from left to right, and computes its value on the way."""

from __future__ import annotations

import re
from typing import NoReturn

from mtedbg.address import arithmetic, c_types
from mtedbg.address.memory import WANTED, Memory
from mtedbg.address.tokens import BINARY, SIZEOF, TAGS, UNARY, Token, Word, tokens, type_words
from mtedbg.address.values import (
    FUNCTION,
    SIGNED,
    UNSIGNED,
    VOID,
    Kind,
    Lookup,
    Number,
    Type,
    Value,
    pointer_to,
)
from mtedbg.errors import ExpressionError, NotInLanguageError
from mtedbg.model.absent import Absent

_MAX_LENGTH = 4096
_MAX_DEPTH = 64
_NUMBER = re.compile(r"(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|(0[0-7]*)|([1-9][0-9]*))([uUlL]{0,3})")
_BASES = (16, 2, 8, 10)
_GENERAL = frozenset((*(f"x{number}" for number in range(31)), "sp", "pc", "pstate", "tpidr"))
_SYNONYMS = {
    "fp": "x29",
    "lr": "x30",
    "ip": "pc",
    "ip0": "x16",
    "ip1": "x17",
    "cpsr": "pstate",
    "tpidr_el0": "tpidr",
}
_HALVES = {f"w{number}": f"x{number}" for number in range(31)} | {"wsp": "sp"}
_HALF = Type(Kind.INTEGER, "unsigned int", 4)


def evaluate(expression: str, lookup: Lookup) -> int:
    """The 64 bits of an expression: an integer, a pointer, or where an array or function is.

    Args:
        expression: in the language that `mtedbg.address` describes.
        lookup: knows the names in it.

    Raises:
        NotInLanguageError: it is not in this language.
        ExpressionError: it has no value here.
    """
    if not expression.strip() or len(expression) > _MAX_LENGTH:
        raise NotInLanguageError("the expression is empty or too long", WANTED)
    return _Reader(expression, lookup).all().value & arithmetic.WORD


class _Reader:
    """One expression.

    Args:
        text: the expression.
        lookup: knows the names in it.
    """

    def __init__(self, text: str, lookup: Lookup) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self._lookup = lookup
        self._memory = Memory(lookup)

    def all(self) -> Number:
        """The value of all of it."""
        foreign = (at for at, token in enumerate(self._tokens) if token.kind is Word.FOREIGN)
        if (at := next(foreign, None)) is not None:
            self._at = at
            self._refuse()
        value = self._binary(0)
        if self._at < len(self._tokens):
            self._refuse()
        return self._memory.number(value, self._text.strip())

    # What it is made of, from the weakest operator to single words.

    def _binary(self, least: int) -> Value:
        begin = self._at
        left = self._unary()
        while (sign := self._sign()) in BINARY and (strength := BINARY[sign]) > least:
            first = self._memory.number(left, self._since(begin))
            self._at += 1
            middle = self._at
            right = self._binary(strength)
            left = arithmetic.binary(sign, first, self._memory.number(right, self._since(middle)))
        return left

    def _unary(self) -> Value:
        """Prefix operators and casts wait for their operand in a list: many do not recurse."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._refuse()
        prefixes: list[str | Type] = []
        while True:
            if (sign := self._sign()) in UNARY:
                prefixes.append(sign)
                self._at += 1
            elif (cast := self._cast()) is not None:
                prefixes.append(cast)
            else:
                break
        begin = self._at
        value = self._postfix()
        self._depth -= 1
        text = self._since(begin)
        for prefix in reversed(prefixes):
            value = self._prefixed(prefix, value, text)
            text = f"{prefix if isinstance(prefix, str) else f'({prefix.name})'}{text}"
        return value

    def _prefixed(self, prefix: str | Type, value: Value, text: str) -> Value:
        if isinstance(prefix, Type):
            return arithmetic.cast(prefix, self._memory.number(value, text))
        if prefix == "*":
            return self._memory.pointed(value, text)
        if prefix == "&":
            return self._memory.address_of(value, text)
        return arithmetic.unary(prefix, self._memory.number(value, text))

    def _postfix(self) -> Value:
        begin = self._at
        value = self._primary()
        while (sign := self._sign()) in ("[", ".", "->"):
            text = self._since(begin)
            self._at += 1
            value = self._element(value, text) if sign == "[" else self._member(value, text)
        return value

    def _element(self, value: Value, text: str) -> Value:
        begin = self._at
        inside = self._binary(0)
        index = self._memory.number(inside, self._since(begin))
        self._expect("]")
        return self._memory.element(value, index, text)

    def _member(self, value: Value, text: str) -> Value:
        token = self._peek()
        if token is None or token.kind is not Word.NAME:
            self._refuse()
        self._at += 1
        return self._memory.member(value, token.text, text)

    def _primary(self) -> Value:
        token = self._peek()
        if token is None:
            self._refuse()
        self._at += 1
        if token.kind is Word.NUMBER:
            return self._literal(token)
        if token.kind is Word.REGISTER:
            return self._register(token.text)
        if token.kind is Word.NAME:
            return self._sizeof() if token.text == SIZEOF else self._named(token)
        if token.text != "(":
            self._at -= 1
            self._refuse()
        value = self._binary(0)
        self._expect(")")
        return value

    def _literal(self, token: Token) -> Number:
        match = _NUMBER.fullmatch(token.text)
        if match is None:
            raise NotInLanguageError(f"{token.text!r} is not an integer constant", WANTED)
        digits = next((d, b) for d, b in zip(match.groups(), _BASES, strict=False) if d is not None)
        value = int(*digits)
        if value > arithmetic.WORD:
            raise ExpressionError(f"{token.text} has more than 64 bits", "give 64 bits at most")
        unsigned = "u" in match[5].lower() or value >> 63
        return arithmetic.number(value, UNSIGNED if unsigned else SIGNED)

    def _register(self, text: str) -> Value:
        name = _SYNONYMS.get(text[1:], text[1:])
        found = self._lookup.register(_HALVES.get(name, name)) if name else None
        if found is None:
            raise ExpressionError(
                f"no register {text} here", "there are $x0 to $x30, $sp, $pc, $pstate, $tpidr"
            )
        if name in _HALVES:
            return arithmetic.cast(_HALF, self._memory.number(found, text))
        return (
            arithmetic.cast(UNSIGNED, self._memory.number(found, text))
            if name in _GENERAL
            else found
        )

    def _named(self, token: Token) -> Value:
        found = self._lookup.name(token.text)
        if isinstance(found, Absent) or found.type is FUNCTION:
            # A compiler's names may have dots: f.cold, f.part.0.
            dotted = re.compile(r"(?:\.\w+)+").match(self._text, token.end)
            longer = self._lookup.name(token.text + dotted[0]) if dotted else found
            if dotted and not isinstance(longer, Absent):
                while (ahead := self._peek()) is not None and ahead.start < dotted.end():
                    self._at += 1
                return longer
        if isinstance(found, Absent):
            why = f": {found.detail}" if found.detail else ""
            raise ExpressionError(
                f"no symbol or variable {token.text!r} here{why}",
                "name the program: --exe" if why else WANTED,
            )
        return found

    # Types.

    def _group(self) -> list[Token] | None:
        """What stands in the parentheses that begin here, up to the first that closes."""
        if self._sign() != "(":
            return None
        for end in range(self._at + 1, len(self._tokens)):
            token = self._tokens[end]
            if token.kind is Word.SIGN and token.text == ")":
                return self._tokens[self._at + 1 : end]
        return None

    def _cast(self) -> Type | None:
        """The type in the parentheses that begin here, and moves past them; None where none."""
        inside = self._group()
        found = type_words(inside) if inside is not None else None
        if inside is None or found is None:
            return None
        words, stars = found
        type_ = self._type(words)
        if type_ is None:
            if stars or words[0] in TAGS:
                raise ExpressionError(f"no type {' '.join(words)!r} here", WANTED)
            return None
        for _ in range(stars):
            type_ = pointer_to(type_)
        self._at += len(inside) + 2
        return type_

    def _type(self, words: list[str]) -> Type | None:
        if (integer := c_types.integer(words)) is not None:
            size, signed = integer
            return Type(Kind.INTEGER, " ".join(words), size, signed)
        if words == ["void"]:
            return VOID
        if len(words) == 1 + (words[0] in TAGS):
            variable = len(words) == 1 and not isinstance(self._lookup.name(words[0]), Absent)
            return None if variable else self._lookup.type(" ".join(words))
        return None

    def _sizeof(self) -> Number:
        begin = self._at
        type_ = self._cast() or self._unary().type
        if not type_.size:
            raise ExpressionError(f"the size of {self._since(begin)!r} is not known here", WANTED)
        return Number(type_.size, UNSIGNED)

    # Words.

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _sign(self) -> str:
        """The sign that is next, or nothing."""
        token = self._peek()
        return token.text if token is not None and token.kind is Word.SIGN else ""

    def _expect(self, sign: str) -> None:
        if self._sign() != sign:
            self._refuse()
        self._at += 1

    def _since(self, begin: int) -> str:
        """What has been read from the word with the index `begin` on."""
        if begin >= self._at:
            return ""
        return self._text[self._tokens[begin].start : self._tokens[self._at - 1].end]

    def _refuse(self) -> NoReturn:
        token = self._peek()
        where = f" at {self._text[token.start :].strip()!r}" if token else " at its end"
        raise NotInLanguageError(f"cannot read {self._text.strip()!r}{where}", WANTED)
