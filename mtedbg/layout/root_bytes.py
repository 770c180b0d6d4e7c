"""The root's own bytes: how one is told from what looks like one.

Apart from `root.py`: every writable page of a process is searched for them, and most have none.
Source: `struct mtedbg_root` in `native/include/mtedbg/debug_root.h`.
"""

from __future__ import annotations

import struct
import zlib

from mtedbg.model.pointer import strip

MAGIC = b"MTEDBGR\0"
STRUCT = struct.Struct("<8sIHHIIQQQIIQIIQII")
SIZE = STRUCT.size
CHECKED = 68
"""Bytes under the checksum: all before it."""


def is_whole(data: bytes) -> bool:
    """Whether the checksum of the root in `data` is right."""
    checksum: int = STRUCT.unpack_from(data)[13]
    return checksum == zlib.crc32(data[:CHECKED])


def is_root(data: bytes, address: int) -> bool:
    """Whether `data`, found at `address`, is a root, perhaps a damaged one, and no copy of one.

    A core holds copies of the bytes elsewhere: only the true one has its own address in it.
    """
    if len(data) < SIZE or not data.startswith(MAGIC):
        return False
    own: int = STRUCT.unpack_from(data)[6]
    return strip(own) == strip(address)
