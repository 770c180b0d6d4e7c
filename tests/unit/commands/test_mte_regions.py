"""The answer of mte-regions: tagged mappings and their histograms."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.tags import regions as query
from mtedbg.errors import NotOnThisTargetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import Region, size_text
from mtedbg.model.process import TargetKind
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import answers
from tests.support.fake import FakeTarget
from tests.support.scenes import HEAP, PAGE, session_at


def ask(session: Session, option: str = "") -> Report:
    return answers.ask(session, f"mte-regions {option}")


def test_only_tagged_mappings():
    report = ask(session_at())
    assert report.rows == (
        {
            "start": HEAP,
            "end": HEAP + PAGE,
            "perms": "rw-",
            "name": "[anon:heap]",
            "tagged": True,
            "dumped": True,
            "histogram": {"0": 100, "3": 40, "5": 16, "11": 100},
        },
    )
    assert report.headline == (
        "1 tagged mapping, 4 KiB; 156 of 256 granules read have a tag other than 0"
    )


def test_nothing_of_a_live_process_is_dumped_or_not():
    target = FakeTarget(
        tags={HEAP: bytes(16)},
        mappings=[Region(HEAP, HEAP + PAGE, "rw-", "", tagged=True)],
        kind=TargetKind.LIVE,
    )
    assert ask(Session(target)).rows[0]["dumped"] == NOT_APPLICABLE


@given(st.binary(min_size=1, max_size=2000))
def test_a_histogram_counts_every_granule(data):
    tags = bytes(byte & 15 for byte in data)
    region = Region(HEAP, HEAP + 16 * len(tags), "rw-", "", tagged=True)
    row = ask(Session(FakeTarget(tags={HEAP: tags}, mappings=[region]))).rows[0]
    assert row["histogram"] == {str(tag): tags.count(tag) for tag in sorted(set(tags))}


def test_no_tagged_mapping():
    report = ask(Session(FakeTarget()))
    assert (report.rows, report.headline) == ((), "no tagged mappings")


def test_not_dumped_and_partly_dumped():
    target = FakeTarget(
        tags={HEAP + PAGE: bytes(100)},
        mappings=[
            Region(HEAP, HEAP + PAGE, "rw-", "", tagged=True, dumped=False),
            Region(HEAP + PAGE, HEAP + 2 * PAGE, "rw-", "", tagged=True),
        ],
    )
    report = ask(Session(target))
    assert [row["histogram"] for row in report.rows] == [
        Absent(Reason.NOT_DUMPED),
        {"0": 100, "absent": Absent(Reason.NOT_DUMPED, "156 granules")},
    ]
    assert report.partial


def test_unknown_mappings_are_an_error_with_a_next_step():
    with pytest.raises(NotOnThisTargetError) as caught:
        ask(Session(FakeTarget(mappings=Absent(Reason.UNKNOWN))))
    assert "mte-tags ADDR" in caught.value.next_step


def test_a_slow_server_is_not_waited_for_unasked(monkeypatch):
    size = 4 * query.LIVE_CHUNK
    region = Region(HEAP, HEAP + size, "rw-", "", tagged=True)
    target = FakeTarget(tags={HEAP: bytes(size // 16)}, mappings=[region], kind=TargetKind.LIVE)
    clock = iter(range(1000))
    monkeypatch.setattr(query, "monotonic", lambda: next(clock))  # a second a chunk
    report = ask(Session(target))
    read, left = 2 * query.LIVE_CHUNK // 16, 2 * query.LIVE_CHUNK // 16
    histogram = report.rows[0]["histogram"]
    assert isinstance(histogram, Mapping)
    assert histogram["0"] == read
    assert str(left) in str(histogram["absent"])
    assert report.partial
    assert report.notes == ("128 KiB were not read for lack of time: use --all",)
    assert ask(Session(target), "--all").rows[0]["histogram"] == {"0": size // 16}


def test_an_absurd_mapping_of_a_core_is_a_hole():
    region = Region(HEAP, HEAP + (1 << 47), "rw-", "", tagged=True)
    start = time.process_time()
    report = ask(Session(FakeTarget(mappings=[region] * 3)))
    assert [row["histogram"] for row in report.rows] == [Absent(Reason.NOT_DUMPED)] * 3
    assert time.process_time() - start < 5


def test_a_mapping_of_which_it_is_unknown_is_asked_one_granule():
    unknown = Absent(Reason.UNKNOWN)
    target = FakeTarget(
        memory={HEAP + PAGE: bytes(PAGE)},
        tags={HEAP: bytes([7]) * 256},
        mappings=[
            Region(HEAP, HEAP + PAGE, "rw-", "", tagged=unknown),
            Region(HEAP + PAGE, HEAP + 2 * PAGE, "rw-", "", tagged=unknown),
        ],
    )
    assert [row["start"] for row in ask(Session(target)).rows] == [HEAP]


@pytest.mark.parametrize(
    ("size", "text"),
    [(16, "16 bytes"), (4096, "4 KiB"), (1536 << 10, "1.5 MiB"), (1 << 30, "1 GiB")],
)
def test_sizes(size, text):
    assert size_text(size) == text
