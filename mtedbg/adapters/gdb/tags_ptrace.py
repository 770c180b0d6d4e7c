"""Allocation tags of a native process, by ptrace.

Source: Linux, Documentation/arch/arm64/memory-tagging-extension.rst: PTRACE_PEEKMTETAGS takes an
address of the tracee (without a tag) and an iovec for one byte a granule; it returns 0 and sets
`iov_len` to the tags that were copied, fewer where the range leaves memory with tags.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Callable, Iterator, Sequence

from mtedbg.adapters.debugger.spans import NOT_TAGGED, PAGE, Regions, by_region, hole_of, joined
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE

PTRACE_PEEKMTETAGS = 33
_RANGE = 2 << 20

Peek = Callable[[int, int], "bytes | Absent"]
"""(address, number of tags) → the tags from there on, as many as there are."""


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def can_peek() -> bool:
    """Whether this machine's ptrace has the request: its number means others elsewhere."""
    return platform.system() == "Linux" and platform.machine() == "aarch64"


def request(number: int, tid: int, address: int, tags: ctypes.Array[ctypes.c_char]) -> int:
    """Asks for, or gives, the tags from `address` on: how many, or the error's negative number.

    Only GDB's own main thread may, as the tracer of the stopped thread `tid`.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    iovec = _Iovec(ctypes.cast(tags, ctypes.c_void_p), len(tags))
    ctypes.set_errno(0)
    if libc.ptrace(number, tid, address, ctypes.byref(iovec)) != 0:
        return -ctypes.get_errno()
    return min(int(iovec.length), len(tags))


def peeker(tid: int) -> Peek:
    """Reads tags of the stopped thread `tid`, as `request` does."""

    def peek(address: int, count: int) -> bytes | Absent:
        tags = ctypes.create_string_buffer(count)
        found = request(PTRACE_PEEKMTETAGS, tid, address, tags)
        return _refusal(-found) if found < 0 else tags.raw[:found]

    return peek


def _refusal(number: int) -> Absent:
    if number == errno.EOPNOTSUPP:
        return NOT_TAGGED
    if number == errno.EFAULT:
        return Absent(Reason.UNREADABLE)
    return Absent(Reason.UNREADABLE, f"ptrace: {os.strerror(number)}")


def ptrace_tags(peek: Peek, start: int, end: int, regions: Regions) -> list[TagPiece]:
    """The tags of [start, end), asked for where mappings say that there are some.

    Args:
        peek: as from `peeker`.
        start: first address, a multiple of 16.
        end: one past the last address, a multiple of 16.
        regions: the mappings; where they are not known, nothing is asked.
    """
    if isinstance(regions, Absent):
        return [TagPiece(start, end, regions)]
    return joined(_pieces(peek, start, end, regions))


def _pieces(peek: Peek, start: int, end: int, regions: Sequence[Region]) -> Iterator[TagPiece]:
    for low, high, region in by_region(start, end, regions):
        if (hole := hole_of(region)) is not None:
            yield TagPiece(low, high, hole)
        else:
            yield from _tagged(peek, low, high)


def _tagged(peek: Peek, start: int, end: int) -> Iterator[TagPiece]:
    at = start
    while at < end:
        wanted = min(_RANGE, end - at) // GRANULE
        tags = peek(at, wanted)
        if isinstance(tags, Absent) or not tags:
            hole = tags if isinstance(tags, Absent) else Absent(Reason.UNREADABLE)
            stop = min(at - at % PAGE + PAGE, end)
            yield TagPiece(at, stop, hole)
            at = stop
            continue
        yield TagPiece(at, at + len(tags) * GRANULE, bytes(tag & 0xF for tag in tags))
        at += len(tags) * GRANULE
