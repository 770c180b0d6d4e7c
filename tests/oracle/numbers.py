"""Contents of vectors: floating-point numbers at which something changes, integers, any bytes."""

from __future__ import annotations

import random
import struct

_SINGLES = (
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x40490FDB, 0xC0200000,  # 0, 1, pi, -2.5
    0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7FC01234, 0xFFE00001,  # infinities, NaNs
    0x7F800001, 0xFF812345, 0x7FBFFFFF,  # signaling NaNs
    0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00400000,  # denormals
    0x00800000, 0x80800000, 0x00800001, 0x01000000, 0x7F7FFFFF, 0xFF7FFFFF,  # smallest, largest
    0x4B000000, 0x4B7FFFFF, 0x4EFFFFFF, 0x4F000000, 0xCF000000, 0xCF000001,  # where integers end
    0x5F000000, 0xDF000000, 0x5EFFFFFF, 0x3F000000, 0x3F7FFFFF, 0x3FC00000, 0x33800000, 0x20000000,
    0x1FFFFFFF, 0x3FFFFFFE, 0x3F7FFFFE, 0x3EFFFFFF,
)  # fmt: skip
_DOUBLES = (
    0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000,
    0x400921FB54442D18, 0xC004000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
    0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8123456789ABC, 0xFFFC000000000001,
    0x7FF0000000000001, 0xFFF0000020000000, 0x7FF7FFFFFFFFFFFF, 0x0000000000000001,
    0x8000000000000001, 0x000FFFFFFFFFFFFF, 0x800FFFFFFFFFFFFF, 0x0008000000000000,
    0x0010000000000000, 0x8010000000000000, 0x0010000000000001, 0x7FEFFFFFFFFFFFFF,
    0xFFEFFFFFFFFFFFFF, 0x4330000000000000, 0x41DFFFFFFFC00000, 0x41DFFFFFFFE00000,
    0x41E0000000000000, 0xC1E0000000000000, 0xC1E0000000100000, 0xC1E0000000200000,
    0x43E0000000000000, 0xC3E0000000000000, 0x43DFFFFFFFFFFFFF, 0x3FE0000000000000,
    0x3FF8000000000000, 0x3FEFFFFFFFFFFFFF, 0x3CA0000000000000, 0x2000000000000000,
    0x1FFFFFFFFFFFFFFF, 0x3FFFFFFFFFFFFFFE,
    0x380FFFFFFFFFFFFF, 0x380FFFFFE0000000, 0x3810000000000000, 0x36A0000000000000,  # as singles:
    0x3690000000000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000, 0x47EFFFFFEFFFFFFF,  # tiny, large
)  # fmt: skip
_BYTES = (0x00, 0xFF, 0x80, 0x7F, 0x01)


def _single(source: random.Random) -> bytes:
    kind = source.randrange(8)
    if kind < 4:
        return struct.pack("<I", source.choice(_SINGLES))
    if kind < 6:
        return struct.pack("<f", source.uniform(-100, 100))
    # An exponent near that of another number, so that sums and products meet borders.
    exponent = source.choice((0, 1, 2, 64, 63, 126, 127, 128, 150, 157, 190, 253, 254))
    return struct.pack("<I", source.getrandbits(1) << 31 | exponent << 23 | source.getrandbits(23))


def _double(source: random.Random) -> bytes:
    kind = source.randrange(8)
    if kind < 4:
        return struct.pack("<Q", source.choice(_DOUBLES))
    if kind < 6:
        return struct.pack("<d", source.uniform(-100, 100))
    exponent = source.choice((0, 1, 2, 511, 512, 897, 874, 1022, 1023, 1024, 1054, 1086, 2046))
    return struct.pack("<Q", source.getrandbits(1) << 63 | exponent << 52 | source.getrandbits(52))


def vector(source: random.Random) -> bytes:
    """Sixteen bytes."""
    kind = source.randrange(8)
    if kind < 3:
        return b"".join(_single(source) for _ in range(4))
    if kind < 6:
        return b"".join(_double(source) for _ in range(2))
    if kind < 7:
        return bytes(source.choice(_BYTES) for _ in range(16))
    return source.randbytes(16)
