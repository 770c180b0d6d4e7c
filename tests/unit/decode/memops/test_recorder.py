"""The flight recorder: order, wrapped rings, torn records, filters, bounds."""

from __future__ import annotations

from mtedbg.decode.memops.recorder import read_log
from mtedbg.model.absent import Reason
from tests.support.runtime_image import BASE, image

RING = 8
EVENT = 64


def test_events_of_all_threads_are_in_the_order_of_their_clock() -> None:
    log = read_log(image().runtime())
    clocks = [event.clock for _, event in log.events]
    assert clocks == sorted(clocks)
    assert {owner for owner, _ in log.events} == {1, 2, 3}
    assert (len(log.events), log.torn, log.lost) == (13, 1, ())


def test_a_wrapped_ring_keeps_the_newest() -> None:
    log = read_log(image().runtime(), thread=2)
    assert [event.order for _, event in log.events] == [4, 5, 6, 7, 8, 9, 10]
    assert log.events[-1][1].event == "Patch"


def test_filters_and_the_newest_ones() -> None:
    runtime = image().runtime()
    assert {event.memop for _, event in read_log(runtime, memop=2).events} == {2}
    newest = read_log(runtime, last=2)
    assert [event.order for _, event in newest.events] == [9, 10]
    assert newest.matching == 13


def ring_of_thread_2() -> int:
    """The address of its `Recorder`: the record whose head is 11 and whose capacity is 8."""
    head = (11).to_bytes(8, "little")
    made, at = image(), -1
    while (at := made.data.find(head, at + 1)) >= 0:
        if made.data[at + 16 : at + 20] == RING.to_bytes(4, "little"):
            return BASE + at
    raise AssertionError("no ring")


def test_events_added_while_reading_are_taken() -> None:
    # The head is behind what the ring holds: order 9 and 10 are newer than it says.
    log = read_log(image().with_word(ring_of_thread_2(), 8).runtime(), thread=2)
    assert [event.order for _, event in log.events][-1] == 10


def test_a_ring_that_is_nowhere_costs_that_ring_only() -> None:
    for field, value in ((8, 0x10), (20, 4), (16, 0xFFFF_FFFF)):
        width = 8 if field == 8 else 4
        made = image().with_word(ring_of_thread_2() + field, value, width)
        if field == 16:
            made = made.with_word(ring_of_thread_2(), 1 << 60)
        log = read_log(made.runtime())
        ((owner, hole),) = log.lost
        assert owner == 2
        assert hole.reason in (Reason.UNMAPPED, Reason.DAMAGED)
        assert {owner for owner, _ in log.events} == {1, 3}
