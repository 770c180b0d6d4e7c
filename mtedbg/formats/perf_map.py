"""perf's map of a process: lines `START SIZE NAME` that a JIT appends as it makes code.

Source: Linux, tools/perf/Documentation/jit-interface.txt: both numbers hexadecimal, without 0x.
box64 (0.3.4, 0.4.3) writes sizes as decimal numbers of instructions, later ones decimal bytes.
"""

from __future__ import annotations

import re
from itertools import pairwise

from mtedbg.formats.spans import Spans
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes

MAX_BYTES = 1 << 28
MAX_LINES = 1 << 22
MAX_NAME = 256
MOST = 1 << 16
"""Lines that are listed at most."""

_LINE = re.compile(rb"^(?:0x)?([0-9a-fA-F]{1,16})[ \t]+(?:0x)?([0-9a-fA-F]{1,16})[ \t]", re.M)
_SPACE = 1 << 56


def path_of(pid: int) -> str:
    """Where a JIT in process `pid` writes it."""
    return f"/tmp/perf-{pid}.map"  # noqa: S108 - that is where perf looks


class PerfMap:
    """A map, read whole. A line that comes later has the same memory used again.

    Args:
        data: the file's bytes.
        path: of the file, for notes.
        decimal: whether sizes are decimal, as box64 writes them.
    """

    def __init__(self, data: bytes, path: str, *, decimal: bool = False) -> None:
        self._data = data
        self._path = path
        self._names: list[int] = []
        spans: list[tuple[int, int]] = []
        for match in _LINE.finditer(data):
            start = int(match[1], 16)
            size = int(match[2]) if decimal and match[2].isdigit() else int(match[2], 16)
            if size and start + size <= _SPACE:
                spans.append((start, start + size))
                self._names.append(match.end())
            if len(spans) == MAX_LINES:
                break
        self._cut = f"only its first {MAX_LINES} lines were read" * (len(spans) == MAX_LINES)
        if decimal and not _overlap(longer := [(a, a + 4 * (b - a)) for a, b in spans]):
            spans = longer
        self._bounds = spans
        self._spans = Spans(spans)

    def __len__(self) -> int:
        return len(self._bounds)

    def at(self, pc: int) -> ForeignCode:
        """What holds `pc`: of several lines the last; not known where none does, of a cut file."""
        number = self._spans.at(pc)
        cut = (self._cut,) if self._cut else ()
        notes = (f"from {self._path}", *cut)
        if number is None:
            block = Absent(Reason.UNKNOWN, self._cut) if self._cut else NOT_APPLICABLE
            return ForeignCode(CodeSource.PERF_MAP, block=block, notes=notes[:1])
        return self._code(number, notes)

    def listed(self) -> ForeignCodes:
        """Its lines, at most `MOST`."""
        shown = min(len(self), MOST)
        codes = tuple(self._code(number, ()) for number in range(shown))
        left = len(self) - shown
        cut = f"{left} more lines" if left else self._cut
        return ForeignCodes(CodeSource.PERF_MAP, codes, cut, notes=(f"from {self._path}",))

    def _code(self, number: int, notes: tuple[str, ...]) -> ForeignCode:
        place = self._names[number]
        end = self._data.find(b"\n", place, place + MAX_NAME)
        name = self._data[place : place + MAX_NAME if end < 0 else end]
        start, stop = self._bounds[number]
        symbol = CodeSpan(start, stop, name.decode("utf-8", "replace"))
        return ForeignCode(
            CodeSource.PERF_MAP,
            number + 1,
            CodeSpan(start, stop),
            symbol,
            notes,
            "line",
            "line",
        )


def _overlap(spans: list[tuple[int, int]]) -> bool:
    """Whether code of one line goes on where another's begins: then sizes are not that large.

    Memory that is used again for a line at the same place is no sign of it.
    """
    ends = dict(spans)
    starts = sorted(ends)
    return any(ends[one] > after for one, after in pairwise(starts))
