"""Where memory may have addresses of code: records of a JIT are looked for by them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence

from mtedbg.decode.jits.words import Words

_LOW, _RUN = 3, 1 << 24
"""Bytes in which addresses of one run of code may differ."""


def code_pointers(
    words: Words, runs: Sequence[tuple[int, int]], heaps: Sequence[tuple[int, int]], most: int
) -> Iterator[tuple[int, bytes, int]]:
    """Places whose upper bytes are those of an address in `runs`, as yet at any alignment.

    Args:
        words: memory of the process.
        runs: code: first addresses and ends.
        heaps: what is searched, likewise.
        most: bytes of `heaps` that are searched.

    Returns:
        The address of a piece of memory, the piece, and where in it such a word begins.
    """
    prefixes = {
        struct.pack("<Q", at)[_LOW:]
        for start, end in runs
        for at in range(start // _RUN * _RUN, end, _RUN)
    }
    if not prefixes:
        return
    pattern = re.compile(b"|".join(map(re.escape, sorted(prefixes))))
    left = most
    for begin, end in heaps:
        for piece, data in words.pieces(begin, min(end, begin + left)):
            for match in pattern.finditer(data):
                yield piece, data, match.start() - _LOW
        left -= min(left, end - begin)
