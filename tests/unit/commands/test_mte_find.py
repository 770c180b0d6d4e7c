"""The answer of mte-find."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.commands import find as find_command
from mtedbg.commands._line import execute
from mtedbg.errors import ExpressionError, NotOnThisTargetError, UsageError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.scenes import HEAP, PAGE, THREES, session_at, target_at

GRANULE = 16
FIVES = THREES + 40 * GRANULE


def report(line: str, session: Session | None = None) -> dict[str, Any]:
    command = find_command("mte-find")
    assert command is not None
    answer = json.loads(execute(session or session_at(), command, f"{line} --json"))
    assert isinstance(answer, dict)
    return answer


def runs(answer: dict[str, Any]) -> list[tuple[int, int]]:
    return [(int(row["start"], 16), int(row["end"], 16)) for row in answer["rows"]]


def test_everywhere() -> None:
    answer = report("11")
    assert runs(answer) == [(HEAP, THREES)]
    assert answer["headline"] == "1 run with tag 11, 1.6 KiB"
    assert not answer["partial"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"3 {THREES:#x}", [(THREES, FIVES)]),
        (f"3 {THREES + 33:#x} 20", [(THREES + 32, THREES + 64)]),
        (f"3 {HEAP:#x} {THREES - HEAP:#x}", []),
        (f"0 {HEAP + PAGE:#x}", []),
        (f"5 {FIVES | 9 << 56:#x} 16", [(FIVES, FIVES + 16)]),
    ],
)
def test_in_a_range(line: str, expected: list[tuple[int, int]]) -> None:
    assert runs(report(line)) == expected


def test_a_tag_that_nobody_uses() -> None:
    assert report("7")["headline"] == "no granule has tag 7"


def test_memory_that_is_not_tagged() -> None:
    notes = report(f"0 {HEAP + PAGE:#x}")["notes"]
    assert notes == ["there is no tagged memory here: `mte-regions` lists what is tagged"]


def test_the_way_on_leads_to_the_rest() -> None:
    target = target_at()
    target.tags[HEAP] = bytes([1, 2] * 128)
    session = Session(target)
    first = report("1 -n 3", session)
    assert len(first["rows"]) == 3
    assert (
        first["notes"][0]
        == f"there are more: `mte-find 1 {HEAP + 96:#x}` continues in that mapping"
    )
    assert runs(report(f"1 {HEAP + 96:#x} -n 1", session)) == [(HEAP + 96, HEAP + 112)]


def test_tags_that_were_not_dumped() -> None:
    target = target_at()
    target.tags = {}
    answer = report("3", Session(target))
    assert answer["partial"]
    assert answer["notes"][0].startswith("tags of 4 KiB are not available")


def test_time_runs_out() -> None:
    target = target_at()
    target.kind = "live"
    answer = report("11", Session(target, timeout=-1.0))
    assert answer["partial"]
    assert "for lack of time" in answer["notes"][0]
    assert not report("11 --all", Session(target))["partial"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", UsageError),
        ("16", ExpressionError),
        ("-1", ExpressionError),
        ("shared", ExpressionError),
        ("3 0x10", UsageError),
    ],
)
def test_wrong_use(line: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        report(line)


def test_mappings_that_are_not_known() -> None:
    target = target_at()
    target.mappings = Absent(Reason.UNKNOWN, "no smaps")
    with pytest.raises(NotOnThisTargetError):
        report("3", Session(target))
    with pytest.raises(UsageError):
        report(f"3 {THREES:#x}", Session(target))
    assert runs(report(f"3 {THREES:#x} 32", Session(target))) == [(THREES, THREES + 32)]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=64), st.integers(0, 3))
def test_every_granule_is_found_once(tags: list[int], wanted: int) -> None:
    size = len(tags) * GRANULE
    target = FakeTarget(
        memory={HEAP: bytes(size)},
        tags={HEAP: bytes(tags)},
        mappings=[Region(HEAP, HEAP + size, "rw-", "", tagged=True)],
    )
    found = runs(report(f"{wanted}", Session(target)))
    covered = [at for start, end in found for at in range(start, end, GRANULE)]
    assert covered == [HEAP + n * GRANULE for n, tag in enumerate(tags) if tag == wanted]
    assert all(end < start for (_, end), (start, _) in pairwise(found))
