"""Memory of a stopped target read by pages: for questions that want many small pieces of it."""

from __future__ import annotations

from mtedbg.model.absent import Absent
from mtedbg.target import Target

_PAGE = 4096
_MOST_PAGES = 1 << 14


class Pages:
    """What was read is kept: for one question, never across a stop.

    Args:
        target: the process.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pages: dict[int, bytes | Absent] = {}

    def read(self, address: int, length: int) -> bytes | Absent:
        """All `length` bytes at `address`, as the port has it; short pieces cost least."""
        inside = address % _PAGE
        if inside + length <= _PAGE:  # nearly always
            page = self._pages.get(address // _PAGE)
            if page.__class__ is bytes:
                return page[inside : inside + length]
        first, last = address // _PAGE, (address + max(length, 1) - 1) // _PAGE
        if last - first > 1:
            return self._target.read_memory(address, length)
        parts: list[bytes] = []
        for number in range(first, last + 1):
            page = self._page(number)
            if isinstance(page, Absent):  # a target may have a part of a page
                return self._target.read_memory(address, length)
            parts.append(page)
        start = address - first * _PAGE
        return b"".join(parts)[start : start + length]

    def _page(self, number: int) -> bytes | Absent:
        if number not in self._pages:
            if len(self._pages) >= _MOST_PAGES:
                self._pages.clear()
            self._pages[number] = self._target.read_memory(number * _PAGE, _PAGE)
        return self._pages[number]
