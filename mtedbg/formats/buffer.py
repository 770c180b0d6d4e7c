"""Where the bytes of a format come from: a file that is there as a whole, or memory in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, overload

from mtedbg.model.absent import Absent

Read = Callable[[int, int], "bytes | Absent"]
"""Reads `length` bytes at an address, all of them, or says why they are not there."""


class Buffer(Protocol):
    """A whole file: `bytes` or a mapping of it. A slice ends where the file ends."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...


def text(raw: bytes) -> str:
    """A zero-terminated name as text."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
