"""The answer of mte-catch, and what its breakpoints ask before they stop."""

from __future__ import annotations

import pytest

from mtedbg.errors import LayoutError, UsageError
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.session import Session
from tests.support.answers import ask
from tests.support.runtime_image import HOST_THREAD, JIT_THREAD, image
from tests.support.scripted import ORDER, phase, scripted


def test_all_phases_where_none_is_named():
    made = image()
    report = ask(Session(scripted(made)), "mte-catch")
    assert [(row["phase"], row["address"]) for row in report.rows] == [
        (name, phase(made, name)) for name in ORDER
    ]
    assert report.headline == f"{len(ORDER)} breakpoints at phases of fault handling"


def test_what_was_asked_for_is_in_the_row():
    target = scripted(image())
    line = "mte-catch lock shared-local --memop 2 --function f --thread 3"
    report = ask(Session(target), line)
    (row,) = report.rows
    assert [row[key] for key in ("phase", "direction", "memop", "function", "thread")] == [
        "lock",
        "shared-local",
        2,
        "f",
        3,
    ]
    assert report.headline == "1 breakpoint at phases of fault handling"
    (plain,) = ask(Session(target), "mte-catch unlock").rows
    assert (plain["direction"], plain["memop"]) == (NOT_APPLICABLE, NOT_APPLICABLE)


def test_they_are_listed_and_deleted_by_phase_and_direction():
    session = Session(scripted(image()))
    ask(session, "mte-catch lock local-shared")
    ask(session, "mte-catch lock unlock")
    assert len(ask(session, "mte-catch --list").rows) == 3
    gone = ask(session, "mte-catch --delete lock local-shared")
    assert (gone.headline, len(gone.rows)) == ("1 breakpoint deleted", 1)
    assert ask(session, "mte-catch --delete lock").headline == "1 breakpoint deleted"
    assert [row["phase"] for row in ask(session, "mte-catch --list").rows] == ["unlock"]
    assert ask(session, "mte-catch --delete").headline == "1 breakpoint deleted"
    assert ask(session, "mte-catch --list").rows == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("retagging", "'retagging' is not a phase"),
        ("local-shared shared-local", "a patch has one direction"),
    ],
)
def test_words_that_are_not_understood(words, message):
    with pytest.raises(UsageError) as caught:
        ask(Session(scripted(image())), f"mte-catch {words}")
    assert caught.value.message == message


def test_a_phase_that_the_runtime_does_not_have():
    with pytest.raises(LayoutError, match="no address of retag"):
        ask(Session(scripted(image())), "mte-catch retag")


def test_a_plain_one_asks_nothing():
    target = scripted(image())
    ask(Session(target), "mte-catch lock --thread 3")
    ((_, wanted),) = target.made.values()
    assert wanted is None, "the debugger itself knows threads"


@pytest.mark.parametrize(("memop", "stops"), [(1, True), (2, False)])
def test_one_of_a_memop_stops_only_there(memop, stops):
    target = scripted(image())  # thread 1 is at memop 1
    ask(Session(target), f"mte-catch lock --memop {memop}")
    ((made, wanted),) = target.made.values()
    assert wanted is not None
    assert wanted(made.catch, JIT_THREAD) is stops
    assert wanted(made.catch, HOST_THREAD), "what cannot be told stops"
