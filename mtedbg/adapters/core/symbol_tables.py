"""The symbol tables of a dead process: those of many images may be the same million symbols."""

from __future__ import annotations

from mtedbg.adapters.core.images import Image
from mtedbg.budget import RECORD, Budget
from mtedbg.formats.buffer import Read
from mtedbg.formats.elf_symbols import JoinedTables, SymbolTable

MOST_KEPT = 96 << 20
"""Bytes of tables that are kept at once; beyond, they are read again."""


class Tables:
    """Which images have theirs in memory.

    Args:
        budget: in which what they take counts.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget
        self._images: list[Image] = []
        self._size = 0
        self._counted = 0

    def of(self, image: Image, read: Read) -> SymbolTable | JoinedTables:
        """The symbols of an image.

        Args:
            image: whose.
            read: reads memory of the process.

        Raises:
            OverBudgetError: the report has read too much.
        """
        self._count_last()
        if image.table is None or not self._images or self._images[-1] is not image:
            if self._size > MOST_KEPT:
                self._drop()
            self._images.append(image)
            self._counted = 0 if image.table is None else image.table.size
        return image.symbols(read)

    def _count_last(self) -> None:
        """A table is read once a name in it is wanted: what that took is seen afterwards."""
        last = self._images[-1].table if self._images else None
        if last is not None:
            grown = last.size - self._counted
            self._size += grown
            self._counted = last.size
            if self._budget is not None:
                self._budget.spend(0, grown // RECORD)

    def _drop(self) -> None:
        for one in self._images:
            one.table = None
        self._images, self._size = [], 0
