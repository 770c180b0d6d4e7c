"""A tag check fault at a memop: its id, and what the handler will do."""

from __future__ import annotations

import pytest

from mtedbg.analysis.fault.handling import NO_MEMOP, handling
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import answers
from tests.support.runtime_image import Image, image
from tests.support.scenes import HEAP, PAGE, tagged

OWN, FOREIGN = 2, 3
JOURNAL_MEMOP = 24
"""Where a slot of the journal has the id of a memop."""


def stopped(made: Image, memory: bytes, address: int = HEAP, pc: int | None = None) -> Session:
    """Thread 1 of the image after a tag check fault at its memop 1, a local load by x16."""
    target = made.target()
    registers = target.register_sets[1]
    registers["x16"] = tagged(address, OWN)
    if pc is not None:
        registers["pc"] = pc
    target.tags[HEAP] = memory
    assert isinstance(target.mappings, list)
    target.mappings.append(Region(HEAP, HEAP + PAGE, "rw-", "", tagged=True))
    target.signals[1] = SignalInfo(11, 9, tagged(address, OWN))
    return Session(target)


def ask(session: Session) -> Report:
    return answers.ask(session, "mte-fault")


@pytest.mark.parametrize("shared", [0, 15])
@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        ("shared", "local → shared: patch memop to shared"),
        ("foreign", "local → shared: retag memory to shared, barrier, patch memop to shared"),
        ("own", "stays local, the core register was stale: reload it, retry"),
    ],
)
def test_the_memop_and_what_becomes_of_it(shared, whose, expected):
    tag = {"shared": shared, "foreign": FOREIGN, "own": OWN}[whose]
    report = ask(stopped(image(shared_tag=shared), bytes([tag])))
    assert report.rows[0]["memop"] == 1
    assert report.rows[0]["transition"] == expected
    assert not report.partial


def test_of_a_policy_that_is_not_known_nothing_is_foreseen():
    made = image().with_schema("Policy.Sticky = 2", "Policy.Sticks = 2")
    (row,) = ask(stopped(made, bytes([FOREIGN]))).rows
    assert row["memop"] == 1
    assert row["transition"] == Absent(Reason.UNKNOWN_VERSION, "policy Sticks is not known here")


def test_both_granules_count():
    report = ask(stopped(image(), bytes([OWN, FOREIGN]), HEAP + 12))
    assert "retag memory to shared" in str(report.rows[0]["transition"])


def test_a_pc_that_is_no_memop():
    made = image()
    report = ask(stopped(made, bytes([FOREIGN]), pc=made.places["baseline"] + 0x1C))
    assert report.rows[0]["transition"] == NO_MEMOP
    assert not report.partial


def test_a_tag_that_is_not_there():
    report = ask(stopped(image(), b""))
    assert report.rows[0]["memop"] == 1
    assert report.rows[0]["transition"] == Absent(Reason.NOT_DUMPED)


def test_a_damaged_runtime_leaves_the_rest_of_the_answer():
    made = image()
    session = stopped(made.with_word(made.places["root"] + 8, 3, 4), bytes([FOREIGN]))
    row = ask(session).rows[0]
    assert row["logical_tag"] == OWN
    for key in ("memop", "transition"):
        hole = row[key]
        assert isinstance(hole, Absent)
        assert hole.reason is Reason.DAMAGED


def test_what_is_in_flight_is_told_with_and_without_its_thread():
    made = image()
    session = stopped(made.with_word(made.places["journal"] + JOURNAL_MEMOP, 1), bytes([FOREIGN]))
    pc = made.target().register_sets[1]["pc"]
    handled = handling(session, session.current_thread(), pc, (FOREIGN,))
    where = "local → shared: in flight by {} thread{}, phase PatchAddress"
    assert (handled.memop, handled.transition) == (1, where.format("guest", " 2"))
    assert handled.kind == where.format("a guest", "")
    assert ask(session).rows[0]["transition"] == handled.transition


def test_the_map_says_whose_the_tags_are():
    session = stopped(image(), bytes([0, OWN, FOREIGN]))
    report = answers.ask(session, f"mte-tags {HEAP:#x} 48")
    assert report.notes == ("0 shared, 2 core 2, 3 core 3",)
    assert [row["owner"] for row in report.rows] == ["shared", 2, 3]
