"""A text, whatever its size → its crashes, in the order in which they begin.

Line by line, with what is open of each log record's process; memory does not grow with the text. Of
two drafts that tell of one crash (libc's line and debuggerd's, an allocator's last words and the
signal, the same text quoted) one is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mtedbg.formats.texts import ips
from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.generic import SHORT
from mtedbg.formats.texts.joining import is_quoted_again, joins
from mtedbg.formats.texts.lines import Joiner, Line, Unwrapper
from mtedbg.formats.texts.writers import MARKS, WRITERS
from mtedbg.model.absent import present
from mtedbg.model.crash_text import CrashText

_FOLLOWING = 2
"""Lines that a line without a record of its own may be behind the last of a crash with one."""
RECENT = 64
"""Crashes that a later line may still belong to."""
BEGINNINGS = tuple(mark.encode() for mark in (*MARKS, '"bug_type"'))
"""A stretch of bytes that has none of these begins no crash."""


class CrashReader:
    """Reads a text piece by piece."""

    def __init__(self) -> None:
        self._unwrap = Unwrapper()
        self._joiner = Joiner()
        self._number = 0
        self._open: dict[str, tuple[Draft, Writer]] = {}
        self._recent: list[Draft] = []
        self._weak: list[Draft] = []
        self._strong = False
        self._report: list[str] | None = None
        self._report_size = 0
        self._report_line = 0
        self._latest = ""
        self._last: list[Draft] = []

    @property
    def idle(self) -> bool:
        """Whether nothing is open: a stretch without any mark may be passed over."""
        return not self._open and self._report is None and not self._joiner.holds

    def pass_over(self, lines: int) -> Iterator[CrashText]:
        """Counts lines that have no mark."""
        self._number += lines
        yield from self._settled(self._number)

    def feed(self, raws: Iterable[str]) -> Iterator[CrashText]:
        """Takes whole lines; gives the crashes to which nothing can be added any more."""
        for unwrapped in self._lines(raws):
            for line in self._joiner.take(unwrapped):
                self._take(line)
            if len(self._recent) > RECENT:
                yield from self._settled(self._number)

    def end(self) -> Iterator[CrashText]:
        """The rest of the crashes."""
        self._end_report()
        for line in self._joiner.end():
            self._take(line)
        self._open.clear()
        yield from self._settled(None)
        if not self._strong and self._number <= SHORT:
            kept = [one for one in self._weak if one.signal_as or one.code_as or _tells(one)]
            for draft in _merged(kept):
                yield draft.done()

    def _lines(self, raws: Iterable[str]) -> Iterator[Line]:
        for raw in raws:
            self._number += 1
            if self._report is not None:
                self._collect(raw)
                continue
            if ('"bug_type"' in raw and ips.begins(raw)) or (
                self._number == 1 and raw.strip() == "{"
            ):
                self._report, self._report_size = ([raw] if raw.strip() == "{" else []), 0
                self._report_line = self._number
                continue
            yield self._unwrap.line(self._number, raw)

    def _collect(self, raw: str) -> None:
        assert self._report is not None
        self._report.append(raw)
        self._report_size += len(raw)
        whole = raw.rstrip() == "}" or (len(self._report) == 1 and raw.rstrip().endswith("}"))
        if whole or self._report_size > ips.MOST_BYTES:
            self._end_report()

    def _end_report(self) -> None:
        if self._report is None:
            return
        body, self._report = "\n".join(self._report), None
        draft = ips.parse(self._report_line, body)
        if draft is not None:
            self._recent.append(draft)

    def _take(self, line: Line) -> None:
        stream = line.stream
        if not stream and stream not in self._open and self._follows(line):
            stream = self._latest
        held = self._open.get(stream)
        if held is not None and self._goes_on(stream, *held, line):
            return
        self._begin(line)

    def _follows(self, line: Line) -> bool:
        """Whether a line without a record of its own may go on with the last that had one."""
        held = self._open.get(self._latest)
        return held is not None and line.number - held[0].last <= _FOLLOWING

    def _goes_on(self, stream: str, draft: Draft, writer: Writer, line: Line) -> bool:
        if line.depth != draft.depth and draft.idle >= _FOLLOWING:
            return False
        nameless = not present(draft.tid) and not present(draft.pid)
        if not writer.more(draft, line):
            return False
        draft.idle, draft.last, draft.depth = 0, line.number, line.depth
        self._latest = stream
        if draft.ended:
            del self._open[stream]
        elif nameless and (present(draft.tid) or present(draft.pid)):
            self._named(stream, draft, writer)
        return True

    def _named(self, stream: str, draft: Draft, writer: Writer) -> None:
        """Now that it is known whose crash it is: another writer may have told of it before."""
        for old in reversed(self._recent):
            if old is not draft and joins(old, draft, same_stream=False):
                self._recent.remove(draft)
                _join(old, draft)
                self._open[stream] = (old, writer)
                return

    def _begin(self, line: Line) -> None:
        text = line.text
        for writer in WRITERS:
            if not any(mark in text for mark in writer.marks):
                continue
            draft = writer.start(line)
            if draft is None:
                continue
            self._place(draft, writer, line)
            return
        held = self._open.get(line.stream)
        if held is not None:
            held[0].idle += 1
            if held[0].idle > held[1].keep:
                del self._open[line.stream]

    def _place(self, draft: Draft, writer: Writer, line: Line) -> None:
        held = self._open.get(line.stream)
        if draft.weak and held is not None and not held[0].weak:
            return  # a word among another crash's lines tells nothing new
        for old in reversed(self._recent):
            beside = "" in (old.stream, line.stream) and line.number - old.last == 1
            if joins(old, draft, same_stream=beside or (held is not None and held[0] is old)):
                _join(old, draft)
                self._open[line.stream] = (old, writer)
                self._latest = line.stream
                return
        self._recent.append(draft)
        if draft.ended:
            self._open.pop(line.stream, None)
        else:
            self._open[line.stream] = (draft, writer)
            self._latest = line.stream

    def _settled(self, until: int | None) -> Iterator[CrashText]:
        """Those that are far behind, or all."""
        while self._recent and (until is None or len(self._recent) > RECENT):
            draft = self._recent.pop(0)
            for stream in [key for key, (one, _) in self._open.items() if one is draft]:
                del self._open[stream]
            if draft.dropped or any(is_quoted_again(one, draft) for one in self._last):
                continue
            if draft.weak:
                if len(self._weak) < RECENT:
                    self._weak.append(draft)
                continue
            self._strong = True
            self._last.append(draft)
            del self._last[:-RECENT]
            yield draft.done()


def _join(old: Draft, new: Draft) -> None:
    """Makes `old` go on where `new` is."""
    old.take(new)
    old.seen |= new.seen
    old.section, old.idle, old.last = new.section, 0, max(old.last, new.last)
    old.ended = new.ended


def _tells(draft: Draft) -> bool:
    return bool(draft.causes or draft.message)


def _merged(drafts: list[Draft]) -> list[Draft]:
    """Words of one short text are of one crash, unless they contradict each other."""
    made: list[Draft] = []
    for draft in drafts:
        if made and joins(made[-1], draft, same_stream=True):
            made[-1].take(draft)
        else:
            made.append(draft)
    return made
