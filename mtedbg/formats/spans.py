"""Which of many ranges of addresses holds an address, when they may overlap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class Spans:
    """Ranges [start, end), found by address.

    Args:
        spans: of them the last one that holds an address counts: what was written later is newer.
    """

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        order = sorted(range(len(spans)), key=lambda number: spans[number][0])
        self._numbers = order
        self._starts = [spans[number][0] for number in order]
        self._ends = [spans[number][1] for number in order]
        # The furthest end so far: where a search to the left may stop.
        self._reach = list(accumulate(self._ends, max))

    def __len__(self) -> int:
        return len(self._numbers)

    def at(self, address: int) -> int | None:
        """The number of the last range that holds `address`; None where none does."""
        found = None
        index = bisect_right(self._starts, address) - 1
        while index >= 0 and self._reach[index] > address:
            if self._ends[index] > address:
                number = self._numbers[index]
                found = number if found is None else max(found, number)
            index -= 1
        return found
