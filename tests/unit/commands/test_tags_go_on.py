"""`mte-tags` without an address goes on behind what it showed, as an empty line does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.analysis.tags import tags
from mtedbg.commands import all_commands, find
from mtedbg.commands._line import execute
from mtedbg.commands._repeat import repeat_line
from mtedbg.errors import UsageError
from mtedbg.session import Session
from tests.support.scenes import HEAP, session_at, tagged


def ask(session: Session, line: str) -> dict[str, Any]:
    command = find("mte-tags")
    assert command
    found = json.loads(execute(session, command, f"{line} --json"))
    assert isinstance(found, dict)
    return found


def extent(found: dict[str, Any]) -> tuple[int, int]:
    return int(found["rows"][0]["start"], 16), int(found["rows"][-1]["end"], 16)


def test_the_next_stretch_of_the_same_length() -> None:
    session = session_at()
    assert extent(ask(session, f"{HEAP:#x} 64")) == (HEAP, HEAP + 64)
    assert extent(ask(session, "")) == (HEAP + 64, HEAP + 128)
    assert extent(ask(session, "")) == (HEAP + 128, HEAP + 192)


def test_without_a_length_as_much_as_was_shown() -> None:
    session = session_at()
    start, end = extent(ask(session, f"{HEAP + 0x400:#x}"))
    assert extent(ask(session, "")) == (end, end + (end - start))


def test_the_pointer_keeps_its_tag() -> None:
    session = session_at()
    ask(session, f"{tagged(HEAP, 7):#x} 16")
    assert "pointer tag 7" in ask(session, "")["headline"]


def test_what_a_map_had_no_room_for_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "ROWS_OF_MAP", 2)
    session, command = session_at(), find("mte-tags")
    assert command
    assert "0x200 bytes from" in execute(session, command, f"{HEAP:#x} 1024")
    assert session.behind["mte-tags"] == (HEAP + 512, 512)
    assert "are not drawn" not in execute(session, command, "")
    assert session.behind["mte-tags"] == (HEAP + 1024, 512)


def test_nothing_to_go_on_behind() -> None:
    with pytest.raises(UsageError, match="has shown nothing yet"):
        ask(session_at(), "")


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
