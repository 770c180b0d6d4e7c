"""`mte-tags` without an address goes on after what it showed, as an empty line does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.analysis.tags import span
from mtedbg.commands import all_commands, find
from mtedbg.commands._line import Continuations, execute
from mtedbg.commands._repeat import repeat_line
from mtedbg.errors import UsageError
from mtedbg.report import Continuation
from tests.support.scenes import HEAP, session_at, tagged


class Asking:
    """A person who goes on asking."""

    def __init__(self) -> None:
        self.session = session_at()
        self.goes_on: Continuations = {}

    def __call__(self, line: str) -> dict[str, Any]:
        found = json.loads(self.text(f"{line} --json"))
        assert isinstance(found, dict)
        return found

    def text(self, line: str) -> str:
        command = find("mte-tags")
        assert command
        return execute(self.session, command, line, self.goes_on)


def extent(found: dict[str, Any]) -> tuple[int, int]:
    return int(found["rows"][0]["start"], 16), int(found["rows"][-1]["end"], 16)


def test_the_next_stretch_of_the_same_length() -> None:
    ask = Asking()
    assert extent(ask(f"{HEAP:#x} 64")) == (HEAP, HEAP + 64)
    assert extent(ask("")) == (HEAP + 64, HEAP + 128)
    assert extent(ask("")) == (HEAP + 128, HEAP + 192)


def test_without_a_length_as_much_as_was_shown() -> None:
    ask = Asking()
    start, end = extent(ask(f"{HEAP + 0x400:#x}"))
    assert extent(ask("")) == (end, end + (end - start))


def test_the_pointer_keeps_its_tag() -> None:
    ask = Asking()
    ask(f"{tagged(HEAP, 7):#x} 16")
    assert "pointer tag 7" in ask("")["headline"]


def test_what_a_map_had_no_room_for_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span, "MOST_LINES", 2)
    ask = Asking()
    assert "0x200 bytes from" in ask.text(f"{HEAP:#x} 1024")
    assert ask.goes_on["mte-tags"] == Continuation(HEAP + 512, 512)
    assert "are not shown" not in ask.text("")
    assert ask.goes_on["mte-tags"] == Continuation(HEAP + 1024, 512)


def test_nothing_to_go_on_behind() -> None:
    with pytest.raises(UsageError, match="has not shown a range yet"):
        Asking()("")


@pytest.mark.parametrize(
    ("name", "line", "again"),
    [
        ("mte-tags", "$x0 64", ""),
        ("mte-tags", "$x0 64 --runs", "--runs"),
        ("mte-fault", "--thread 2 --json", "--thread 2 --json"),
        ("memops", "--sort flips -n 3", "--sort flips -n 3"),
        ("mte-set", "$x0 16 3", None),
    ],
)
def test_an_empty_line(name: str, line: str, again: str | None) -> None:
    command = find(name)
    assert command
    assert repeat_line(command, line) == again


def test_only_commands_whose_arguments_may_be_left_out_go_on() -> None:
    for command in all_commands():
        assert not command.goes_on or all(argument.optional for argument in command.arguments)
