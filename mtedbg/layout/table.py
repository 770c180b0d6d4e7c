"""Double-buffered tables: read whole, checked, and one generation older where the newest is torn.

Tables in slots are read by `slots`. Source: "Rules that make a dead process readable" in
`native/include/mtedbg/debug_root.h`: generation g lives in buffer[g & 1], and the other buffer
keeps g - 1.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Generic, TypeVar

from mtedbg.dataclass import dataclass
from mtedbg.layout.memory import BULK, LISTED, RecordArray
from mtedbg.layout.records import Layout
from mtedbg.layout.slots import SlotArray
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import Buffer, Table
from mtedbg.target import Target

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_TRIES = 4


@dataclass(frozen=True)
class Snapshot(Generic[T]):
    """One generation of a table.

    Attributes:
        records: its records. The checksum was verified where their bytes were read at once; a
            large table that is only searched is trusted in its two generation marks.
        generation: which one it is.
        stale: whether the newest one was torn, and this is the one before it.
        damage: which records are lost, "2 of 40 records of Block"; empty where none is.
    """

    records: RecordArray[T] | SlotArray[T]
    generation: int
    stale: bool = False
    damage: str = ""


@dataclass(frozen=True)
class TableReader(Generic[T]):
    """Reads one table.

    Attributes:
        target: where it is.
        layout: of the runtime that it belongs to.
        model: of its records.
        address: of its `Table` record.
        live: whether it may change while it is read.
        most: bytes of records that are read at once.
    """

    target: Target
    layout: Layout
    model: type[T]
    address: int
    live: bool
    most: int

    def read(self) -> Snapshot[T] | Absent:
        """The newest generation that is whole."""
        for _ in range(_TRIES):
            table = self._table()
            if isinstance(table, Absent):
                return table
            found = self._newest(table)
            after = self._table() if self.live else table
            # Generations are compared, not pointers: a freed address comes back.
            if isinstance(after, Table) and after.published == table.published:
                return found
        return Absent(Reason.UNSTABLE)

    def _table(self) -> Table | Absent:
        reader = self.layout.reader(Table)
        data = self.target.read_memory(strip(self.address), reader.size)
        return data if isinstance(data, Absent) else reader.one(data)

    def _newest(self, table: Table) -> Snapshot[T] | Absent:
        newest = table.published
        if not newest:
            reader = self.layout.reader(self.model)
            return Snapshot(RecordArray(self.target, reader, 0, 0, reader.size, b""), 0)
        buffers = (table.buffer0, table.buffer1)
        found = self._buffer(buffers[newest & 1], newest)
        if isinstance(found, RecordArray):
            return Snapshot(found, newest)
        if newest > 1:
            older = self._buffer(buffers[(newest - 1) & 1], newest - 1)
            if isinstance(older, RecordArray):
                return Snapshot(older, newest - 1, stale=True)
        return found

    def _buffer(self, address: int, generation: int) -> RecordArray[T] | Absent:
        headers = self.layout.reader(Buffer)
        address = strip(address)
        data = self.target.read_memory(address, headers.size)
        if isinstance(data, Absent):
            return Absent(data.reason, f"a table's buffer at {address:#x}")
        header = headers.one(data)
        records = RecordArray(
            self.target,
            self.layout.reader(self.model),
            address + headers.size,
            header.count,
            header.stride,
        )
        problem = records.problem()
        if header.gen_begin != generation:
            problem = f"it begins generation {header.gen_begin}, not {generation}"
        elif header.count > header.capacity:
            problem = f"{header.count} records where {header.capacity} fit"
        if problem:
            return self._damaged(address, problem)
        return self._whole(records, generation, header.checksum, address)

    def _whole(
        self, records: RecordArray[T], generation: int, checksum: int, address: int
    ) -> RecordArray[T] | Absent:
        """`records` with their bytes where these are few enough, if their end mark is right."""
        bulk = records.size if records.size <= self.most else 0
        start = records.address + records.size - bulk
        data = self.target.read_memory(start, bulk + 8)
        if isinstance(data, Absent):
            return Absent(data.reason, f"a table's records at {start:#x}")
        if int.from_bytes(data[bulk:], "little") != generation:
            return self._damaged(address, "its two generations differ")
        if not bulk and records.count:
            return records
        if zlib.crc32(data[:bulk]) != checksum:
            return self._damaged(address, "the checksum does not match")
        return RecordArray(
            records.target,
            records.reader,
            records.address,
            records.count,
            records.stride,
            data[:bulk],
        )

    def _damaged(self, address: int, what: str) -> Absent:
        return Absent(Reason.DAMAGED, f"a table's buffer at {address:#x}: {what}")


def most_bytes(whole: bool) -> int:
    """How many bytes of records to read at once: of a table that is listed, or searched."""
    return LISTED if whole else BULK
