"""A crash while its lines are read."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.dataclass import dataclass, field
from mtedbg.formats.siginfo import code_name, code_number, signal_name, signal_number
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import Absent, present
from mtedbg.model.crash_text import (
    NOT_IN_TEXT,
    CrashText,
    Syndrome,
    TagRow,
    TextCause,
    TextFrame,
    TextStack,
)
from mtedbg.model.fault import FaultKind

MOST_FRAMES, MOST_REGISTERS, MOST_CAUSES, MOST_STACKS = 256, 128, 16, 8
MOST_ROWS, MOST_FACTS, MOST_NOTES = 64, 64, 16
_LONGEST_WORD = 1024


@dataclass
class Draft:
    """What is known of one crash so far; the attributes are those of `CrashText`.

    Attributes:
        writer: who began it.
        rank: how much its words are worth where two writers tell of one crash: the highest names
            it.
        stream: whose lines began it.
        section: where in its text the writer is.
        joinable: whether another writer may tell of the same crash.
        weak: whether it counts only where nothing else in the text is a crash.
        idle: lines since the last that belonged to it.
        last: number of that line.
        depth: how deep the text is quoted.
        seen: which of its lines were read, for writers that have each but once.
    """

    writer: str
    rank: int = 0
    line: int = 1
    time: str = ""
    stream: str = ""
    section: str = ""
    joinable: bool = True
    weak: bool = False
    idle: int = 0
    last: int = 0
    depth: int = 0
    ended: bool = False
    dropped: bool = False
    signal: int | Absent = NOT_IN_TEXT
    signal_as: str = ""
    code: int | Absent = NOT_IN_TEXT
    code_as: str = ""
    tag_check: FaultKind | Absent | None = NOT_IN_TEXT
    software: bool = False
    in_kernel: bool = False
    tag_bits: int = 4
    address: int | Absent = NOT_IN_TEXT
    logical_tag: int | Absent = NOT_IN_TEXT
    allocation_tag: int | Absent = NOT_IN_TEXT
    access: str = ""
    size: int | Absent = NOT_IN_TEXT
    syndrome: Syndrome | Absent = NOT_IN_TEXT
    check_mode: str = ""
    control: int | Absent = NOT_IN_TEXT
    pid: int | Absent = NOT_IN_TEXT
    tid: int | Absent = NOT_IN_TEXT
    log_pid: int | None = None
    thread: str = ""
    process: str = ""
    message: str = ""
    killed: bool = True
    causes: list[tuple[str, list[tuple[str, list[TextFrame]]]]] = field(default_factory=list)
    frames: list[TextFrame] = field(default_factory=list)
    registers: dict[str, int] = field(default_factory=dict)
    tags: list[TagRow] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @classmethod
    def at(cls, line: Line, writer: str, **more: object) -> Draft:
        """A crash that begins at `line`."""
        made = cls(writer=writer, **more)  # type: ignore[arg-type]
        made.line, made.time, made.last, made.depth = (
            line.number,
            line.time,
            line.number,
            line.depth,
        )
        made.log_pid, made.stream = line.pid, line.stream
        return made

    def raised(self, number: str | int | None, name: str = "") -> None:
        """The signal, by number or name; what is there stays."""
        if present(self.signal):
            return
        by_name = signal_number(name.strip()) if name else None
        value = int(number) if number not in (None, "") else by_name
        if value is None:
            self.signal_as = self.signal_as or (name if name.startswith("SIG") else "")
            return
        self.signal = value
        self.signal_as = name.strip()
        if by_name is not None and by_name != value:
            self.note(f"signal {value} is {signal_name(value)}, and not {name.strip()} as it says")

    def coded(self, number: str | int | None, name: str = "") -> None:
        """The si_code, by number or name; what is there stays."""
        if present(self.code):
            return
        name = name.strip()
        by_name = code_number(name) if name else None
        value = int(number) if number not in (None, "") else by_name
        if by_name is not None and not present(self.signal) and "_" in name:
            self.raised(None, f"SIG{name.split('_', 1)[0]}")
        if value is None:
            return
        self.code, self.code_as = value, name
        if isinstance(self.signal, int) and by_name is not None and by_name != value:
            real = code_name(self.signal, value)
            self.note(f"code {value} is {real}, and not {name} as it says")

    def at_address(self, text: str) -> None:
        """The fault address, hexadecimal; `--------` of faults that have none."""
        if not present(self.address) and (value := hexadecimal(text)) is not None:
            self.address = value

    def note(self, text: str) -> None:
        """A remark, once."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def fact(self, about: str, text: str | None) -> None:
        """Another thing that is told, the first of its name."""
        if text and len(self.facts) < MOST_FACTS and all(name != about for name, _ in self.facts):
            self.facts.append((about, text.strip()[:_LONGEST_WORD]))

    def told(self, about: str) -> str:
        """What was told of that; empty where nothing."""
        return next((text for name, text in self.facts if name == about), "")

    def cause(self, words: str) -> None:
        """A cause, once."""
        words = words.strip()[:_LONGEST_WORD]
        if words and len(self.causes) < MOST_CAUSES and all(one[0] != words for one in self.causes):
            self.causes.append((words, []))

    def stack(self, about: str) -> None:
        """The backtrace that follows belongs to the last cause."""
        if not self.causes:
            self.causes.append(("", []))
        stacks = self.causes[-1][1]
        if len(stacks) < MOST_STACKS:
            stacks.append((about, []))
        self.section = "stack"

    def frame(self, frame: TextFrame) -> None:
        """One more level of the backtrace that is being read."""
        if self.section == "stack" and self.causes and self.causes[-1][1]:
            frames = self.causes[-1][1][-1][1]
        else:
            frames = self.frames
        if len(frames) < MOST_FRAMES:
            frames.append(frame)

    def register(self, name: str, value: int) -> None:
        """The value of a register, the first of its name."""
        if len(self.registers) < MOST_REGISTERS:
            self.registers.setdefault(name, value)

    def row(self, row: TagRow) -> None:
        """A row of the tag map."""
        if len(self.tags) < MOST_ROWS and all(one.start != row.start for one in self.tags):
            self.tags.append(row)
            if row.here is not None and not present(self.allocation_tag):
                self.allocation_tag = row.tags[row.here]

    def said(self, words: str) -> None:
        """The process's own last words."""
        self.message = self.message or words.strip()[:_LONGEST_WORD]

    def take(self, other: Draft) -> None:
        """What another writer tells of the same crash: it fills what is not known yet."""
        if other.rank > self.rank:
            self.writer, self.rank = other.writer, other.rank
        for name in (
            "signal", "code", "address", "logical_tag", "allocation_tag", "size", "syndrome",
            "control", "pid", "tid",
        ):  # fmt: skip
            if not present(getattr(self, name)):
                setattr(self, name, getattr(other, name))
        if self.tag_check is NOT_IN_TEXT:
            self.tag_check = other.tag_check
        for name in ("signal_as", "code_as", "access", "check_mode", "thread", "message", "time"):
            setattr(self, name, getattr(self, name) or getattr(other, name))
        self.process = max(self.process, other.process, key=len)
        self.tag_bits = max(self.tag_bits, other.tag_bits)
        self.software, self.in_kernel = (
            self.software or other.software,
            (self.in_kernel or other.in_kernel),
        )
        self.killed = self.killed and other.killed
        self.weak = self.weak and other.weak
        self.causes = self.causes or other.causes
        self.frames = self.frames or other.frames
        self.tags = self.tags or other.tags
        for register, value in other.registers.items():
            self.register(register, value)
        for about, text in other.facts:
            self.fact(about, text)
        for text in other.notes:
            self.note(text)

    def done(self) -> CrashText:
        """All of it, frozen."""
        signal_as, code_as = self.signal_as, self.code_as
        if isinstance(self.signal, int):
            signal_as = signal_name(self.signal)
            if isinstance(self.code, int):
                code_as = code_name(self.signal, self.code)
        causes = tuple(
            TextCause(words, tuple(TextStack(about, tuple(frames)) for about, frames in stacks))
            for words, stacks in self.causes
        )
        return CrashText(
            self.writer, self.line, self.time, self.signal, signal_as, self.code, code_as,
            self.tag_check, self.software, self.in_kernel, self.tag_bits, self.address,
            self.logical_tag, self.allocation_tag, self.access, self.size, self.syndrome,
            self.check_mode, self.control, self.pid, self.tid, self.thread, self.process, causes,
            self.message, tuple(self.frames), dict(self.registers), tuple(self.tags),
            tuple(self.facts), self.killed, tuple(self.notes),
        )  # fmt: skip


def hexadecimal(text: str | None) -> int | None:
    """The value of up to 64 bits, with or without 0x; None for anything else."""
    if not text:
        return None
    text = text.strip().lower().removeprefix("0x").lstrip("'").replace("'", "").replace("`", "")
    if not 1 <= len(text) <= 16:
        return None
    try:
        return int(text, 16)
    except ValueError:
        return None


Start = Callable[[Line], Draft | None]
More = Callable[[Draft, Line], bool]


def nothing_more(_draft: Draft, _line: Line) -> bool:
    """Of writers whose crash is one line: no other line belongs to it."""
    return False


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who writes crashes down.

    Attributes:
        name: as reports call it.
        marks: one of these is in every line by which a crash of its begins.
        start: the crash that begins at a line; None where none does.
        more: takes the facts of a line that goes on with a crash; whether the line belongs to it.
        keep: lines of others that may come between.
    """

    name: str
    marks: tuple[str, ...]
    start: Start
    more: More
    keep: int = 80
