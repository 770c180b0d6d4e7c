"""Tables in slots: two copies of each record, in chunks that say which addresses they concern.

Source: `mtedbg_slots_append()` in `native/include/mtedbg/debug_root.h`: generation g of a record
stands in copy g & 1 of its slot, the other copy keeps g - 1, and each has a checksum over its
generation and its bytes. Nothing here is trusted: what cannot be what a writer left is damage.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from mtedbg.dataclass import dataclass, field
from mtedbg.layout.memory import LISTED, RecordArray
from mtedbg.layout.records import Layout, Reader
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import Chunk, Slot, Slots
from mtedbg.target import Target

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_MOST_SLOTS = 1 << 16
"""Slots of a chunk."""
_MOST_BYTES = 1 << 24
"""Of a chunk, which is read at once."""
_KEPT = 16
"""Chunks whose records are kept."""
_TRIES = 4
_WORD = 8


@dataclass(frozen=True, slots=True)
class _Copy:
    """What one slot holds.

    Attributes:
        data: the bytes of its newest whole record; None where neither copy is whole.
        stale: whether that is the one before the newest.
        is_used: whether it was ever filled.
    """

    data: bytes | None
    stale: bool = False
    is_used: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether the record was taken away."""
        return self.data is not None and not any(self.data)


_TORN = _Copy(None)
_UNUSED = _Copy(None, is_used=False)


class _SlotReader:
    """Decodes slots with records of one stride."""

    def __init__(self, layout: Layout, stride: int) -> None:
        self._header = layout.reader(Slot)
        self._stride = stride
        self.size = self._header.size + 2 * stride

    def read(self, data: bytes) -> list[_Copy]:
        """The slots that stand in `data`, one after the other."""
        names = ("generation", "checksum0", "checksum1")
        rows = self._header.columns(data, self.size, names)
        return [
            self._newest(data, number * self.size, generation, (first, second))
            for number, (generation, first, second) in enumerate(rows)
            if generation is not None and first is not None and second is not None
        ]

    def _newest(self, data: bytes, at: int, generation: int, checksums: tuple[int, int]) -> _Copy:
        if not generation:
            return _UNUSED
        for number in (generation, generation - 1):
            if not number:
                break
            start = at + self._header.size + (number & 1) * self._stride
            copy = data[start : start + self._stride]
            if zlib.crc32(copy, zlib.crc32(struct.pack("<Q", number))) == checksums[number & 1]:
                return _Copy(copy, number != generation)
        return _TORN


@dataclass(frozen=True)
class SlotArray(Generic[T]):
    """The records of a table in slots, read as they are asked for.

    Attributes:
        target: where they are.
        reader: how they are decoded.
        slots: the table's own record.
        chunks: where the slots stand; None for a chunk whose entry is damaged.
        live: whether it may change while it is read.
    """

    target: Target
    reader: Reader[T]
    slots: Slots
    chunks: tuple[Chunk | None, ...]
    live: bool
    _decoder: _SlotReader
    _kept: OrderedDict[int, list[_Copy]] = field(
        default_factory=OrderedDict, compare=False, repr=False
    )

    @property
    def count(self) -> int:
        """Slots that were ever used, those of records that were taken away included."""
        return self.slots.count

    def get(self, index: int) -> T | Absent:
        """The record of slot number `index`, which must be less than `count`."""
        copies = self._copies(index // self.slots.chunk_slots)
        if isinstance(copies, Absent):
            return copies
        copy = copies[index % self.slots.chunk_slots]
        if copy.data is None:
            return self._damage(f"slot {index}")
        if copy.is_empty:
            return Absent(Reason.NOT_RECORDED, f"slot {index} of {self.reader.name} is empty")
        return self.reader.one(copy.data)

    def holder(self, key: str, value: int, holds: Callable[[T], bool]) -> T | Absent:
        """The record that holds `value`; does not apply where none does.

        Only chunks that concern `value` are read. Where one of them is damaged, and no other has
        the record, there may be one: that is damage.

        Args:
            key: the field with the first value that a record holds; no two hold the same.
            value: which is looked for.
            holds: whether a record does.
        """
        problem: Absent | None = None
        for number, chunk in enumerate(self.chunks):
            if chunk is not None and not chunk.low <= value < chunk.high:
                continue
            found = self._in_chunk(number, key, value)
            if isinstance(found, Absent):
                problem = found if found.is_hole else problem
            elif holds(found):
                return found
        return problem or NOT_APPLICABLE

    def _in_chunk(self, number: int, key: str, value: int) -> T | Absent:
        """The record of a chunk with the largest key that is not above `value`."""
        copies = self._copies(number)
        if isinstance(copies, Absent):
            return copies
        offset, width = self.reader.place(key)
        best, best_key, torn = b"", -1, False
        for copy in copies:
            if copy.data is None:
                torn = True
                continue
            at = int.from_bytes(copy.data[offset : offset + width], "little")
            if best_key < at <= value and not copy.is_empty:
                best, best_key = copy.data, at
        if best:
            return self.reader.one(best)
        return self._damage(f"a slot of chunk {number}") if torn else NOT_APPLICABLE

    def whole(self, key: str) -> tuple[RecordArray[T], bool, str] | Absent:
        """All records, in the order of `key`; whether one is stale; what is lost, or nothing.

        Args:
            key: a field; empty for the order of the slots.
        """
        size = self.count * self._decoder.size
        if size > LISTED:
            most = LISTED // self._decoder.size
            return Absent(Reason.UNKNOWN, f"{self.count} records, of which {most} are listed")
        stale, lost = False, 0
        found: list[bytes] = []
        for number in range(len(self.chunks)):
            copies = self._read(number)
            if isinstance(copies, Absent):
                lost += max(1, self._used(number))
                continue
            for copy in copies:
                stale = stale or copy.stale
                lost += copy.data is None
                if copy.data is not None and not copy.is_empty:
                    found.append(copy.data)
        if key:
            offset, width = self.reader.place(key)
            found.sort(key=lambda data: int.from_bytes(data[offset : offset + width], "little"))
        damage = f"{lost} of {self.count} records of {self.reader.name}" if lost else ""
        stride = self.slots.stride
        array = RecordArray(self.target, self.reader, 0, len(found), stride, b"".join(found))
        return array, stale, damage

    def all(self) -> Iterator[T] | Absent:
        """All records, in the order of their slots; damage where one is lost."""
        found = self.whole("")
        if isinstance(found, Absent):
            return found
        return Absent(Reason.DAMAGED, found[2]) if found[2] else found[0].all()

    def _copies(self, number: int) -> list[_Copy] | Absent:
        kept = self._kept.get(number)
        if kept is not None:
            self._kept.move_to_end(number)
            return kept
        read = self._read(number)
        if not isinstance(read, Absent):
            self._kept[number] = read
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return read

    def _used(self, number: int) -> int:
        """How many slots of a chunk were counted."""
        counted = self.count - number * self.slots.chunk_slots
        return max(0, min(self.slots.chunk_slots, counted))

    def _read(self, number: int) -> list[_Copy] | Absent:
        chunk = self.chunks[number]
        if chunk is None:
            return self._damage(f"the entry of chunk {number}")
        found: list[_Copy] = []
        for _ in range(_TRIES if self.live else 1):
            length = self.slots.chunk_slots * self._decoder.size
            data = self.target.read_memory(strip(chunk.address), length)
            if isinstance(data, Absent):
                return Absent(data.reason, f"the records at {chunk.address:#x}")
            copies = self._decoder.read(data)
            used = self._used(number)
            # One more may be filled, and is not counted yet. What is filled behind it was counted.
            more = [copy for copy in copies[used:] if copy.is_used]
            found = copies[:used] + more[:1] + [_TORN] * len(more[1:2])
            if all(copy.data is not None for copy in found):
                break
        return found

    def _damage(self, what: str) -> Absent:
        return Absent(Reason.DAMAGED, f"{what} of {self.reader.name} is damaged")


def read_slots(
    target: Target,
    layout: Layout,
    model: type[T],
    address: int,
    *,
    live: bool,
    known: SlotArray[T] | None = None,
) -> SlotArray[T] | Absent:
    """The table in slots whose own record is at `address`.

    Args:
        target: where it is.
        layout: of the runtime that it belongs to.
        model: of its records.
        address: of its `Slots` record.
        live: whether it may change while it is read.
        known: what an earlier call found, which is right while nothing was published.

    Raises:
        LayoutError: the schema lacks what reading it takes.
    """
    headers, reader = layout.reader(Slots), layout.reader(model)
    for _ in range(_TRIES):
        data = target.read_memory(strip(address), headers.size)
        if isinstance(data, Absent):
            return Absent(data.reason, f"a table in slots at {address:#x}")
        slots = headers.one(data)
        if known is not None and known.slots == slots:
            return known
        problem = _problem(layout, reader, slots)
        if problem:
            return Absent(Reason.DAMAGED, f"a table in slots at {address:#x}: {problem}")
        chunks = _chunks(target, layout, slots)
        if live and target.read_memory(strip(address), headers.size) != data:
            continue
        if isinstance(chunks, Absent):
            return chunks
        decoder = _SlotReader(layout, slots.stride)
        return SlotArray(target, reader, slots, chunks, live, decoder)
    return Absent(Reason.UNSTABLE)


def _problem(layout: Layout, reader: Reader[T], slots: Slots) -> str:
    """What makes the table impossible; empty where nothing does."""
    size = layout.reader(Slot).size + 2 * slots.stride
    # One without records has been opened all the same: zeros are no table.
    if slots.stride < reader.size:
        return f"a {reader.name} takes {reader.size} bytes, not {slots.stride}"
    if slots.stride % _WORD:
        return f"{slots.stride} bytes a record are no whole words"
    if not 0 < slots.chunk_slots <= _MOST_SLOTS or slots.chunk_slots * size > _MOST_BYTES:
        return f"{slots.chunk_slots} slots a chunk"
    if slots.count and not slots.chunks:
        return f"{slots.count} slots were used, and there are no chunks"
    if slots.count > slots.chunk_capacity * slots.chunk_slots:
        return f"{slots.count} slots were used where {slots.chunk_capacity} chunks fit"
    if slots.count > slots.published:
        return f"{slots.count} slots were used by {slots.published} changes"
    return ""


def _chunks(target: Target, layout: Layout, slots: Slots) -> tuple[Chunk | None, ...] | Absent:
    """The directory; None for an entry that is damaged.

    The next chunk, where it was made already, is among them: its first slot may be filled, and
    not counted yet.
    """
    if not slots.chunks:
        return ()
    used = -(-slots.count // slots.chunk_slots)
    count = min(used + 1, slots.chunk_capacity)
    reader = layout.reader(Chunk)
    decoder = _SlotReader(layout, reader.size)
    if count * decoder.size > LISTED:
        return Absent(Reason.UNKNOWN, f"{slots.count} records are more than are looked at")
    data = target.read_memory(strip(slots.chunks), count * decoder.size)
    if isinstance(data, Absent):
        return Absent(data.reason, f"the {count} chunks at {slots.chunks:#x}")
    copies = decoder.read(data)
    if count > used and not copies[-1].is_used:
        copies.pop()
    elif count > used and slots.count % slots.chunk_slots:
        return Absent(Reason.DAMAGED, f"{slots.count} slots were counted, and more were filled")
    return tuple(
        None if copy.data is None or copy.is_empty else reader.one(copy.data) for copy in copies
    )
