"""The answer of mte-tags: spans, forms, bounds."""

from __future__ import annotations

import pytest

from mtedbg.analysis.tags import span
from mtedbg.dataclass import replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import answers
from tests.support.fake import FakeTarget
from tests.support.scenes import HEAP, PAGE, THREES, session_at, tagged


def ask(session: Session, pointer: int, length: int | None = None, option: str = "") -> Report:
    words = [f"mte-tags {pointer:#x}", "" if length is None else f"{length:#x}", option]
    return answers.ask(session, " ".join(words))


def runs(report: Report) -> list[tuple[int, int, object]]:
    return [(row["start"], row["end"], row["tag"]) for row in report.rows]


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 16, [(0, 16, 3)]),
        (4, 1, [(0, 16, 3)]),
        (15, 2, [(0, 32, 3)]),
        (-1, 2, [(-16, 0, 11), (0, 16, 3)]),
        (0, 41 * 16, [(0, 640, 3), (640, 656, 5)]),
    ],
)
def test_every_granule_that_the_bytes_touch(offset, length, expected):
    report = ask(session_at(), THREES + offset, length)
    assert runs(report) == [(THREES + a, THREES + b, tag) for a, b, tag in expected]


def test_granules_are_rows_of_sixteen_bytes():
    report = ask(session_at(), THREES - 16, 48, "--granules")
    assert runs(report) == [
        (THREES - 16, THREES, 11),
        (THREES, THREES + 16, 3),
        (THREES + 16, THREES + 32, 3),
    ]


def test_around_an_address_within_its_mapping():
    report = ask(session_at(), tagged(THREES, 3))
    assert (report.rows[0]["start"], report.rows[-1]["end"]) == (
        HEAP + 0x300,
        HEAP + 0x300 + 8 * 256,
    )
    assert len(report.answer.body.lines) == 8
    first = ask(session_at(), HEAP)
    assert first.rows[0]["start"] == HEAP
    last = ask(session_at(), HEAP + PAGE - 1)
    assert last.rows[-1]["end"] == HEAP + PAGE


@pytest.mark.parametrize(
    ("address", "reason"),
    [(0x10, Reason.UNMAPPED), (HEAP + PAGE, Reason.NOT_TAGGED), ((1 << 64) - 1, Reason.UNMAPPED)],
)
@pytest.mark.parametrize("length", [None, 1, 1 << 40])
def test_a_hole_is_an_answer(address, reason, length):
    report = ask(session_at(), address, length)
    assert report.partial
    assert report.rows[0]["tag"] == Absent(reason)
    assert report.rows[0]["owner"] is NOT_APPLICABLE
    assert reason.value in report.headline
    assert "mte-regions" in report.notes[0]


def test_not_dumped():
    target = FakeTarget(mappings=[Region(HEAP, HEAP + PAGE, "rw-", "", tagged=True)])
    report = ask(Session(target), HEAP, 64)
    assert runs(report) == [(HEAP, HEAP + 64, Absent(Reason.NOT_DUMPED))]
    assert "coredump_filter" in report.notes[0]


def test_headline():
    address = THREES
    assert ask(session_at(), tagged(address, 3)).headline == (
        f"{address:#x}: memory tag 3, pointer tag 3: match"
    )
    assert ask(session_at(), tagged(address, 4)).headline == (
        f"{address:#x}: memory tag 3, pointer tag 4: mismatch"
    )


def test_a_long_map_is_cut_with_the_way_on():
    target = FakeTarget(tags={HEAP: bytes(4 * PAGE)})
    target.mappings = [Region(HEAP, HEAP + (4 * PAGE << 4), "rw-", "", tagged=True)]
    report = ask(Session(target), HEAP, 64 * PAGE)
    assert len(report.answer.body.lines) == span.MOST_LINES
    goes_on = HEAP + span.MOST_LINES * 256
    assert f"`mte-tags {goes_on:#x} 0x2000` continues" in report.notes[0]


def test_many_rows_are_cut_and_partial(monkeypatch):
    monkeypatch.setattr(span, "MOST_LISTED", 10)
    target = FakeTarget(tags={HEAP: bytes([1, 2] * 20)})
    target.mappings = [Region(HEAP, HEAP + 40 * 16, "rw-", "", tagged=True)]
    report = ask(Session(target), HEAP, 40 * 16, "--runs")
    assert len(report.rows) == 10
    assert report.partial
    assert report.notes == (f"cut off after 10 rows: `mte-tags {HEAP + 160:#x} LEN` continues",)
    whole = ask(Session(replace(target, tags={HEAP: bytes([1, 2] * 5)})), HEAP, 160, "--runs")
    assert not whole.partial
