"""A text, whatever its size → its crashes, in the order in which they begin.

Line by line, with what is open of each log record's process; memory does not grow with the text. Of
two drafts that tell of one crash (libc's line and debuggerd's, an allocator's last words and the
signal, the same text quoted) one is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mtedbg.formats.texts import generic, ips
from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.joining import is_quoted_again, joins
from mtedbg.formats.texts.lines import Joiner, Line, Unwrapper
from mtedbg.formats.texts.writers import MARKS_IN_LONG, candidates
from mtedbg.model.absent import present
from mtedbg.model.crash_text import CrashText

_FOLLOWING = 2
"""Lines that a line without a record of its own may be behind the last of a crash with one."""
_QUOTING = ("abort message:", "abortmessage:", "extra crash detail", "message:")
"""How lines begin in which a writer quotes another."""
_FAR = 2048
"""Lines after which nothing is added to a crash any more."""
_PENDING = 30
"""Lines in which what may be a crash has to say so."""
RECENT = 64
"""Crashes that a later line may still belong to."""
BEGINNINGS = tuple(mark.encode() for mark in (*MARKS_IN_LONG, '"bug_type"'))
"""A stretch of bytes far from the beginning that has none of these begins no crash."""


class CrashReader:
    """Reads a text piece by piece."""

    def __init__(self) -> None:
        self._unwrap = Unwrapper()
        self._joiner = Joiner()
        self._number = 0
        self._open: dict[str, list[tuple[Draft, Writer]]] = {}
        self._closed = 0
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
        return (
            self._number > generic.SHORT
            and not self._open
            and self._report is None
            and not self._joiner.holds
        )

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
        if not self._strong and self._number <= generic.SHORT:
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
        self._close_old(line.number)
        streams = [line.stream]
        if not line.stream and self._latest and self._follows(line):
            streams.insert(0, self._latest)
        begun = self._beginning(line)
        for stream in streams:
            held = self._open.get(stream, [])
            if held and begun is not None and self._is_another(held, *begun, line):
                break
            for draft, writer in reversed(held):
                if self._goes_on(stream, draft, writer, line):
                    return
                if not draft.weak:
                    break
        if begun is None or not self._place(*begun, line):
            self._idle(line.stream)

    @staticmethod
    def _is_another(
        held: list[tuple[Draft, Writer]], draft: Draft, writer: Writer, line: Line
    ) -> bool:
        """Whether what begins at a line is not a line of what is open."""
        if any(one is writer for _, one in held):
            return False
        if draft.weak:
            return held[-1][1] is generic.WRITER
        return not line.text.lstrip().lower().startswith(_QUOTING)

    def _close_old(self, number: int) -> None:
        """Closes what nothing was added to for long, of every stream."""
        if number - self._closed < _FAR >> 2:
            return
        self._closed = number
        for stream, held in list(self._open.items()):
            if all(number - draft.last > _FAR for draft, _ in held):
                del self._open[stream]

    def _follows(self, line: Line) -> bool:
        """Whether a line without a record of its own may go on with the last that had one."""
        held = self._open.get(self._latest)
        return bool(held) and line.number - held[-1][0].last <= _FOLLOWING  # type: ignore[index]

    def _goes_on(self, stream: str, draft: Draft, writer: Writer, line: Line) -> bool:
        if line.depth != draft.depth and draft.idle >= _FOLLOWING:
            return False
        nameless = not present(draft.tid) and not present(draft.pid)
        if not writer.more(draft, line):
            return False
        if line.text.strip():
            draft.idle, draft.last, draft.depth = 0, line.number, line.depth
        self._latest = stream
        if draft.ended:
            self._open.pop(stream, None)
            return True
        if not draft.weak:
            self._open[stream] = [(draft, writer)]
        if nameless and (present(draft.tid) or present(draft.pid)):
            self._named(stream, draft, writer)
        return True

    def _named(self, stream: str, draft: Draft, writer: Writer) -> None:
        """Now that it is known whose crash it is: another writer may have told of it before."""
        for old in reversed(self._recent):
            if old is not draft and joins(old, draft, same_stream=False):
                self._recent.remove(draft)
                _join(old, draft)
                self._open[stream] = [(old, writer)]
                return

    @staticmethod
    def _beginning(line: Line) -> tuple[Draft, Writer] | None:
        """The crash that begins at `line`, or may, or the word of one that stands there."""
        words = line.number <= generic.SHORT
        for writer in candidates(line.text, words=words):
            draft = writer.start(line)
            if draft is not None and (words or writer is not generic.WRITER or not draft.weak):
                return draft, writer
        return None

    def _idle(self, stream: str) -> None:
        held = self._open.get(stream)
        if held is None:
            return
        kept = []
        for draft, writer in held:
            draft.idle += 1
            most = _PENDING if draft.weak and writer is not generic.WRITER else writer.keep
            if draft.idle <= most:
                kept.append((draft, writer))
        if kept:
            self._open[stream] = kept
        else:
            del self._open[stream]

    def _place(self, draft: Draft, writer: Writer, line: Line) -> bool:
        held = self._open.get(line.stream, [])
        beneath = [one for one in held if not one[0].weak]
        if draft.weak and writer is generic.WRITER and beneath:
            return False  # a word among another crash's lines tells nothing new
        for old in reversed(self._recent):
            beside = "" in (old.stream, line.stream) and line.number - old.last == 1
            same = beside or any(one[0] is old for one in held)
            if joins(old, draft, same_stream=same):
                _join(old, draft)
                self._open[line.stream] = [(old, writer)]
                self._latest = line.stream
                return True
        self._recent.append(draft)
        if draft.ended:
            self._open.pop(line.stream, None)
            return True
        self._open[line.stream] = [*(beneath[-1:] if draft.weak else ()), (draft, writer)]
        self._latest = line.stream
        return True

    def _settled(self, until: int | None) -> Iterator[CrashText]:
        """Those that are far behind, or all."""
        while self._recent and (until is None or len(self._recent) > RECENT):
            draft = self._recent.pop(0)
            for stream in [key for key, held in self._open.items() if held[-1][0] is draft]:
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
