"""A whole file as its readers see it."""

from __future__ import annotations

from typing import Protocol, overload


class Buffer(Protocol):
    """A whole file: `bytes`, or what reads it by position. A slice ends where the file ends."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...
