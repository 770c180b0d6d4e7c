"""Lines into arguments: expressions may have blanks."""

import pytest

from mtedbg.commands import Command, find
from mtedbg.commands._words import split
from mtedbg.errors import UsageError


def command(name: str) -> Command:
    found = find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("p", ["p"]),
        ("p 64", ["p", "64"]),
        ("p+16 64", ["p+16", "64"]),
        ("p + 16", ["p + 16"]),
        ("p + 16 64", ["p + 16", "64"]),
        ("p+ 16 64", ["p+ 16", "64"]),
        ("p - 16", ["p - 16"]),
        ("(unsigned char *)p 64", ["(unsigned char *)p", "64"]),
        ("(unsigned char *) p 64", ["(unsigned char *) p", "64"]),
        ("(unsigned char *) -16 64", ["(unsigned char *) -16", "64"]),
        ("( p + 16 ) (64)", ["( p + 16 )", "(64)"]),
        ("a[ 1 ] 4*4", ["a[ 1 ]", "4*4"]),
        ("a [1] 64", ["a [1]", "64"]),
        ("p ->next -> next 64", ["p ->next -> next", "64"]),
        ("p *  2 64", ["p * 2", "64"]),
        ("-16", ["(-16)"]),
        ("- 16 64", ["(- 16)", "64"]),
        ("p (-16)", ["p", "(-16)"]),
        ("p ~15", ["p", "~15"]),
        ("sizeof (struct node) 64", ["sizeof (struct node)", "64"]),
        ("p --runs 64", ["p", "64", "--runs"]),
        ("--runs p + 16 64", ["p + 16", "64", "--runs"]),
        ("p + 16 --runs 64 --json", ["p + 16", "64", "--runs", "--json"]),
        ("p + --json", ["p +", "--json"]),
        ('"p + 16" 64', ["p + 16", "64"]),
        ("'p +16' 64", ["p +16", "64"]),
        ('"p" "64"', ["p", "64"]),
        ('"p + 1" * 2', ["(p + 1) * 2"]),
        ('2 * "p + 1" 64', ["2 * (p + 1)", "64"]),
        ("'' 64", ["", "64"]),
        ("'' --runs 64", ["", "64", "--runs"]),
        ("'p +' 64", ["p +", "64"]),
        ("p == 1", ["p == 1"]),
        ("p 64 65", ["p", "64", "65"]),
    ],
)
def test_an_expression_ends_where_the_next_word_cannot_go_on(line: str, words: list[str]) -> None:
    assert split(command("mte-tags"), line) == words


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["p", "+", "16", "64"], ["p + 16", "64"]),
        (["(unsigned", "char", "*)p", "64", "--runs"], ["(unsigned char *)p", "64", "--runs"]),
        (["(unsigned char *) p", "64"], ["(unsigned char *) p", "64"]),
        (["p + 1", "*", "2"], ["(p + 1) * 2"]),
        (["", "64"], ["", "64"]),
    ],
)
def test_words_that_a_front_end_has_split(words: list[str], found: list[str]) -> None:
    assert split(command("mte-tags"), words) == found


@pytest.mark.parametrize("word", ["-16", "+16", "*p", "&n", "-$x1", "-n"])
@pytest.mark.parametrize("split_before", [False, True])
def test_what_may_be_one_or_two_is_refused(word: str, split_before: bool) -> None:
    line = f"$x0 {word} 64"
    with pytest.raises(UsageError) as raised:
        split(command("mte-tags"), line.split() if split_before else line)
    assert raised.value.message == f"mte-tags: '$x0' and {word!r} may be one expression or two"
    one, two = f"$x0 {word[0]} {word[1:]}", f"$x0 ({word})"
    assert raised.value.next_step == f"write {one} for one, {two} for two"
    assert split(command("mte-tags"), one) == [one]
    assert split(command("mte-tags"), two) == ["$x0", f"({word})"]


def test_options_of_one_letter_keep_their_values() -> None:
    find_tag = command("mte-find")
    assert split(find_tag, "3 p + 16 -n 4") == ["3", "p + 16", "-n", "4"]
    assert split(find_tag, "3 -n 4 p 64") == ["3", "p", "64", "-n", "4"]
    assert split(find_tag, "3 p -n4") == ["3", "p", "-n4"]
    assert split(find_tag, "3 p - -n") == ["3", "p - -n"]


def test_an_empty_expression_takes_no_option_in() -> None:
    assert split(command("mte-find"), "3 '' -n 4") == ["3", "", "-n", "4"]


@pytest.mark.parametrize("option", ["--thread", "--thread=2", "--run"])
def test_an_unknown_option_is_named_alone(option: str) -> None:
    with pytest.raises(UsageError) as raised:
        split(command("mte-check"), f"$x0 {option} 2")
    assert raised.value.message == f"mte-check: unrecognized arguments: {option}"
    assert raised.value.next_step.startswith("usage: mte-check PTR")


def test_words_of_other_kinds_stay_as_they_are() -> None:
    assert split(command("mte-catch"), "decide 'a b' --list") == ["decide", "a b", "--list"]
    export = "--export 'a file.json'"
    assert split(command("memops"), export) == ["--export", "a file.json"]


@pytest.mark.parametrize("name", ["mte-tags", "mte-catch"])
def test_an_open_quote(name: str) -> None:
    with pytest.raises(UsageError, match="No closing quotation"):
        split(command(name), "'p + 16")


@pytest.mark.parametrize(
    "line", ["$x0, 64", "$x0,64", "$x0 , 64", "1<<4,16", "p->next,16", "f(1), 2"]
)
def test_a_comma_between_arguments_is_refused(line: str) -> None:
    """GDB's comma would make one expression of them, and of that the last."""
    with pytest.raises(UsageError, match="no comma"):
        split(command("mte-tags"), line)


@pytest.mark.parametrize(
    "line", ["f(1,2) 64", "'f(a, b)' 64", '"1, 2" 64', "x<int,int>::y 64", "a[1,2] 4"]
)
def test_a_comma_in_an_expression_is_its_own(line: str) -> None:
    assert len(split(command("mte-tags"), line)) == 2
