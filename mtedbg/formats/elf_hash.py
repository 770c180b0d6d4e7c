"""The exported symbols of an image by name, through its table of DT_GNU_HASH.

A program of a hundred megabytes has names by the hundred thousand: a reader that asks for fifty of
them must not look through all of them each time.

Source: DT_GNU_HASH as glibc's elf/dl-lookup.c reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from mtedbg.formats import elf

_HEAD = struct.Struct("<IIII")
_WORD = 4
_BLOOM_WORD = 8
_MOST_IN_CHAIN = 1 << 12
_BIT_31 = 0xFFFFFFFF


class ExportedNames:
    """What an image exports. Nothing of it is kept: a look-up reads a few words.

    Args:
        read: gives so many bytes at a place; fewer where they are not all there.
        table: the place of the hash table.
        symbols: the place of the symbols.
        strings: their names.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], table: int, symbols: int, strings: int
    ) -> None:
        self._read = read
        self._table = table
        self._symbols = symbols
        self._strings = strings

    def named(self, name: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The symbols that are called `name`, with their numbers; none of a damaged table."""
        head = self._read(self._table, _HEAD.size)
        if len(head) < _HEAD.size:
            return
        bucket_count, first, bloom, _ = _HEAD.unpack(head)
        buckets = self._table + _HEAD.size + _BLOOM_WORD * bloom
        chains = buckets + _WORD * bucket_count
        wanted = gnu_hash(name)
        start = self._number(buckets + _WORD * (wanted % bucket_count)) if bucket_count else None
        if start is None or start < first:
            return
        for number in range(start, start + _MOST_IN_CHAIN):
            link = self._number(chains + _WORD * (number - first))
            if link is None:
                return
            if link | 1 == wanted | 1:
                symbol = self._symbol(number, name)
                if symbol is not None:
                    yield number, symbol
            if link & 1:  # the end of a chain
                return

    def _symbol(self, number: int, name: bytes) -> tuple[int, ...] | None:
        record = self._read(self._symbols + number * elf.SYMBOL.size, elf.SYMBOL.size)
        if len(record) < elf.SYMBOL.size:
            return None
        symbol: tuple[int, ...] = elf.SYMBOL.unpack(record)
        called = self._read(self._strings + symbol[0], len(name) + 1)
        return symbol if called == name + b"\0" else None

    def _number(self, place: int) -> int | None:
        found = self._read(place, _WORD)
        return int.from_bytes(found, "little") if len(found) == _WORD else None


def gnu_hash(name: bytes) -> int:
    """The hash of a name, 32 bits."""
    found = 5381
    for byte in name:
        found = (found * 33 + byte) & _BIT_31
    return found
