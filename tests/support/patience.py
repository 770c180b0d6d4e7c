"""Until when a run is worth waiting for: by what it does, not by a clock that others keep busy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 2.0
"""Seconds between looks at a run."""
_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, behind the name: proc_pid_stat(5).
_SESSION, _USER, _CHILDREN = 3, 11, 15


class Patience:
    """Lost once a run has taken too much processor time, or has done nothing for long.

    Args:
        taken_s: seconds of processor time that it has taken so far.
        limit_s: seconds of it that it may take.
        idle_s: seconds for which it may take none at all.
        longest_s: seconds that it may last: of what takes some while it does nothing.
    """

    def __init__(
        self,
        taken_s: Callable[[], float],
        limit_s: float,
        idle_s: float = float("inf"),
        longest_s: float = float("inf"),
    ) -> None:
        self._taken_s = taken_s
        self._limit_s, self._idle_s, self._longest_s = limit_s, idle_s, longest_s
        self._begin = self._last = time.monotonic()
        self._first_s = self._seen_s = taken_s()

    def lost(self) -> str:
        """Why; empty where there is hope."""
        now, taken_s = time.monotonic(), self._taken_s()
        if taken_s != self._seen_s:
            self._seen_s, self._last = taken_s, now
        if taken_s - self._first_s > self._limit_s:
            return f"it took more than {self._limit_s:g} s of processor time"
        if now - self._last > self._idle_s:
            return f"it did nothing for {self._idle_s:g} s"
        if now - self._begin > self._longest_s:
            return f"it did not end in {self._longest_s:g} s"
        return ""


def of_process(pid: int) -> float:
    """Seconds of processor time that a process has taken, and its children that it waited for."""
    return sum(map(int, _stat(Path(f"/proc/{pid}"))[_USER:_CHILDREN])) / _TICKS


def of_session(leader: int) -> float:
    """The same of all processes of a session."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = _stat(folder)
        except (FileNotFoundError, ProcessLookupError):  # it has just gone
            continue
        if int(words[_SESSION]) == leader:
            ticks += sum(map(int, words[_USER:_CHILDREN]))
    return ticks / _TICKS


def _stat(process: Path) -> list[str]:
    return (process / "stat").read_text().rpartition(")")[2].split()
