"""What a report may read of files from strangers: one total, whatever is followed twice.

Every reader of files has limits for each of its parts; a small file can name the same part again
and again. So bytes and records are counted where they come from a file (`adapters/file_bytes.py`),
each time, and processor time with them: formats stay pure and know nothing of it. Once the budget
is used up no more is read, and the report says so. The limits grow with the files that are there:
no honest core meets them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from mtedbg.dataclass import dataclass
from mtedbg.errors import OverBudgetError

OVER = "the budget of this report is used up"
MORE = "the rest was not read; for ten times as much: mtedbg core --budget 10"
RECORD = 128
"""Bytes of a file that a record more is allowed for: what is made of one takes memory as well."""

_BETWEEN = 1 << 20
"""Bytes after which the time is looked at again."""
_RECORDS_BETWEEN = _BETWEEN // RECORD


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one report.

    Attributes:
        read: bytes that may be read, besides `times` the files' own.
        records: that may be read, besides one for each `RECORD` of those bytes: what is read by
            itself, and each symbol of a table.
        times: how often all of a file may be read.
        seconds: of processor time, besides one for each `a_second` bytes of the files.
        a_second: bytes.
    """

    read: int = 256 << 20
    records: int = 2 << 20
    times: int = 4
    seconds: float = 10.0
    a_second: int = 32 << 20

    def scaled(self, factor: float) -> Limits:
        """`factor` times as much of everything."""
        return Limits(
            int(self.read * factor),
            int(self.records * factor),
            int(self.times * factor),
            self.seconds * factor,
            max(1, int(self.a_second / factor)),
        )


USUAL = Limits()
MOST_FACTOR = 1_000_000
"""Times the usual limits that a user may set."""


class Budget:
    """What is left of the limits.

    Args:
        limits: of each report.
        clock: seconds of processor time that this thread has had.
        more: how a user gets more.

    Attributes:
        over: what used it up; empty where it is not.
    """

    def __init__(
        self,
        limits: Limits = USUAL,
        clock: Callable[[], float] = time.thread_time,
        more: str = MORE,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._more = more
        self._held = 0
        self._granted = 0.0
        self.over = ""
        self.renew()

    def renew(self) -> None:
        """Another report begins."""
        self.over = ""
        self._begin = self._clock()
        self._left = self._limits.read + self._limits.times * self._held
        self._records = self._most_records
        self._set_marks()

    def limit(self, limits: Limits) -> None:
        """From the next report on these are the limits."""
        self._limits = limits

    def _set_marks(self) -> None:
        """Where the time is looked at again."""
        self._mark = max(0, self._left - _BETWEEN)
        self._records_mark = max(0, self._records - _RECORDS_BETWEEN)

    @property
    def _most_records(self) -> int:
        return self._limits.records + self._limits.times * self._held // RECORD

    def allow(self, held: int) -> None:
        """Another file may be read: it has `held` bytes on its disk, without its holes."""
        before = self._most_records
        self._held += held
        if self.over:
            return
        self._left += self._limits.times * held
        self._records += self._most_records - before
        self._set_marks()

    def grant(self, seconds: float) -> None:
        """More time for what takes long in any sound file: to unpack it."""
        self._granted += seconds

    def spend(self, length: int, records: int = 1) -> None:
        """`length` bytes are read now, or `records` are made of those that were.

        Raises:
            OverBudgetError: they may not be.
        """
        self._left -= length
        self._records -= records
        if self._left < self._mark or self._records < self._records_mark:
            self._look()

    @property
    def seconds_left(self) -> float:
        """Of processor time; none where the budget is used up."""
        return 0.0 if self.over else self._begin + self._seconds - self._clock()

    @property
    def _seconds(self) -> float:
        return self._limits.seconds + self._granted + self._held / self._limits.a_second

    def expire(self) -> None:
        """The time is up.

        Raises:
            OverBudgetError: always.
        """
        self._end(f"it took {self._seconds:.0f} s")

    def _look(self) -> None:
        if self._left < 0:
            read = self._limits.read + self._limits.times * self._held
            self._end(f"{read >> 20} MiB were read")
        if self._records < 0:
            self._end(f"{self._most_records} records were read")
        if self.seconds_left < 0:
            self.expire()
        self._set_marks()

    def _end(self, why: str) -> NoReturn:
        self.over = self.over or why
        self._left, self._mark = -1, 0
        raise OverBudgetError(f"{OVER}: {self.over}", self._more)
