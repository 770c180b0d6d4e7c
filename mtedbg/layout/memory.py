"""Bounded reads of what a runtime points at: texts, and arrays of records."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from mtedbg.dataclass import dataclass
from mtedbg.layout.records import Reader
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.model.pointer import strip
from mtedbg.target import Target

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

BULK = 1 << 16
"""Bytes of an array that is read at once; a larger one is searched by small reads."""
LISTED = 1 << 26
"""Bytes of an array that is read whole where all of it was asked for."""
_WINDOW = 1 << 12
_PAGE = 1 << 12
_SPACE = 1 << 56
_FORMS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_LARGEST = (1 << 64) - 1


def read_text(target: Target, address: int, length: int, most: int = 256) -> str | Absent:
    """The `length` bytes of text at `address`, at most `most` of them."""
    if not length:
        return ""
    data = target.read_memory(strip(address), min(length, most))
    return data if isinstance(data, Absent) else data.decode("utf-8", "replace")


def read_name(target: Target, address: int, most: int = 63) -> str | Absent:
    """The NUL-terminated text at `address`, of at most `most` bytes without the NUL."""
    address = strip(address)
    data: bytes | Absent = target.read_memory(address, most + 1)
    if isinstance(data, Absent):
        # It may stand at the very end of a mapping.
        data = target.read_memory(address, min(most + 1, _PAGE - address % _PAGE))
    if isinstance(data, Absent):
        return data
    text, end, _ = data.partition(b"\0")
    if not end:
        return Absent(Reason.DAMAGED, f"the name at {address:#x} is not terminated")
    return text.decode("utf-8", "replace")


@dataclass(frozen=True)
class RecordArray(Generic[T]):
    """Records in a row.

    Attributes:
        target: where they are.
        reader: how they are decoded.
        address: of the first, without a tag.
        count: how many.
        stride: bytes from one to the next, at least the reader's size.
        data: their bytes, where they were read already.
    """

    target: Target
    reader: Reader[T]
    address: int
    count: int
    stride: int
    data: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole array."""
        return self.count * self.stride

    def problem(self) -> str:
        """What makes the array impossible; empty where nothing does."""
        if self.stride < self.reader.size:
            return f"a {self.reader.name} takes {self.reader.size} bytes, not {self.stride}"
        if self.address + self.size > _SPACE:
            return f"{self.count} records of {self.stride} bytes do not fit at {self.address:#x}"
        return ""

    def bytes_of(self, first: int, count: int) -> bytes | Absent:
        """The bytes of `count` records from number `first` on."""
        if self.data is not None:
            return self.data[first * self.stride : (first + count) * self.stride]
        return self.target.read_memory(self.address + first * self.stride, count * self.stride)

    def get(self, index: int) -> T | Absent:
        """Record number `index`, which must be less than `count`."""
        data = self.bytes_of(index, 1)
        return data if isinstance(data, Absent) else self.reader.one(data)

    def all(self) -> Iterator[T] | Absent:
        """All records, decoded as they are asked for."""
        if not self.count:
            return iter(())
        if self.size > LISTED:
            few = f"{self.size} bytes of {self.reader.name} records, of which {LISTED} are listed"
            return Absent(Reason.UNKNOWN, few)
        data = self.bytes_of(0, self.count)
        return data if isinstance(data, Absent) else self.reader.many(data, self.stride)

    def last_at_most(self, field: str, value: int) -> T | Absent:
        """The last record whose `field` is at most `value`; does not apply where none is.

        The records are sorted by `field`.
        """
        index = self.last_not_above(field, value)
        return then(index, lambda last: self.get(last) if last >= 0 else NOT_APPLICABLE)

    def holder(self, key: str, value: int, holds: Callable[[T], bool]) -> T | Absent:
        """The record that holds `value`; does not apply where none does.

        Args:
            key: the field that they are sorted by, the first value that a record holds.
            value: which is looked for.
            holds: whether a record does.
        """
        before = self.last_at_most(key, value)
        return then(before, lambda found: found if holds(found) else NOT_APPLICABLE)

    def first_above(self, field: str, value: int) -> T | Absent:
        """The first record whose `field` is above `value`, found in the same way."""
        index = self.last_not_above(field, value)
        return then(
            index, lambda last: self.get(last + 1) if last + 1 < self.count else NOT_APPLICABLE
        )

    def last_not_above(self, field: str, value: int) -> int | Absent:
        """The number of the last record whose `field` is at most `value`; -1 where none is.

        The records are sorted by `field`, and the order of those that are looked at is checked.
        Large arrays are searched by reads of one field, and of one window at the end, so that a
        million records cost some twenty small reads.
        """
        offset, width = self.reader.place(field)
        low, high, least, most = 0, self.count, 0, _LARGEST
        window = max(1, _WINDOW // self.stride)
        while high - low > window:
            middle = (low + high) // 2
            data = self._field(middle, offset, width)
            if isinstance(data, Absent):
                return data
            key = int.from_bytes(data, "little")
            if not least <= key <= most:
                return self._unsorted(field)
            if key <= value:
                low, least = middle + 1, key
            else:
                high, most = middle, key
        data = self.bytes_of(low, high - low) if low < high else b""
        if isinstance(data, Absent):
            return data
        keys = self._keys(data, offset, width)
        if keys != sorted(keys) or (keys and not least <= keys[0] <= keys[-1] <= most):
            return self._unsorted(field)
        return low + bisect_right(keys, value) - 1

    def _field(self, index: int, offset: int, width: int) -> bytes | Absent:
        at = index * self.stride + offset
        if self.data is not None:
            return self.data[at : at + width]
        return self.target.read_memory(self.address + at, width)

    def _keys(self, data: bytes, offset: int, width: int) -> list[int]:
        """One field of all records in `data`, decoded at once: this is where look-ups spend."""
        after = self.stride - offset - width
        form = struct.Struct(f"<{offset}x{_FORMS[width]}{after}x")
        return [key for (key,) in form.iter_unpack(data)]

    def _unsorted(self, field: str) -> Absent:
        return Absent(
            Reason.DAMAGED, f"records of {self.reader.name} are not in the order of {field}"
        )
