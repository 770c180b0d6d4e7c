"""Reading numbers of a table one after the other, never past its end.

Source: DWARF 5, 7.6 "Variable Length Data"; LSB Core 10.5 "DWARF Extensions" (encoded pointers).
"""

from __future__ import annotations

from mtedbg.errors import FileFormatError

_MOST_LEB = 10
"""Bytes of a LEB128 number of 64 bits."""
WORD = (1 << 64) - 1

OMIT = 0xFF
"""DW_EH_PE_omit: no value."""
_INDIRECT = 0x80
_FIXED = {0: (8, False), 2: (2, False), 3: (4, False), 4: (8, False)}
_FIXED |= {0xA: (2, True), 0xB: (4, True), 0xC: (8, True)}
_ULEB, _SLEB = 1, 9
_ABSOLUTE, _PC_RELATIVE, _DATA_RELATIVE = 0, 0x10, 0x30


class DamagedError(FileFormatError):
    """A table that cannot be what it says it is; its reader takes it for one that is not there."""


class Cursor:
    """A position in bytes.

    Attributes:
        data: the bytes.
        at: where the next number is.
        end: where the last one may end.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else min(end, len(data))

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= self.end

    def number(self, size: int, *, signed: bool = False) -> int:
        """The next `size` bytes as a number."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            DamagedError: there are fewer.
        """
        start = self.at
        if size < 0 or start + size > self.end:
            raise DamagedError("a DWARF table ends within a value")
        self.at = start + size
        return self.data[start : self.at]

    def byte(self) -> int:
        """The next byte."""
        at = self.at
        if at >= self.end:
            raise DamagedError("a DWARF table ends within a value")
        self.at = at + 1
        return self.data[at]

    def uleb(self) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        for _ in range(_MOST_LEB):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & WORD
            shift += 7
        raise DamagedError("a LEB128 number is longer than 64 bits")

    def sleb(self) -> int:
        """A signed LEB128 number."""
        value = shift = 0
        for _ in range(_MOST_LEB):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if byte & 0x40 else value
        raise DamagedError("a LEB128 number is longer than 64 bits")

    def string(self) -> bytes:
        """Bytes up to a zero, which is left out."""
        stop = self.data.find(b"\0", self.at, self.end)
        if stop < 0:
            raise DamagedError("a DWARF table ends within a string")
        found = self.data[self.at : stop]
        self.at = stop + 1
        return found

    def pointer(self, encoding: int, here: int, data_base: int = 0) -> int:
        """A pointer by its DW_EH_PE encoding.

        Args:
            encoding: one byte, not `OMIT`.
            here: the address of the bytes that this cursor begins with.
            data_base: what pointers relative to data count from.

        Raises:
            DamagedError: the encoding is none, or means a pointer to a pointer.
        """
        if encoding & _INDIRECT:
            raise DamagedError("an encoded pointer is indirect")
        start = here + self.at
        form = encoding & 0xF
        if form == _ULEB:
            value = self.uleb()
        elif form == _SLEB:
            value = self.sleb()
        elif form in _FIXED:
            size, signed = _FIXED[form]
            value = self.number(size, signed=signed)
        else:
            raise DamagedError(f"an encoded pointer has the encoding {encoding:#x}")
        base = {_ABSOLUTE: 0, _PC_RELATIVE: start, _DATA_RELATIVE: data_base}.get(encoding & 0x70)
        if base is None:
            raise DamagedError(f"an encoded pointer has the encoding {encoding:#x}")
        return (value + base) & WORD
