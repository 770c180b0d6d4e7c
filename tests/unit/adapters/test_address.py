"""Address expressions as C reads them, with nothing but look-ups."""

import pytest

from mtedbg.adapters.address import Number, evaluate
from mtedbg.errors import ExpressionError

PLACES = {
    "$x0": Number(0x0300_0000_0000_1000),
    "p": Number(0x1000, 8),
    "q": Number(0x1040, 8),
    "c": Number(0x2000, 1),
    "n": Number(5),
    "*p": Number(7),
    "&n": Number(0x3000, 4),
    "a->b[3].c": Number(11),
    "ns::f": Number(0x4000, 1),
}


def look_up(place: str) -> Number:
    if place in PLACES:
        return PLACES[place]
    raise ExpressionError(f"no {place}", "")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("16", 16),
        (" 0x10 ", 16),
        ("0b101", 5),
        ("010", 10),
        ("$x0", 0x0300_0000_0000_1000),
        ("$x0+0x10", 0x0300_0000_0000_1010),
        ("p + 2", 0x1010),
        ("2 + p", 0x1010),
        ("p - 1", 0xFF8),
        ("c+4096-8", 0x2FF8),
        ("q - p", 8),
        ("(q - p) * 2", 16),
        ("&n + 1", 0x3004),
        ("*p * n", 35),
        ("2 * *p", 14),
        ("2 - - 3", 5),
        ("-n", -5),
        ("a->b[3].c + 1", 12),
        ("ns::f", 0x4000),
        ("((((1))))", 1),
    ],
)
def test_values(expression: str, value: int) -> None:
    assert evaluate(expression, look_up) == value


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "1 +", "+", ")", "(1", "1 2", "1.5", "0x", "p + q", "p * 2", "-p", "c - p"),
        *("f(1)", "unknown", "a b", "1 / 2", "$", "x" * 5000, "(" * 100 + "1" + ")" * 100),
    ],
)
def test_what_is_no_sum_is_one_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, look_up)


def test_many_signs_do_not_overflow_the_stack() -> None:
    assert evaluate("-" * 4001 + "1", look_up) == -1
