"""Expressions as C reads them, on a program made of dictionaries."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.address.reader import evaluate
from mtedbg.address.tokens import is_unfinished
from mtedbg.errors import ExpressionError, NotInLanguageError
from tests.unit.address.names import TAGGED, Names

WORD = (1 << 64) - 1


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("16", 16),
        (" 0x10 ", 16),
        ("0b101", 5),
        ("010", 8),
        ("0", 0),
        ("16ull", 16),
        ("18446744073709551615", WORD),
        ("2 - - 3", 5),
        ("- " * 4 + "1", 1),
        ("((((1))))", 1),
        ("2 + 3 * 4", 14),
        ("10 - 4 - 3", 3),
        ("1 << 2 + 1", 8),
        ("7 & 3 << 1", 6),
        ("1 | 2 ^ 3 & 2", 1),
        ("-7 / 2", -3),
        ("-7 % 4", -3),
        ("-1 >> 60", -1),
        ("-1ul >> 60", 15),
        ("big / 2", 1 << 62),
        ("n / 2", -2),
        ("~0", -1),
        ("$x0", TAGGED),
        ("$x0+2*16", TAGGED + 32),
        ("$lr + $fp", 59),
        ("$ip", 0x4004),
        ("$cpsr", 5),
        ("$w0", 0x1000),
        ("$x0 - $x0 - 1 >> 60", 15),
    ],
)
def test_numbers_and_registers(expression: str, value: int) -> None:
    assert evaluate(expression, Names()) == value & WORD


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("p + 2", 0x1030),
        ("2 + p", 0x1030),
        ("p - 1", 0xFE8),
        ("c - 8", 0x1008),
        ("nodes + 1 - p", 1),
        ("head", TAGGED),
        ("head->next", 0x1018),
        ("head . next", 0x1018),
        ("head->next->value", -2),
        ("(*head).value", 100),
        ("nodes[1].value + 1", -1),
        ("&nodes[1]", 0x1018),
        ("&head->value", TAGGED + 8),
        ("&*p", 0x1000),
        ("p->name", 0x1010),
        ("p->name[1]", ord("i")),
        ("&p->name + 1", 0x1018),
        ("*c", ord("h")),
        ("**&c", ord("h")),
        ("ref.value", -2),
        ("&ref", 0x1018),
        ("in_registers.value", 77),
        ("main", 0x4000),
        ("main + 4", 0x4004),
        ("&main+4", 0x4004),
        ("**main", 0x4000),
        ("main.cold + 4", 0x5004),
        ("'main.cold'", 0x5000),
        ("ns::f", 0x6000),
        ("memcpy@plt", 0x7000),
        ("&untyped", 0x3000),
        ("size_of", 1),
        ("p >> 12 & ~0", 1),
        ("sizeof(struct node)", 24),
        ("sizeof *p + sizeof(long)", 32),
        ("sizeof p->name", 8),
        ("sizeof(p)", 8),
    ],
)
def test_names(expression: str, value: int) -> None:
    assert evaluate(expression, Names()) == value & WORD


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("(char)-1", 255),
        ("(signed char)255", -1),
        ("(unsigned)-1", 0xFFFFFFFF),
        ("(int) 0x1ffffffff + 1", 0),
        ("(long unsigned int) -1", WORD),
        ("(uint16_t)0x12345", 0x2345),
        ("(char *)p + 1", 0x1001),
        ("(unsigned char*) p - 1", 0xFFF),
        ("(const volatile char *const)p", 0x1000),
        ("*(unsigned long *)$x0", 0x1018),
        ("*(uint8_t *)&untyped + 1", 1),
        ("**(unsigned long **)&untyped", 0x1018),
        ("((long *)$x0)[1]", 100),
        ("((struct node *)$x0)->value", 100),
        ("((node *)$x0)->value", 100),
        ("(n)", -5),
        ("(n) - 1", -6),
        ("(void *)p + 1", 0x1001),
        ("-(char)1", -1),
    ],
)
def test_casts(expression: str, value: int) -> None:
    assert evaluate(expression, Names()) == value & WORD


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "1 +", "+", ")", "(1", "1 2", "1.5", "0x", "12ab", "f(1)", "p ,1", "08"),
        *("n == 1", "n && p", "n = 1", "n++", "--n", "a < b", "p[1", "p->", "p->1", "x" * 5000),
        *("(" * 100 + "1" + ")" * 100, "sizeof " * 500 + "n", '"text"', "\x1b[2J", "p +", "sizeof"),
    ],
)
def test_what_is_not_in_the_language(expression: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(expression, Names())
    known = "no symbol or variable"
    assert isinstance(raised.value, NotInLanguageError) or known in raised.value.message
    assert raised.value.next_step


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("unknown", "no symbol or variable 'unknown' here"),
        ("$x99", "no register $x99 here"),
        ("$", "no register $ here"),
        ("lost", "'lost' is optimized out here"),
        ("p + p", "a pointer + a pointer has no meaning"),
        ("p * 2", "a pointer * an integer has no meaning"),
        ("2 - p", "an integer - a pointer has no meaning"),
        ("c - p", "a pointer - a pointer has no meaning"),
        ("-p", "- of a pointer has no meaning"),
        ("1 / 0", "division by zero"),
        ("1 % (n + 5)", "division by zero"),
        ("1 << 64", "shift by 64 bits"),
        ("1 << n", "shift by -5 bits"),
        ("0x10000000000000000", "0x10000000000000000 has more than 64 bits"),
        ("*$x0", "'$x0' is not a pointer"),
        ("$x0[1]", "'$x0' is not a pointer"),
        ("*n", "'n' is not a pointer"),
        ("*(void *)p", "the type of what '(void *)p' points to is not known here"),
        ("*&untyped", "the type of what '&untyped' points to is not known here"),
        ("&untyped + 1", "the size of what the pointer points to is not known here"),
        ("untyped", "the type of 'untyped' is not known here"),
        ("(char *)untyped", "the type of 'untyped' is not known here"),
        ("untyped.x", "the type of 'untyped' is not known here"),
        ("ratio + 1", "'ratio' is of type double, not an address"),
        ("*p", "'*p' is of type node, not an address"),
        ("(double)n", "no symbol or variable 'double' here"),
        ("(struct none *)p", "no type 'struct none' here"),
        ("(struct node)n", "a cast to node does not give an address"),
        ("sizeof untyped", "the size of 'untyped' is not known here"),
        ("&n", "'n' is not in memory: it has no address"),
        ("&5", "'5' is not in memory: it has no address"),
        ("n.x", "'n' is of type int, which has no members"),
        ("p->none", "node has no member 'none'"),
        ("*(long *)64", "'*(long *)64' cannot be read: not mapped at 0x40"),
        ("main.warm", "'main' is of type function, which has no members"),
    ],
)
def test_what_has_no_value(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(expression, Names())
    assert raised.value.message.startswith(message)
    assert raised.value.next_step


def test_memory_is_read_without_the_tag_and_only_where_it_is_needed() -> None:
    names = Names()
    assert evaluate("&((struct node *)$x0)[1].name", names) == TAGGED + 24 + 16
    assert names.reads == []
    assert evaluate("((struct node *)$x0)->value", names) == 100
    assert names.reads == [0x1008]


def test_many_signs_do_not_overflow_the_stack() -> None:
    assert evaluate("- " * 2001 + "1", Names()) == WORD


_WORDS = st.sampled_from(
    [
        *("p", "n", "head", "main", "nodes", "untyped", "ref", "in_registers", "$x0", "$w1", "1"),
        *("0x10", "08", "next", "value", "sizeof", "(", ")", "[", "]", ".", "->", "*", "&", "-"),
        *("~", "+", "/", "%", "<<", ">>", "|", "^", "(char *)", "(struct node *)", "(long)", "=="),
        *("'", "char", "struct", "::", "@", "$"),
    ]
)


@given(st.lists(_WORDS, max_size=24), st.sampled_from(["", " "]))
def test_whatever_is_written_has_a_value_or_is_refused(words: list[str], between: str) -> None:
    text = between.join(words)
    assert isinstance(is_unfinished(text), bool)
    with contextlib.suppress(ExpressionError):
        assert 0 <= evaluate(text, Names()) <= WORD


_NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@given(_NUMBERS, st.sampled_from(["+", "-", "*", "&", "|", "^"]), _NUMBERS)
def test_arithmetic_wraps_at_64_bits(left: int, sign: str, right: int) -> None:
    expected = eval(f"({left}) {sign} ({right})")
    assert evaluate(f"({left}){sign}({right})", Names()) == expected & WORD
