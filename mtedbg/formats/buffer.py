"""Where the bytes of a format come from: a file that is there as a whole, or memory in pieces."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.model.absent import Absent
from mtedbg.model.buffer import Buffer

__all__ = ["Buffer", "Read", "text"]

Read = Callable[[int, int], "bytes | Absent"]
"""Reads `length` bytes at an address, all of them, or says why they are not there."""


def text(raw: bytes) -> str:
    """A zero-terminated name as text."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
