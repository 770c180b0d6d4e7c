"""HotSpot's compressed numbers, and its tables of lines.

Source: OpenJDK 21, src/hotspot/share/utilities/unsigned5.hpp: digits of six bits, the least first;
a byte of at least 192 goes on. Since version 20 no byte is 0: each is by one more than it says.
code/compressedStream.hpp: tables of lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.decode.jits.words import Words, damaged

MOST_LINES = 1 << 16

_LONGEST = 5
_LOW = 192
_ESCAPE = 0xFF


class Stream:
    """Numbers one after the other.

    Args:
        words: the memory.
        at: address of the first.
        lowest: the byte that says 0.
    """

    def __init__(self, words: Words, at: int, lowest: int = 1) -> None:
        self._words = words
        self._at = at
        self._lowest = lowest

    def byte(self) -> int:
        """The next byte.

        Raises:
            HoleError: it is not there.
        """
        found = self._words.number(self._at, 1)
        self._at += 1
        return found

    def number(self) -> int:
        """The next number, without sign, of 32 bits.

        Raises:
            HoleError: it is not there, or is none.
        """
        total = 0
        for digit in range(_LONGEST):
            byte = self.byte()
            if byte < self._lowest:
                raise damaged(f"a compressed number before {self._at:#x}")
            total += (byte - self._lowest) << (6 * digit)
            if byte < _LOW:
                break
        return total & 0xFFFF_FFFF

    def signed(self) -> int:
        """The next number, with its sign in the lowest bit.

        Raises:
            HoleError: as `number`.
        """
        found = self.number()
        return (found >> 1) ^ -(found & 1)


def lines(words: Words, at: int, lowest: int = 1) -> Iterator[tuple[int, int]]:
    """A method's table: bytecodes and the lines that begin there, in the compiler's order.

    Args:
        words: the memory.
        at: address of the table.
        lowest: as of `Stream`.

    Raises:
        HoleError: it cannot be read.
    """
    stream = Stream(words, at, lowest)
    bytecode = line = 0
    for _ in range(MOST_LINES):
        byte = stream.byte()
        if byte == 0:
            return
        if byte == _ESCAPE:
            bytecode += stream.signed()
            line += stream.signed()
        else:
            bytecode += byte >> 3
            line += byte & 7
        yield bytecode, line
