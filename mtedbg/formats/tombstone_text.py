"""Android's tombstones in the form for people, whole: what the protobuf form has, from text.

Source: AOSP, debuggerd/libdebuggerd/tombstone_proto_to_text.cpp. Memory near registers is there in
words of 8 bytes, with the granule's tag in the top byte of each row's address; the absolute PC of a
frame is not, and comes from the mappings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mtedbg.dataclass import dataclass, field, replace
from mtedbg.errors import FileFormatError
from mtedbg.formats.siginfo import signal_info
from mtedbg.formats.texts import debuggerd as form
from mtedbg.formats.texts.draft import Draft, hexadecimal
from mtedbg.formats.texts.grammar import android_frame, registers, tag_row
from mtedbg.formats.texts.lines import Joiner, Unwrapper
from mtedbg.formats.tombstone import (
    MOST_CALLS,
    MOST_DUMPS,
    MOST_FRAMES,
    MOST_MAPPINGS,
    MOST_THREADS,
    Dump,
    Mapping,
    Tombstone,
    TombstoneThread,
)
from mtedbg.formats.tombstone_facts import (
    MOST_FILES,
    MOST_RECORDS,
    OpenFile,
    allocation,
    error_in_words,
    guest_calls,
    open_files,
    page_size,
    plain_facts,
    sender,
    stack_records,
)
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.crash_text import TextFrame
from mtedbg.model.pointer import GRANULE, strip
from mtedbg.model.process import SignalInfo
from mtedbg.model.recorded import RecordedCall, RecordedFact

_NOT_IN_TEXT = Absent(Reason.NOT_RECORDED, "the text has its place in the file")
_MEMORY = re.compile(r"^\s*memory near (\w{1,8})(?: \((.{0,512}?)\))?:\s*$")
_WORDS = re.compile(r"^\s{2,}([0-9a-f]{16})((?: [0-9a-f]{16}){1,2})  ")
_MAP = re.compile(
    r"^(?:--->|\s{4})([0-9a-f]{8}'?[0-9a-f]{8})-([0-9a-f]{8}'?[0-9a-f]{8}) ([r-][w-][x-])"
    r"\s{1,16}([0-9a-f]{1,16})\s{1,16}([0-9a-f]{1,16})(?:  (\S.{0,1024}?))?"
    r"(?: \(BuildId: ([0-9a-f]{1,64})\))?(?: \(load bias 0x([0-9a-f]{1,16})\))?\s*$"
)
_GUEST = re.compile(r"^\s*Guest thread information for tid: (\d{1,10})")
_FD = re.compile(
    r"^\s{2,}fd (-?\d{1,10}): (.{0,4096}?)"
    r"(?: \((?:unowned|owned by (\S.{0,62}?) 0x([0-9a-f]{1,16}))\))?\s*$"
)
_NOTE = re.compile(r"^\s*NOTE: (.{1,512})$")
_OFFSET = re.compile(r"\(offset 0x([0-9a-f]{1,16})\)")
_KEYS = re.compile(r"pac_enabled_keys: ([0-9a-f]{1,16})(?: \((.{1,256}?)\))?")
_LOG = re.compile(r"^-{5,} (?:tail end of )?log ")


@dataclass
class _Thread:
    """A thread while it is read; `offsets` are those of its frames' files in their mappings."""

    tid: int
    name: str
    control: int | None = None
    registers: dict[str, int] = field(default_factory=dict)
    frames: list[tuple[TextFrame, int]] = field(default_factory=list)


@dataclass
class _Cause:
    words: str
    stacks: list[tuple[str, int, list[tuple[TextFrame, int]]]] = field(default_factory=list)


class _Reading:
    """A tombstone while its lines are read."""

    def __init__(self) -> None:
        self.threads: list[_Thread] = []
        self.guests: list[_Thread] = []
        self.causes: list[_Cause] = []
        self.maps: list[tuple[Mapping, int]] = []
        self.memory: list[tuple[int, bytearray, bytearray]] = []
        self.tags: list[tuple[int, bytes]] = []
        self.told: dict[str, str] = {}
        self.details: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.records: list[tuple[int, int, RecordedCall]] = []
        self.keys = ""
        self.abort: list[str] = []
        self.signal: re.Match[str] | None = None
        self.pid: int | None = None
        self.open = 0
        self.files: list[OpenFile] = []
        self.calls = 0
        self.section = ""
        self.frames: list[tuple[TextFrame, int]] | None = None

    def line(self, text: str) -> None:
        """Takes one line."""
        if self.section == "abort" and not text.rstrip().endswith("'"):
            if len(self.abort) < 256:
                self.abort.append(text)
            return
        if self.section == "abort":
            self.abort.append(text.rstrip()[:-1])
            self.section = ""
            return
        if _LOG.match(text):
            self.section = "log"
        elif found := form.PID.search(text):
            self._process(found)
        elif found := _GUEST.match(text):
            self._guest(int(found[1]))
        elif self.section != "log":
            self._of_process(text) or self._of_thread(text)

    def _process(self, found: re.Match[str]) -> None:
        pid, tid = int(found[1]), int(found[2])
        if self.pid is None:
            self.pid = pid
            self.told.setdefault("name", found[4].strip())
        self.section, self.frames = "", None
        if len(self.threads) < MOST_THREADS:
            self.threads.append(_Thread(tid, (found[3] or "").strip()))

    def _guest(self, tid: int) -> None:
        self.section, self.frames = "guest", None
        if len(self.guests) < MOST_THREADS:
            self.guests.append(_Thread(tid, ""))

    def _of_process(self, text: str) -> bool:
        """Lines about the process; whether it was one."""
        if self.signal is None and (found := form.SIGNAL.search(text)):
            self.signal = found
        elif found := form.CAUSE.match(text):
            if len(self.causes) < 16:
                self.causes.append(_Cause(found[1].strip()))
            self.frames = None
        elif text.lstrip().startswith("Abort message: '"):
            said = text.lstrip().removeprefix("Abort message: '")
            ended = said.rstrip().endswith("'")
            self.abort = [said.rstrip()[:-1] if ended else said]
            self.section = "" if ended else "abort"
        elif found := form.DETAIL.match(text):
            self.details.append((found[1], found[2]))
        elif found := form.RECORD.search(text):
            if len(self.records) < MOST_RECORDS:
                call = RecordedCall(
                    _NOT_IN_TEXT, "", 0, found[3], int(found[4], 16), found[5] or ""
                )
                self.records.append((int(found[1], 16), int(found[2], 16), call))
        elif found := form.STACK.match(text):
            self._stack(found)
        elif found := _KEYS.search(text):
            if len(self.threads) <= 1:
                self.keys = found[2] or ""
        else:
            return self._told(text)
        return True

    def _stack(self, found: re.Match[str]) -> None:
        if not self.causes:
            self.causes.append(_Cause(""))
        frames: list[tuple[TextFrame, int]] = []
        about = "freed" if found[1] else "allocated"
        if len(self.causes[-1].stacks) < 8:
            self.causes[-1].stacks.append((about, int(found[2]), frames))
        self.frames = frames

    def _told(self, text: str) -> bool:
        for about, pattern in form._PLAIN_FACTS:
            if about not in ("memory", "pac keys") and (found := pattern.search(text)):
                if found[1]:
                    self.told.setdefault(about, found[1].strip())
                return True
        if "Has been in 16kb mode: yes" in text:
            self.told["was 16k"] = "yes"
            return True
        return False

    def _of_thread(self, text: str) -> bool:
        """Lines of lists; whether it was one."""
        if found := form.CONTROL.search(text):
            if self.threads:
                self.threads[-1].control = int(found[1], 16)
            return True
        if frame := android_frame(text):
            self._frame(frame, text)
        elif found := _MEMORY.match(text):
            self.section, self.frames = "memory", None
            if len(self.memory) < MOST_DUMPS and len(self.threads) == 1:
                self.memory.append((-1, bytearray(), bytearray()))
            else:
                self.section = "memory of others"
        elif self.section == "memory" and (found := _WORDS.match(text)):
            self._memory_row(int(found[1], 16), found[2])
        elif found := _MAP.match(text):
            self._map(found)
        elif found := _FD.match(text):
            self.open += 1
            if len(self.files) < MOST_FILES:
                tag = int(found[4] or "0", 16)
                self.files.append(OpenFile(int(found[1]), found[2], found[3] or "", tag))
        elif row := tag_row(text):
            if len(self.tags) < 256:
                self.tags.append((row.start, row.tags))
        elif found := _NOTE.match(text):
            if len(self.threads) <= 1 and len(self.notes) < 64:
                self.notes.append(found[1])
        elif text.strip() == "backtrace:":
            self.frames = None
        elif not self.section.startswith("memory") and self.frames is None:
            self._registers(text)
        return True

    def _registers(self, text: str) -> None:
        thread = self._current()
        if thread is None:
            return
        draft = Draft("")
        registers(draft, text)
        for name, value in draft.registers.items():
            if name not in ("esr", "far"):
                thread.registers.setdefault(name, value)

    def _current(self) -> _Thread | None:
        if self.section == "guest":
            return self.guests[-1] if self.guests else None
        return self.threads[-1] if self.threads else None

    def _frame(self, frame: TextFrame, text: str) -> None:
        target = self.frames
        if target is None:
            thread = self._current()
            if thread is None:
                return
            target = thread.frames
        if len(target) < MOST_FRAMES and self.calls < MOST_CALLS:
            self.calls += 1
            found = _OFFSET.search(text)
            target.append((frame, int(found[1], 16) if found else 0))

    def _memory_row(self, at: int, words: str) -> None:
        start, memory, tags = self.memory[-1]
        address, tag = strip(at), at >> 56 & 0xF
        if start < 0:
            self.memory[-1] = (address, memory, tags)
        elif address != start + len(memory):
            return
        for word in words.split():
            memory += int(word, 16).to_bytes(8, "little")
        tags.append(tag)

    def _map(self, found: re.Match[str]) -> None:
        start, end = hexadecimal(found[1]), hexadecimal(found[2])
        self.section = "maps"
        if start is None or end is None or len(self.maps) >= MOST_MAPPINGS or start > end:
            return
        mapping = Mapping(
            start, end + 1, int(found[4], 16), found[3], found[6] or "", found[7] or ""
        )
        bias = int(found[8], 16) if found[8] else 0
        if not self.maps or start >= self.maps[-1][0].end:
            self.maps.append((mapping, bias))


def from_text(text: str, name: str) -> Tombstone:
    """A tombstone in its form for people, with or without what a log puts before its lines.

    Raises:
        FileFormatError: no process and no signal is in it, or it is of another machine.
    """
    reading, unwrap, joiner = _Reading(), Unwrapper(), Joiner()
    for number, raw in enumerate(text.splitlines(), 1):
        for line in joiner.take(unwrap.line(number, raw)):
            reading.line(line.text)
    for line in joiner.end():
        reading.line(line.text)
    if reading.signal is None and not reading.threads:
        raise FileFormatError(f"{name} has no process that died", "mtedbg explain reads any text")
    if (abi := reading.told.get("abi", "arm64")) != "arm64":
        raise FileFormatError(f"{name} is a tombstone of {abi}, not of AArch64", "")
    return _made(reading)


def _made(reading: _Reading) -> Tombstone:
    data = bytearray()
    dumps = tuple(_dumps(reading, data))
    threads = tuple(_thread(one, reading.maps) for one in reading.threads)
    absent = Absent(Reason.NOT_RECORDED, "not in this text")
    return Tombstone(
        bytes(data),
        absent if reading.pid is None else reading.pid,
        reading.told.get("name", ""),
        reading.told.get("time", ""),
        _signal(reading),
        threads or (TombstoneThread(0, "", {}, (), None),),
        tuple(mapping for mapping, _ in reading.maps),
        dumps,
        tuple(_facts(reading)),
    )


def _signal(reading: _Reading) -> SignalInfo | Absent:
    found = reading.signal
    if found is None:
        return Absent(Reason.NOT_RECORDED)
    address = hexadecimal(found[7]) if found[7] and not found[7].startswith("-") else None
    info = signal_info(int(found[1]), int(found[3]), address or 0)
    if address is None and not isinstance(info.address, Absent):
        return replace(info, address=Absent(Reason.NOT_RECORDED))
    return info


def _thread(one: _Thread, maps: list[tuple[Mapping, int]]) -> TombstoneThread:
    calls = []
    for level, (frame, offset) in enumerate(one.frames):
        pc = one.registers.get("pc") if level == 0 else None
        calls.append(_call(frame, offset, maps, pc))
    return TombstoneThread(one.tid, one.name, one.registers, tuple(calls), one.control)


def _call(
    frame: TextFrame, offset: int, maps: list[tuple[Mapping, int]], pc: int | None = None
) -> RecordedCall:
    place = frame.file_offset if isinstance(frame.file_offset, int) else 0
    into = frame.function_offset if isinstance(frame.function_offset, int) else 0
    where: int | Absent = _NOT_IN_TEXT if pc is None else strip(pc)
    if pc is None:
        where = _absolute(frame.file, place, offset, maps)
    return RecordedCall(where, frame.function, into, frame.file, place, frame.build_id)


def _absolute(file: str, place: int, offset: int, maps: list[tuple[Mapping, int]]) -> int | Absent:
    """Where a place of a file lies, by the only mapping that can hold it."""
    found = [
        pc
        for one, bias in maps
        if one.name == file and "x" in one.perms
        and one.start <= (pc := place - bias + one.start - one.offset + offset) < one.end
    ]  # fmt: skip
    return found[0] if len(found) == 1 else _NOT_IN_TEXT


def _dumps(reading: _Reading, data: bytearray) -> Iterator[Dump]:
    for start, memory, tags in reading.memory:
        if start < 0:
            continue
        first = len(data)
        data += memory
        middle = len(data)
        if any(tags):
            data += tags
        yield Dump(start, (first, middle), (middle, len(data)))
    for start, row in reading.tags:
        first = len(data)
        data += row
        if start % GRANULE == 0:
            yield Dump(strip(start), (0, 0), (first, len(data)))


def _facts(reading: _Reading) -> Iterator[RecordedFact]:
    for cause in reading.causes:
        if cause.words:
            yield RecordedFact("cause", cause.words)
            error = error_in_words(cause.words)
            if error is not None:
                yield error
        for about, tid, frames in sorted(cause.stacks, key=lambda stack: stack[0]):
            chain = tuple(_call(frame, offset, reading.maps) for frame, offset in frames)
            yield allocation(about, tid, chain)
    if reading.abort:
        yield RecordedFact("abort message", "\n".join(reading.abort))
    if reading.signal is not None and reading.signal[8]:
        yield RecordedFact("access", "store" if reading.signal[8] == "write" else "load")
    for name, text in reading.details:
        yield RecordedFact(f"detail {name}", text)
    if reading.signal is not None and reading.signal[5]:
        yield sender(int(reading.signal[5]), int(reading.signal[6]))
    if reading.keys:
        yield RecordedFact("pac keys", reading.keys)
    for text in reading.notes:
        yield RecordedFact("note", text)
    guilty = reading.threads[0].tid if reading.threads else 0
    for guest in reading.guests:
        if guest.tid == guilty:
            chain = tuple(_call(frame, offset, reading.maps) for frame, offset in guest.frames)
            yield guest_calls(guilty, chain)
    yield from stack_records(iter(reading.records))
    told = dict(reading.told)
    size = int(told.get("page size", "0").split(" ")[0] or 0)
    told["page size"] = page_size(size, was_16k="was 16k" in told)
    told["guest"] = told.get("guest abi", "")
    told["process"] = told.get("command line", told.get("name", ""))
    told["user"] = told.get("uid", "")
    yield from plain_facts(told)
    yield from open_files(reading.files, reading.open, "\n".join(reading.abort))
