"""LuaJIT's states in memory that was made to look like many of them."""

from __future__ import annotations

import struct
from collections import Counter

from mtedbg.decode.jits.luajit import MOST_TABLES, MOST_THREADS, MOST_TRACES, Traces

HEAP, TABLE, SIZE = 0x10_0000, 0x4000_0000, 1 << 20
# A thread: next, marked, type, ID, status, filler, the shared state behind it. Then a table.
ENTRY = struct.Struct("<QBBBBIQQII")


def traces(table: int) -> tuple[Traces, Counter[int]]:
    """Of memory that is full of threads, each with what may be a table; and how much was read."""
    entries = (
        ENTRY.pack(0, 0, 6, 1, 0, 0, at + 0x58, table, 1, MOST_TRACES)
        for at in range(HEAP, HEAP + SIZE, ENTRY.size)
    )
    heap = b"".join(entries)
    reads: Counter[int] = Counter()

    def read(address: int, length: int) -> bytes:
        reads[length] += 1
        if address >= TABLE:
            return bytes(length)
        return heap[address - HEAP : address - HEAP + length].ljust(length, b"\0")

    return Traces(read, [(HEAP, HEAP + SIZE)]), reads


def test_threads_without_a_table_are_not_all_looked_at() -> None:
    found, reads = traces(0)
    assert found.at(HEAP) is None
    assert found.is_cut
    assert max(reads.values()) <= MOST_THREADS


def test_tables_without_a_trace_are_not_all_looked_at() -> None:
    found, reads = traces(TABLE)
    assert found.at(HEAP) is None
    assert found.is_cut
    assert reads[8 * MOST_TRACES] == MOST_TABLES
