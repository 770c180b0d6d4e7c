"""LuaJIT's traces in a state that was laid out as it lays them out."""

from __future__ import annotations

import struct

import pytest

from mtedbg.analysis.code.jits import foreign_at
from mtedbg.analysis.code.mappings import MappedFile
from mtedbg.analysis.code.sources.luajit import LuaJit
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import ForeignCode
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.support.fake import FakeTarget

HEAP, CODE = 0x7F00_0000_0000, 0x7F00_0010_0000
SIZE, CODE_SIZE = 0x4000, 0x100
TABLE, FIRST, SECOND = HEAP + 0x2000, HEAP + 0x2100, HEAP + 0x2400
THREAD = struct.Struct("<QBBBBIQ")
TRACE = struct.Struct("<8xBBHI8xQQIIQQQQIIQI4H3H4B")
TRACE_SIZE, BASE, KIND = 0x78, 0x8000, 9


def trace(record: int, number: int, kind: int) -> bytes:
    """A root trace of one snapshot, with its parts behind it."""
    after = record + TRACE_SIZE
    snapshots = after + 8
    head = TRACE.pack(
        0, kind, 1, BASE + 1, 0, after - 8 * BASE, BASE, 2, snapshots, snapshots + 12,
        0, 0, 0, CODE_SIZE, CODE + (number - 1) * CODE_SIZE, 0, 0, 0, number, 0, 0, 0, 0,
        0, 0, 2, 0,
    )  # fmt: skip
    return head.ljust(TRACE_SIZE, b"\0") + bytes(8 + 12 + 8)


def session(second: int = KIND) -> Session:
    """A process with two traces, the second of which has a kind of its own."""
    heap = bytearray(SIZE)
    for at, data in (
        (HEAP, THREAD.pack(0, 0, 6, 1, 0, 0, HEAP + 0x58)),
        (HEAP + 0x100, struct.pack("<QII", TABLE, 3, 3)),
        (TABLE, struct.pack("<3Q", 0, FIRST, SECOND)),
        (FIRST, trace(FIRST, 1, KIND)),
        (SECOND, trace(SECOND, 2, second)),
    ):
        heap[at - HEAP : at - HEAP + len(data)] = data
    regions = [
        Region(HEAP, HEAP + SIZE, "rw-", "", NOT_APPLICABLE),
        Region(CODE, CODE + 0x1000, "r-x", "", NOT_APPLICABLE),
    ]
    return Session(FakeTarget(memory={HEAP: bytes(heap)}, mappings=regions))


def at(session: Session, pc: int) -> ForeignCode | None:
    return LuaJit(session, None).at(pc)


def test_both_traces_are_found() -> None:
    for number in (1, 2):
        found = at(session(), CODE + number * CODE_SIZE - 4)
        assert found is not None
        assert found.number == number
        assert found.notes[0] == "a root, ends as loop"
    assert at(session(), CODE + 2 * CODE_SIZE) is None
    known = foreign_at(session(), CODE)
    assert known is not None
    assert known[1].version == "LuaJIT 2.1"


@pytest.mark.parametrize("place", [0x10, (1 << 16) - 8, (1 << 16) + 8])
def test_its_version_is_what_its_file_says(place: int) -> None:
    image = bytes(place) + b"LuaJIT 2.1.1737090214 -- Copyright"
    path, start = "/usr/lib/libluajit-5.1.so.2", 0x7F00_0020_0000
    whole = session()
    target = whole.target
    assert isinstance(target, FakeTarget)
    target.memory[start] = image
    target.mappings = [Region(start, start + len(image), "r--", path, NOT_APPLICABLE)]
    assert LuaJit(whole, MappedFile(path, start)).version == "LuaJIT 2.1.1737090214"
    target.mappings = [Region(start, start + len(image), "rw-", path, NOT_APPLICABLE)]
    assert LuaJit(Session(target), MappedFile(path, start)).version == "LuaJIT 2.1"


def test_a_trace_that_cannot_be_read_may_have_the_pc() -> None:
    damaged = session(second=0)
    found = at(damaged, CODE + CODE_SIZE)
    assert found is not None
    assert found.block == Absent(Reason.UNKNOWN, "1 trace cannot be read")
    assert LuaJit(damaged, None).blocks().notes == ("1 trace cannot be read",)
    first = at(damaged, CODE)
    assert first is not None
    assert first.number == 1
