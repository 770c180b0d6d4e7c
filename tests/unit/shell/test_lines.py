"""What becomes of a typed line: blocks, repetition, colours, completions."""

from __future__ import annotations

import pytest

from mtedbg.shell import script
from mtedbg.shell.blocks import unfinished
from mtedbg.shell.completion import completions
from mtedbg.shell.lexer import tokens
from mtedbg.shell.repeat import repeated


@pytest.mark.parametrize(
    "text",
    [
        "python",
        "py\nprint(1)",
        "define foo\nif $x\np 1\nend",
        "document foo\nif this is prose",
        "commands 1\nsilent",
        "if 1",
        "while $i < 3\npython\nprint('while')\nend",
    ],
)
def test_a_block_goes_on_until_its_end(text: str) -> None:
    assert unfinished(text)
    assert not unfinished("p 1")


@pytest.mark.parametrize(
    "text",
    [
        "python print(1)",
        "define foo\np 1\nend",
        "define foo\nif $x\np 1\nend\nend",
        "document foo\nif this is prose\nend",
        "python\nif True:\n  print(1)\nend",
        "end",
        "",
        "info line main",
        "whatis x",
        "p 1\np 2",
    ],
)
def test_what_is_whole(text: str) -> None:
    assert not unfinished(text)


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("stepi", "stepi"),
        ("x/4xg $sp", "x/4xg"),
        ("x $sp", "x"),
        ("list main", "list"),
        ("mte-fault --json", "mte-fault --json"),
        ("mte-set $x0 16 3", ""),
        ("mte set $x0 16 3", ""),
        ("mte-tags $x0 64 --runs", "mte-tags --runs"),
        ("mte tags $x0", "mte tags"),
        ("run", ""),
        ("delete", ""),
        ("!ls", ""),
        ("define f\np 1\nend", ""),
        ("", ""),
    ],
)
def test_an_empty_line(line: str, again: str) -> None:
    assert repeated(line) == again


def test_colours_of_a_line() -> None:
    found = tokens('mte-tags $x16+0x10 64 --runs "a b"', ["mte-tags"])
    assert [(style.removeprefix("class:"), text) for style, text in found if style] == [
        ("command.mtedbg", "mte-tags"),
        ("register", "$x16"),
        ("number", "0x10"),
        ("number", "64"),
        ("option", "--runs"),
        ("string", '"a b"'),
    ]
    assert tokens("p x-y")[0] == ("class:command", "p")
    assert tokens("# p 1") == [("class:comment", "# p 1")]


@pytest.mark.parametrize("line", ["", "  ", 'p "', "x/i $pc", "é ∂ $", "\\", "p 'a"])
def test_colours_lose_nothing(line: str) -> None:
    assert "".join(text for _, text in tokens(line)) == line


def test_completions_are_of_the_last_word() -> None:
    found = list(completions("mte-tags p --r", ["mte-tags p --runs"], {}))
    assert [(one.text, one.start_position) for one in found] == [("--runs", -3)]
    assert found[0].display_meta_text.startswith("a row for each run")
    (name,) = completions("mte-fau", ["mte-fault"], {"mte-fault": "what it says"})
    assert (name.text, name.start_position, name.display_meta_text) == (
        "mte-fault",
        -7,
        "what it says",
    )
    assert not list(completions("a b", ["other c"], {}))


def test_numbers_come_first_and_by_size() -> None:
    found = completions("memop ", ["memop main", "memop 10", "memop 9", "memop 9"], {})
    assert [one.text for one in found] == ["9", "10", "main"]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("!ls -l", "ls -l"),
        ("shell ls", "ls"),
        ("make all", "make all"),
        ("shelly", ""),
        ("p 1", ""),
    ],
)
def test_lines_for_the_systems_shell(line: str, command: str) -> None:
    assert script.outside(line) == command


def test_what_would_take_the_terminal_is_refused() -> None:
    assert script.refused("edit 3")
    assert script.refused("pi")
    assert not script.refused("pi 1+1")
    assert not script.refused("python")


def test_errors_of_a_block_do_not_name_its_file() -> None:
    with script.sent("define f\nend\nnonsense") as (command, readable):
        file = command.removeprefix("source ")
        error = f'{file}:3: Error in sourced command file:\nUndefined command: "nonsense".'
        assert readable(error) == 'Undefined command: "nonsense".'


def test_advice() -> None:
    assert script.with_advice(":1: Connection refused.").count("\n") == 1
    assert script.with_advice("No stack.") == "No stack."
