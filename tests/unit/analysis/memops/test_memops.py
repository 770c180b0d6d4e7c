"""Memops as facts: found, listed, verified, and what the recorder says of them."""

from __future__ import annotations

import pytest

from mtedbg.analysis.memops.log import LoggedEvent, log
from mtedbg.analysis.memops.memop import find_memop, memop_at
from mtedbg.analysis.memops.memops import MOST, Order, Wanted, memops
from mtedbg.analysis.memops.verify import FindingKind, verify
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.event import EventKind
from mtedbg.model.memop import Access, Memop, Mode
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

ACCESS = 0x14
"""Offset of the access of memop 1 from its block's base."""


def listed(wanted: Wanted) -> list[int]:
    (found,) = memops(image().session(), wanted)
    assert present(found.states)
    return [state.memop.id for state in found.states]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Wanted(), [1, 2, 3, 4, 5, 6]),
        (Wanted(mode=Mode.SHARED), [2, 5]),
        (Wanted(block=3), []),
        (Wanted(order=Order.FAULTS, most=1), [2]),
        (Wanted(order=Order.ADDRESS, most=2), [1, 2]),
        (Wanted(most=0), [1]),
    ],
)
def test_which_are_wanted(wanted: Wanted, ids: list[int]) -> None:
    assert listed(wanted) == ids


def test_all_are_counted() -> None:
    (found,) = memops(image().session(), Wanted(most=2))
    assert found.total == 6
    assert Wanted(most=MOST + 1).limit == MOST


def test_a_memop_by_pc_and_by_id() -> None:
    here = image()
    by_pc = find_memop(here.session(), here.places["baseline"] + ACCESS, or_id=False)
    assert present(by_pc.state)
    assert (by_pc.state.memop.id, by_pc.state.memop.access) == (1, Access.LOAD)
    by_id = find_memop(here.session(), 1, or_id=True)
    assert by_id.state == by_pc.state
    assert find_memop(here.session(), 1, or_id=False).state == NOT_APPLICABLE


def test_the_memop_at_a_pc_is_asked_once_a_stop() -> None:
    here = image()
    session, pc = here.session(), here.places["baseline"] + ACCESS
    found = memop_at(session, pc)
    assert isinstance(found, Memop)
    assert memop_at(session, pc) is found
    assert memop_at(Session(FakeTarget()), pc) == NOT_APPLICABLE


def test_what_is_wrong_with_a_runtime_is_a_reason() -> None:
    damaged = image().with_schema("Memop.address :", "Memop.addresS :")
    found = memop_at(damaged.session(), damaged.places["baseline"] + ACCESS)
    assert isinstance(found, Absent)
    assert found.reason is Reason.DAMAGED
    assert "Memop.address" in found.detail


def test_values_of_events_are_what_goes_with_them() -> None:
    (found,) = log(image().session(), memop=2, last=2)
    retag, patch = found.events
    assert isinstance(patch, LoggedEvent)
    assert (retag.event, retag.old, retag.new) == (EventKind.RETAG, 2, 0)
    assert (patch.event, patch.old, patch.new) == (EventKind.PATCH, Mode.LOCAL, Mode.SHARED)
    assert found.matching >= 2
    assert log(image().session(), last=0)[0].events == ()


def test_findings_are_counted_by_their_kind() -> None:
    found = verify(image().session())
    assert (found.memops, found.cut, found.lacks) == (6, False, False)
    assert found.count(FindingKind.BYTES) == 1
    assert found.count(FindingKind.IN_FLIGHT) == 1
    in_flight = next(one for one in found.findings if one.kind is FindingKind.IN_FLIGHT)
    assert (in_flight.memop, in_flight.thread) == (3, 1)
