"""perf's jitdump file of a process: the code that a JIT made, with its bytes, lines and unwinding.

Source: Linux, tools/perf/Documentation/jitdump-specification.txt: a header, then records {id u32,
size u32, time u64} of loads, moves, lines (which come before the load that they are of) and
unwinding information (likewise).
"""

from __future__ import annotations

import struct
from bisect import bisect_right

from mtedbg.dataclass import dataclass, replace
from mtedbg.errors import FileFormatError
from mtedbg.formats.spans import Spans
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine

MAX_BYTES = 1 << 30
MAX_RECORDS = 1 << 22
MAX_NAME = 4096
MOST = 1 << 16
"""Pieces of code that are listed at most."""

_MAGIC = 0x4A695444
_VERSION = 1
_HEADER = struct.Struct("<IIIIIIQQ")
_RECORD = struct.Struct("<IIQ")
_LOAD, _MOVE, _DEBUG, _CLOSE, _UNWIND = 0, 1, 2, 3, 4
_LOADED = struct.Struct("<IIQQQQ")
_MOVED = struct.Struct("<IIQQQQQ")
_LINES = struct.Struct("<QQ")
_LINE = struct.Struct("<QII")
_UNWINDING = struct.Struct("<QQQ")
_MOST_KEPT = 1 << 8
"""Records of lines that are kept once they were read."""
_SAME_FILE = b"\xff"
_SPACE = 1 << 56


@dataclass(frozen=True, slots=True)
class Loaded:
    """One piece of code.

    Attributes:
        start: where it is.
        end: one past its last address.
        name: as the JIT calls it.
        index: by which the JIT counts it.
        code: where its bytes are in the file.
        lines: where the record of its lines is in the file; 0 where there is none.
        unwinding: place and size of its .eh_frame with the .eh_frame_hdr behind it, and the size of
            the latter.
        made_at: where it was when its lines were recorded.
    """

    start: int
    end: int
    name: str
    index: int
    code: int
    lines: int = 0
    unwinding: tuple[int, int, int] | None = None
    made_at: int = 0


class JitDump:
    """A file, read whole.

    Args:
        data: its bytes.
        path: of the file, for notes.

    Raises:
        FileFormatError: it is none.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self._data = data
        self._path = path
        if len(data) < _HEADER.size:
            raise FileFormatError(f"{path} is too short for a jitdump file")
        magic, version, size, _, _, self.pid, _, _ = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise FileFormatError(f"{path} is not a jitdump file of a little-endian machine")
        if version != _VERSION:
            raise FileFormatError(f"{path} is a jitdump file of version {version}, not {_VERSION}")
        self._found: list[Loaded] = []
        self._cut = ""
        self._lines: dict[int, list[tuple[int, int, str]]] = {}
        self._read(max(size, _HEADER.size))
        self._spans = Spans([(one.start, one.end) for one in self._found])

    def __len__(self) -> int:
        return len(self._found)

    def _read(self, at: int) -> None:
        lines, unwinding, by_index = 0, None, dict[int, int]()
        for _ in range(MAX_RECORDS):
            left = len(self._data) - at
            if left <= 0:
                return
            whole = left >= _RECORD.size
            kind, size, _ = _RECORD.unpack_from(self._data, at) if whole else (_CLOSE, 0, 0)
            if not _RECORD.size <= size <= left:
                self._cut = f"{self._path} ends within a record"
                return
            body, end = at + _RECORD.size, at + size
            if kind == _LOAD:
                one = self._loaded(body, end)
                if one is not None:
                    by_index[one.index] = len(self._found)
                    self._found.append(replace(one, lines=lines, unwinding=unwinding))
                lines, unwinding = 0, None
            elif kind == _MOVE and body + _MOVED.size <= end:
                _, _, _, _, new, length, index = _MOVED.unpack_from(self._data, body)
                moved = by_index.get(index)
                if moved is not None and length and new + length <= _SPACE:
                    old = self._found[moved]
                    by_index[index] = len(self._found)
                    self._found.append(replace(old, start=new, end=new + length))
            elif kind == _DEBUG:
                lines = body
            elif kind == _UNWIND and body + _UNWINDING.size <= end:
                total, header, _ = _UNWINDING.unpack_from(self._data, body)
                start = body + _UNWINDING.size
                if header <= total and start + total <= end:
                    unwinding = (start, total, header)
            elif kind == _CLOSE:
                return
            at = end
        self._cut = f"only its first {MAX_RECORDS} records were read"

    def _loaded(self, body: int, end: int) -> Loaded | None:
        if body + _LOADED.size > end:
            return None
        _, _, _, start, size, index = _LOADED.unpack_from(self._data, body)
        place = body + _LOADED.size
        stop = self._data.find(b"\0", place, min(end, place + MAX_NAME))
        if stop < 0 or not size or start + size > _SPACE:
            return None
        name = self._data[place:stop].decode("utf-8", "replace")
        return Loaded(start, start + size, name, index, stop + 1, made_at=start)

    def loaded_at(self, pc: int) -> Loaded | None:
        """The code that holds `pc`: of several pieces the last."""
        number = self._spans.at(pc)
        return None if number is None else self._found[number]

    def at(self, pc: int) -> ForeignCode:
        """What holds `pc`; where nothing does, and the file is cut, that is not known."""
        number = self._spans.at(pc)
        cut = (self._cut,) if self._cut else ()
        notes = (f"from {self._path}", *cut)
        if number is None:
            block = Absent(Reason.UNKNOWN, self._cut) if self._cut else NOT_APPLICABLE
            return ForeignCode(CodeSource.JITDUMP, block=block, notes=notes[:1])
        return self._code(number, pc, notes)

    def listed(self) -> ForeignCodes:
        """Its pieces of code, at most `MOST`."""
        shown = min(len(self._found), MOST)
        codes = tuple(self._code(number, self._found[number].start, ()) for number in range(shown))
        left = len(self._found) - shown
        cut = f"{left} more pieces" if left else self._cut
        return ForeignCodes(CodeSource.JITDUMP, codes, cut, notes=(f"from {self._path}",))

    def _code(self, number: int, pc: int, notes: tuple[str, ...]) -> ForeignCode:
        one = self._found[number]
        line = self._line(one, pc)
        return ForeignCode(
            CodeSource.JITDUMP,
            one.index,
            CodeSpan(one.start, one.end),
            CodeSpan(one.start, one.end, one.name),
            notes,
            "code",
            "code",
            line=NOT_APPLICABLE if line is None else line,
        )

    def code(self, one: Loaded) -> bytes:
        """The bytes of a piece of code as they were when it was made; may be cut off."""
        return self._data[one.code : one.code + one.end - one.start]

    def unwinding(self, one: Loaded) -> tuple[int, bytes] | None:
        """Its .eh_frame, and the address that it is relative to: perf puts it behind the code."""
        if one.unwinding is None:
            return None
        start, total, header = one.unwinding
        behind = (one.made_at + one.end - one.start + 7) // 8 * 8
        return behind + one.start - one.made_at, self._data[start : start + total - header]

    def _line(self, one: Loaded, pc: int) -> SourceLine | None:
        """The line whose code begins last before `pc`."""
        if not one.lines:
            return None
        if one.lines not in self._lines:  # what has moved shares its lines
            if len(self._lines) >= _MOST_KEPT:
                self._lines.clear()
            self._lines[one.lines] = self._lines_at(one.lines)
        places = self._lines[one.lines]
        made = pc - one.start + one.made_at
        index = bisect_right(places, made, key=lambda place: place[0]) - 1
        return SourceLine(places[index][2], places[index][1]) if index >= 0 else None

    def _lines_at(self, record: int) -> list[tuple[int, int, str]]:
        """Address, line and file, in order of address, of the lines' record at this place."""
        if record + _LINES.size > len(self._data):
            return []
        _, count = _LINES.unpack_from(self._data, record)
        at, file = record + _LINES.size, ""
        places: list[tuple[int, int, str]] = []
        for _ in range(min(count, MAX_RECORDS)):
            if at + _LINE.size > len(self._data):
                break
            address, number, _ = _LINE.unpack_from(self._data, at)
            at += _LINE.size
            stop = self._data.find(b"\0", at, at + MAX_NAME)
            if stop < 0:
                break
            if self._data[at:stop] != _SAME_FILE:
                file = self._data[at:stop].decode("utf-8", "replace")
            places.append((address, number, file))
            at = stop + 1
        places.sort(key=lambda place: place[0])
        return places
