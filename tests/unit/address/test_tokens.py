"""Where an expression on a line ends."""

import pytest

from mtedbg.address import c_types
from mtedbg.address.tokens import Next, is_unfinished, what_follows


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("p", False),
        ("p +", True),
        ("p+", True),
        ("-", True),
        ("p->", True),
        ("(p", True),
        ("a[1", True),
        ("a[1]", False),
        ("(p)", False),
        ("(unsigned char *)", True),
        ("(char)", True),
        ("(struct node *)", True),
        ("(node_t *)", True),
        ("(node_t)", False),
        ("1 + (char)", True),
        ("sizeof", True),
        ("sizeof(char)", False),
        ("f((char)", True),
        ("p ==", True),
        (")", False),
        ("$x0", False),
        ("'f.cold'", False),
    ],
)
def test_what_must_go_on(text: str, more: bool) -> None:
    assert is_unfinished(text) is more


@pytest.mark.parametrize(
    ("word", "follows"),
    [
        *((word, Next.ANOTHER) for word in ("64", "n", "$x1", "(64)", "~15", "'f.cold'", "::n")),
        *((word, Next.SAME) for word in ("+", "-", "*", "&", "/2", "<<4", "[2]", "->x", ".x", ")")),
        *((word, Next.SAME) for word in ("|", "&&x", "==1", "^1", "%2", "@4", "?")),
        *((word, Next.EITHER) for word in ("-16", "+16", "*p", "&x", "-(1)", "-$x1")),
    ],
)
def test_what_a_word_after_a_blank_is(word: str, follows: Next) -> None:
    assert what_follows(word) is follows


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("char", (1, False)),
        ("signed char", (1, True)),
        ("unsigned", (4, False)),
        ("int", (4, True)),
        ("short int", (2, True)),
        ("long unsigned int", (8, False)),
        ("long long", (8, True)),
        ("size_t", (8, False)),
        ("int8_t", (1, True)),
        ("long long long", None),
        ("long short", None),
        ("char int", None),
        ("signed unsigned", None),
        ("int int", None),
        ("double", None),
        ("size_t int", None),
        ("", None),
    ],
)
def test_integer_types(words: str, found: tuple[int, bool] | None) -> None:
    assert c_types.integer(words.split()) == found
