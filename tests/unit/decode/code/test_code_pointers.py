"""Memory in which records of code are looked for, laid out so that it is hard to search."""

from __future__ import annotations

import struct
import time
from itertools import pairwise

import pytest

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import code_pointers
from mtedbg.decode.jits.code_pointers import CodePointers, CodeRecords
from mtedbg.decode.jits.words import Words, bounded
from tests.support.fake import FakeTarget

CODE, HEAP, MIB = 0xFFFF_8000_0000, 0xFFFF_0000_0000, 1 << 20
RUN = (CODE, CODE + MIB)
SIZE = 32


@dataclass(frozen=True, slots=True)
class Piece:
    """Code in [start, end)."""

    start: int
    end: int


class Pieces(CodeRecords[Piece]):
    """Records of an address and a size."""

    def _span(self, data: bytes) -> tuple[int, int]:
        start, size = struct.unpack_from("<QQ", data, 8)
        return start, size

    def _read(self, at: int) -> Piece:
        start, size = self._words.words(at + 8, 2)
        return Piece(start, start + size)


def searched(heap: bytes, runs=(RUN,), most: int = 1 << 29, at: int = HEAP) -> CodePointers:
    return CodePointers(Words(FakeTarget(memory={at: heap})), runs, [(at, at + len(heap))], most)


def record(start: int = CODE + 0x40, size: int = 0x20) -> bytes:
    return struct.pack("<QQQQ", 1, start, size, 3)


def found(heap: bytes, **more) -> list[int]:
    return [at for at, data in searched(heap, **more).records(8, SIZE) if len(data) == SIZE]


@pytest.mark.parametrize("at", [0, 4096 - 16, MIB - 8, MIB - 16, MIB - 24, 2 * MIB - SIZE])
def test_a_record_is_found_wherever_it_is(at: int) -> None:
    """Also where memory is read in two pieces."""
    heap = bytearray(b"\xff" * 2 * MIB)
    heap[at : at + SIZE] = record()
    assert found(bytes(heap)) == [HEAP + at]
    assert [*searched(bytes(heap)).places(CODE + 0x40)] == [HEAP + at + 8]


@pytest.mark.parametrize("code", [0x100, 0x10000, 0x1234_5678, 0xFFFF_FFFF_F000, 0x5500_0000_0000])
def test_nothing_in_front_of_an_address_hides_it(code: int) -> None:
    """Bytes in front of it may look like the upper bytes of one."""
    runs = [(code, code + 0x1000)]
    for before in (bytes(16), b"\xff" * 16, struct.pack("<QQ", code, code << 8)):
        assert HEAP + 16 in found(before + record(code), runs=runs)


def test_what_is_beside_the_code_is_none() -> None:
    heap = b"".join(map(record, (CODE - 8, CODE + MIB, CODE + (1 << 24), CODE >> 8)))
    assert found(heap) == []


def test_upper_bytes_of_two_runs_are_not_mixed() -> None:
    runs = [(0x5500_0100_0000, 0x5500_0100_1000), (0x7F00_0200_0000, 0x7F00_0200_1000)]
    addresses = (0x5500_0100_0000, 0x7F00_0200_0800, 0x5500_0200_0000, 0x7F00_0100_0000)
    assert found(b"".join(map(record, addresses)), runs=runs) == [HEAP, HEAP + SIZE]


RUNS = {
    "terabytes": [(0x1000_0000, 1 << 47)],
    "pages far apart": [(at, at + 4096) for at in range(1 << 32, 1 << 47, 1 << 31)],
}


@pytest.mark.parametrize("runs", RUNS.values(), ids=RUNS)
def test_memory_that_may_be_executed_costs_no_time(runs: list[tuple[int, int]]) -> None:
    """A damaged core may have terabytes of it; one record is among much that is like one."""
    noise = b"".join(struct.pack("<Q", 0x7654_3210_0004 + 97 * at) for at in range(4 * MIB // 8))
    heap = noise[: 2 * MIB] + record(1 << 33) + noise[2 * MIB :]
    began = time.process_time()
    assert HEAP + 2 * MIB in found(heap, runs=runs)
    assert time.process_time() - began < 5


def test_what_was_not_searched_is_said() -> None:
    heap = bytes(MIB) + record()
    assert searched(heap).limit == ""
    assert found(heap, most=MIB) == []
    assert searched(heap, most=MIB).limit == "1 MiB of memory were searched, and no more"


def test_addresses_that_were_not_looked_at_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_pointers, "MOST_POINTERS", 4)
    some = searched(b"".join(map(record, range(CODE, CODE + 16, 4))))
    assert len([*some.records(8, SIZE)]) == 4
    assert some.limit == ""
    some = searched(b"".join(map(record, range(CODE, CODE + 20, 4))))
    assert len([*some.records(8, SIZE)]) == 4
    assert some.limit == "4 addresses of code were looked at, and no more"


def test_what_was_not_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    heap = b"".join(record(CODE + 0x20 * at) for at in range(64))
    whole = Pieces(searched(heap), 8, SIZE)
    assert whole.limit == ""
    assert len([*whole.all()]) == 64
    assert all(one.end == other.start for one, other in pairwise(whole.all()))
    assert whole.at(CODE + 0x20 * 63 + 4) == Piece(CODE + 0x20 * 63, CODE + 0x20 * 64)
    assert whole.at(CODE + 0x20 * 64) is None
    monkeypatch.setattr(code_pointers, "MOST_RECORDS", 16)
    some = Pieces(searched(heap), 8, SIZE)
    assert len([*some.all()]) == 16
    assert some.limit == "the first 16 of its records were looked at, and no more"


def test_the_smallest_memory_is_looked_through_first() -> None:
    runs = [(0, 1 << 40), (1 << 41, (1 << 41) + 64), (1 << 42, (1 << 42) + 32)]
    assert bounded(runs, 96) == runs[1:]
    assert bounded(runs, 112) == [(0, 16), *runs[1:]]
    assert bounded(runs, 80) == [(1 << 41, (1 << 41) + 48), runs[2]]
