"""The part of the port that a source answers: what is kept, and until when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mtedbg.adapters.debugger.source import NoTags
from mtedbg.adapters.debugger.spans import Regions
from mtedbg.adapters.debugger.target import SourcedTarget
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.control import Protection, ShadowStack
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import SignalInfo, TagSource, TargetKind

HEAP = Region(0x1000, 0x3000, "rw-", "[heap]", True)


class Counting(NoTags):
    """Counts what it is asked for."""

    def __init__(self, word: int | Absent = NOT_APPLICABLE) -> None:
        super().__init__(TargetKind.REMOTE, "nobody has them")
        self.asked: list[str] = []
        self.word = word

    def regions(self) -> Regions:
        self.asked.append("regions")
        return [HEAP]

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        assert regions == [HEAP]
        self.asked.append("tags")
        return super().read_tags(start, end, regions)

    def forget_tags(self) -> None:
        super().forget_tags()
        self.asked.append("forget")

    def signal(self, number: int, tid: int) -> SignalInfo | Absent:
        return SignalInfo(number, tid, NOT_APPLICABLE)

    def control_word(self, _number: int, _tid: int) -> int | Absent:
        return self.word


class Program(SourcedTarget[Counting]):
    """4 KiB of memory."""

    def _read(self, start: int, size: int) -> bytes | None:
        return bytes(size) if start >= 0x1000 and start + size <= 0x2000 else None

    def _register(self, _thread: object, *names: str) -> int | None:
        return {"gcs_features_enabled": 1, "gcs_features_locked": 5, "gcspr": 0x7000}.get(names[0])


def test_mappings_are_kept_until_the_program_runs() -> None:
    source = Counting()
    target = Program(source)
    assert target.regions() is target.regions()
    assert target.read_tags(0x1000, 0x1010) == [
        TagPiece(0x1000, 0x1010, Absent(Reason.UNKNOWN, "nobody has them"))
    ]
    assert source.asked == ["regions", "tags"]
    target.forget_tags()
    target.regions()
    assert source.asked == ["regions", "tags", "forget"]
    target.invalidate()
    target.regions()
    assert source.asked == ["regions", "tags", "forget", "forget", "regions"]


def test_memory_is_whole_or_absent() -> None:
    target = Program(Counting())
    assert target.read_memory(0x1FF0, 16) == bytes(16)
    assert target.read_memory(0x1FF0, 17) == Absent(Reason.UNREADABLE)
    assert target.read_memory(0x5000, 1) == Absent(Reason.UNMAPPED)


@pytest.mark.parametrize(
    ("word", "found"),
    [(7, (7, NOT_APPLICABLE)), (Absent(Reason.UNKNOWN), (Absent(Reason.UNKNOWN), 2))],
)
def test_the_check_mode_alone_stands_in_for_the_control_word(
    word: int | Absent, found: tuple[int | Absent, int | Absent]
) -> None:
    target = Program(Counting(word))
    thread = target._thread(1, 100, "main", lambda: 2, current=True)
    assert (thread.tagged_addr_ctrl, thread.check_mode) == found
    assert (thread.number, thread.tid, thread.name, thread.current) == (1, 100, "main", True)
    assert target.signal(thread) == SignalInfo(1, 100, NOT_APPLICABLE)


def test_protection_is_told_by_the_debuggers_registers() -> None:
    target = Program(Counting())
    thread = target._thread(1, 100, "main", lambda: 2, current=True)
    found = target.protection(thread)
    assert found == Protection(ShadowStack(1, 5, 0x7000), NOT_APPLICABLE)


def test_a_source_without_tags_says_so() -> None:
    assert (Counting().kind, Counting().tag_source) == (TargetKind.REMOTE, TagSource.NONE)
