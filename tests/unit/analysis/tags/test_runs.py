"""Runs of tags against the obvious way to find them."""

from __future__ import annotations

import time
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.tags import runs as module
from mtedbg.analysis.tags.runs import Run, by_granule, runs
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE
from mtedbg.session import Session
from tests.support.fake import FakeTarget

BASE = 0x10000


def naive(tags: bytes) -> list[Run]:
    found, at = [], BASE
    for tag, group in groupby(tags):
        end = at + len(list(group)) * GRANULE
        found.append(Run(at, end, tag))
        at = end
    return found


def session_of(tags: bytes) -> Session:
    region = Region(BASE, BASE + len(tags) * GRANULE, "rw-", "", tagged=True)
    return Session(FakeTarget(tags={BASE: tags}, mappings=[region]))


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 40))), st.integers(1, 64))
def test_runs_are_the_naive_ones_whatever_the_chunks(parts, granules_a_chunk):
    tags = b"".join(bytes([tag]) * number for tag, number in parts)
    chunk, module.CHUNK = module.CHUNK, granules_a_chunk * GRANULE
    try:
        found = list(runs(session_of(tags), BASE, BASE + len(tags) * GRANULE))
    finally:
        module.CHUNK = chunk
    assert found == naive(tags)


def test_holes_between_and_around():
    target = FakeTarget(
        tags={0x1000: b"\1\1", 0x3000: b"\2"},
        memory={0x2000: bytes(0x1000)},
        mappings=[
            Region(0x1000, 0x1020, "rw-", "", tagged=True),
            Region(0x2000, 0x3000, "rw-", "", tagged=False),
            Region(0x3000, 0x3010, "rw-", "", tagged=True),
            Region(0x3010, 0x3030, "rw-", "", tagged=True),
        ],
    )
    assert list(runs(Session(target), 0xFF0, 0x3040)) == [
        Run(0xFF0, 0x1000, Absent(Reason.UNMAPPED)),
        Run(0x1000, 0x1020, 1),
        Run(0x1020, 0x2000, Absent(Reason.UNMAPPED)),
        Run(0x2000, 0x3000, Absent(Reason.NOT_TAGGED)),
        Run(0x3000, 0x3010, 2),
        Run(0x3010, 0x3030, Absent(Reason.NOT_DUMPED)),
        Run(0x3030, 0x3040, Absent(Reason.UNMAPPED)),
    ]


def test_overlapping_mappings_are_read_once():
    tags = bytes(range(16))
    region = Region(BASE, BASE + 256, "rw-", "", tagged=True)
    again = Region(BASE + 16, BASE + 128, "rw-", "", tagged=True)
    target = FakeTarget(tags={BASE: tags}, mappings=[region, again, region])
    assert list(runs(Session(target), BASE, BASE + 256)) == naive(tags)


def test_a_long_run_costs_no_more_than_its_bytes():
    session = session_of(b"\5" * (64 << 20 >> 4))
    start = time.process_time()
    assert len(list(runs(session, BASE, BASE + (64 << 20)))) == 1
    assert time.process_time() - start < 1, "64 MiB of one tag take some 10 ms"


def test_an_absurd_hole_of_a_core_is_leapt_over():
    region = Region(BASE, BASE + (1 << 47), "rw-", "", tagged=True)
    tags = {BASE: b"\1", BASE + (1 << 40): b"\2"}
    target = FakeTarget(tags=tags, mappings=[region])
    found = list(runs(Session(target), BASE, BASE + (1 << 47)))
    assert [run.tag for run in found if not isinstance(run.tag, Absent)] == [1, 2]
    assert len(found) == 4


def test_what_cannot_be_leapt_over_is_bounded():
    target = FakeTarget(mappings=Absent(Reason.UNKNOWN))
    with pytest.raises(UsageError, match="too many"):
        next(runs(Session(target), 0, 1 << 40))
    assert len(list(runs(Session(target), 0, 1 << 20))) == 1


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 15), st.just(Absent(Reason.UNMAPPED))), st.integers(1, 20)
        )
    )
)
def test_granules_of_pieces(parts):
    pieces, expected, at = [], {}, BASE
    for tag, count in parts:
        tags = tag if isinstance(tag, Absent) else bytes([tag]) * count
        pieces.append(TagPiece(at, at + 16 * count, tags))
        expected |= {at + 16 * n: tag for n in range(count)}
        at += 16 * count
    assert by_granule(pieces) == expected
