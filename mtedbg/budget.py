"""What a report may read of files from strangers: one total, whatever is followed twice.

Every reader of files has limits for each of its parts; a small file can name the same part again
and again. So what is read is counted where bytes come from a file (`adapters/file_bytes.py`), each
time, and each read costs at least `LEAST`: formats stay pure and know nothing of it. Once the
budget is used up no more is read, and the report says so. The limits grow with the files that are
there: no honest core meets them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from mtedbg.dataclass import dataclass
from mtedbg.errors import OverBudgetError

OVER = "the budget of this report is used up"
MORE = "the rest was not read; for ten times as much: mtedbg core --budget 10"
LEAST = 128
"""Bytes that every read counts for: what is made of it takes memory and time as well."""

_BETWEEN = 1 << 20
"""Bytes after which the time is looked at again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one report.

    Attributes:
        read: bytes that may be read, besides `times` the files' own.
        times: how often all of a file may be read.
        seconds: of processor time, besides one for each `a_second` bytes of the files.
        a_second: bytes.
    """

    read: int = 256 << 20
    times: int = 4
    seconds: float = 10.0
    a_second: int = 32 << 20

    def scaled(self, factor: float) -> Limits:
        """`factor` times as much of everything."""
        return Limits(
            int(self.read * factor),
            int(self.times * factor),
            self.seconds * factor,
            max(1, int(self.a_second / factor)),
        )


USUAL = Limits()


class Budget:
    """What is left of the limits.

    Args:
        limits: of each report.
        clock: seconds of processor time that this thread has had.
    """

    def __init__(
        self, limits: Limits = USUAL, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._held = 0
        self._granted = 0.0
        self.over = ""
        self.renew()

    def renew(self) -> None:
        """Another report begins."""
        self.over = ""
        self._begin = self._clock()
        self._left = self._limits.read + self._limits.times * self._held
        self._mark = max(0, self._left - _BETWEEN)

    def allow(self, held: int) -> None:
        """Another file may be read: it has `held` bytes on its disk, without its holes."""
        self._held += held
        self._left += self._limits.times * held
        self._mark = max(0, self._left - _BETWEEN)

    def grant(self, seconds: float) -> None:
        """More time for what takes long in any sound file: to unpack it."""
        self._granted += seconds

    def spend(self, length: int) -> None:
        """`length` bytes are read now.

        Raises:
            OverBudgetError: they may not be.
        """
        self._left -= length if length > LEAST else LEAST
        if self._left < self._mark:
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
        if self.seconds_left < 0:
            self.expire()
        self._mark = max(0, self._left - _BETWEEN)

    def _end(self, why: str) -> NoReturn:
        self.over = self.over or why
        self._left = self._mark = -1
        raise OverBudgetError(f"{OVER}: {self.over}", MORE)
