"""Sums and products of what a debugger can look up without running anything in the program.

LLDB evaluates an expression on a live process only after it has made the process call mmap, for a
place to put the result. What a person gives as an address needs no more than this.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mtedbg.errors import ExpressionError

_MAX_LENGTH = 4096
_MAX_DEPTH = 64
_NUMBER = re.compile(r"0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|([0-9]+)(?![\w.])")
# A register, or a path as C writes it: prefix operators, a name, then members and indices.
_PLACE = re.compile(
    r"\$\w+|[*&]*(?:::)?[A-Za-z_]\w*(?:::~?\w+|@\w+|\.[A-Za-z_]\w*|->[A-Za-z_]\w*|\[\w+\])*"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A value.

    Attributes:
        value: any integer.
        step: what one more means: the size of what a pointer points to; 0 for an integer.
    """

    value: int
    step: int = 0


LookUp = Callable[[str], Number]
"""The value of a register (`$x0`) or of a path (`*p`, `a->b[3]`, `&x`, `main`).

Raises `ExpressionError` where there is none.
"""


def evaluate(expression: str, look_up: LookUp) -> int:
    """The value of `expression`: places and numbers with + - * and parentheses, as C has them.

    Raises:
        ExpressionError: it is nothing of that kind, or a place in it is not known.
    """
    if len(expression) > _MAX_LENGTH:
        raise ExpressionError("the expression is too long", "give a number")
    reader = _Reader(expression, look_up)
    total = reader.sum()
    reader.expect_end()
    return total.value


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str, look_up: LookUp) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._look_up = look_up

    def sum(self) -> Number:
        """Products with + and - between them."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error()
        total = self._product()
        while (sign := self._take("+", "-")) is not None:
            total = self._added(total, self._product(), -1 if sign == "-" else 1)
        self._depth -= 1
        return total

    def _added(self, left: Number, right: Number, sign: int) -> Number:
        if left.step and right.step:
            if sign > 0 or left.step != right.step:
                raise self._error()
            return Number((left.value - right.value) // left.step)
        step = left.step or right.step
        scaled = right.value * (left.step or 1)
        return Number(left.value * (right.step or 1) + sign * scaled, step)

    def _product(self) -> Number:
        total = self._term()
        while self._take("*") is not None:
            factor = self._term()
            if total.step or factor.step:
                raise self._error()
            total = Number(total.value * factor.value)
        return total

    def _term(self) -> Number:
        signs = 0
        while self._take("-") is not None:
            signs += 1
        number = self._unsigned()
        if signs and number.step:
            raise self._error()
        return Number(-number.value) if signs % 2 else number

    def _unsigned(self) -> Number:
        if self._take("(") is not None:
            number = self.sum()
            if self._take(")") is None:
                raise self._error()
            return number
        if match := self._match(_NUMBER):
            digits, base = next(
                (d, b) for d, b in zip(match.groups(), (16, 2, 10), strict=True) if d is not None
            )
            return Number(int(digits, base))
        if match := self._match(_PLACE):
            return self._look_up(match[0])
        raise self._error()

    def expect_end(self) -> None:
        """Raises where something is left."""
        self._skip_space()
        if self._at < len(self._text):
            raise self._error()

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, *signs: str) -> str | None:
        self._skip_space()
        sign = self._text[self._at : self._at + 1]
        if sign in signs:
            self._at += 1
            return sign
        return None

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._skip_space()
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def _error(self) -> ExpressionError:
        rest = self._text[self._at :].strip()
        where = f" at {rest!r}" if rest else " at its end"
        return ExpressionError(
            f"cannot read {self._text!r}{where}",
            "give a number, $register, symbol or variable, or a sum of them",
        )
