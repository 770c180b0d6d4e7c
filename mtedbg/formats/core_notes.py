"""The notes of a core: threads with their registers, the signal, mapped files, auxiliary vector.

Source: struct elf_prstatus, elf_prpsinfo and siginfo_t of Linux on arm64 (linux/elfcore.h,
asm/ptrace.h, asm-generic/siginfo.h); NT_FILE: fs/binfmt_elf.c, fill_files_note. A thread's notes
follow its NT_PRSTATUS; the kernel writes the thread that died first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Protocol

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import OverBudgetError
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer, text
from mtedbg.formats.elf import Note, ProgramHeader
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_SIGINFO, NT_FILE = 0x53494749, 0x46494C45
NT_ARM_TLS, NT_ARM_SVE, NT_ARM_PAC_MASK, NT_ARM_TAGGED_ADDR_CTRL = 0x401, 0x405, 0x406, 0x409
NT_ARM_POE, NT_ARM_GCS = 0x40F, 0x410
"""Linux, include/uapi/linux/elf.h, since 6.12 and 6.13; struct user_gcs: asm/ptrace.h of arm64."""
AT_PHDR, AT_ENTRY, AT_RANDOM, AT_EXECFN, AT_SYSINFO_EHDR = 3, 9, 25, 31, 33
AT_HWCAP, AT_HWCAP3 = 16, 29
HWCAP3_MTE_FAR = 1 << 0
"""Linux, arch/arm64/include/uapi/asm/hwcap.h, since 6.17."""
MAX_AUXV = 4096
MAX_FILES = 1 << 17
MAX_THREADS = 1 << 15
MAX_SEGMENTS = 64
"""Note segments; the kernel writes one."""
MAX_KINDS = 64
"""Kinds of notes of one thread; the kernel writes a dozen."""
PATH_MAX = 4096
"""Bytes of a path (linux/limits.h)."""

_PROCESS = {NT_PRPSINFO, NT_AUXV, NT_FILE}
_SIGNAL_AT, _BLOCKED_AT, _TID_AT, _REGISTERS_AT = 12, 24, 32, 112
_REGISTERS = struct.Struct("<34Q")
_LOST = "the NT_PRSTATUS of the thread that died is lost: its registers are not known"
REGISTER_NAMES = (*(f"x{n}" for n in range(31)), "sp", "pc", "pstate")


@dataclass(frozen=True, slots=True)
class ThreadNotes:
    """The notes of one thread: contents by type; `blocked` is its signal mask."""

    tid: int
    signal: int
    registers: dict[str, int]
    blocked: int | Absent = field(default=NOT_APPLICABLE, kw_only=True)
    others: dict[int, Note] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileMapping:
    """One line of NT_FILE: [start, end) holds the file from `offset` bytes on.

    Its build id is there where the writer of the core recorded it, which no kernel does.
    """

    start: int
    end: int
    offset: int
    name: str
    build_id: bytes = b""


class Notes(Protocol):
    """What the reader asks of whatever holds threads and the like: see `CoreNotes`."""

    threads: list[ThreadNotes]
    unmapped: Absent
    """The reason for memory that the core does not describe."""

    def of_thread(self, thread: ThreadNotes, kind: int, layout: str, /) -> tuple[int, ...] | None:
        """The fields at the start of a thread's note."""

    def process(self) -> tuple[int, str] | None:
        """Process id and program name."""

    def auxv(self) -> dict[int, int]:
        """The auxiliary vector."""

    def files(self) -> list[FileMapping]:
        """The mapped files."""


class CoreNotes:
    """All notes of a core."""

    unmapped = Absent(Reason.UNMAPPED)

    def __init__(self, data: Buffer, headers: Iterable[ProgramHeader], remarks: list[str]) -> None:
        """Reads the note segments.

        Args:
            data: the core.
            headers: its PT_NOTE program headers.
            remarks: gets one line for each kind of damage.
        """
        self._data = data
        self._remarks = remarks
        self.threads: list[ThreadNotes] = []
        self._process: dict[int, Note] = {}
        self._kept: dict[int, bytes] = {}
        try:
            self._take_all(headers)
        except OverBudgetError as error:
            remarks.append(f"{error.message}: later notes were not read")
        if not self.threads:
            remarks.append("the core has no thread notes: registers and the signal are not known")
        # QEMU's cores have the thread that died anywhere; the kernel notes the signal of all.
        self.threads.sort(key=lambda thread: not thread.signal)
        # Who died is known also where the report may read no more.
        first = (note for thread in self.threads[:1] for note in thread.others.values())
        short = (note for note in self._process.values() if note.size <= MAX_AUXV)
        self._kept = {note.start: self._contents(note) for note in (*first, *short)}

    def _take_all(self, headers: Iterable[ProgramHeader]) -> None:
        taken: list[tuple[int, int]] = []
        again = 0
        for header in headers:
            start, stop = header.offset, header.offset + header.file_size
            if len(taken) == MAX_SEGMENTS or any(s < stop and start < e for s, e in taken):
                again += 1
                continue
            taken.append((start, stop))
            end = start
            for note in elf.notes(self._data, start, header.file_size):
                end = note.start + (note.size + 3) // 4 * 4
                if not self._take(note):
                    self._remarks.append(f"threads after the first {MAX_THREADS} are not read")
                    return
            if end < stop:
                self._remarks.append(
                    "the notes end early or are damaged: some threads may be missing"
                )
        if again:
            self._remarks.append(
                f"{again} note segments lie over others, or are more than {MAX_SEGMENTS}: not read"
            )

    def _take(self, note: Note) -> bool:
        """Keeps a note; whether there is room for more."""
        if note.owner not in (b"CORE", b"LINUX"):
            return True
        if note.type == NT_PRSTATUS:
            if len(self.threads) == MAX_THREADS:
                return False
            self.threads.append(self._thread(note))
        elif note.type in _PROCESS:
            self._process.setdefault(note.type, note)
        else:
            if note.type == NT_SIGINFO and not self.threads:
                self._remarks.append(_LOST)
                (signal,) = struct.unpack("<i", self._contents(note)[:4].rjust(4, b"\0"))
                self.threads.append(ThreadNotes(0, signal & 0x7F, {}))
            if self.threads and len(self.threads[-1].others) < MAX_KINDS:
                self.threads[-1].others.setdefault(note.type, note)
        return True

    def _thread(self, note: Note) -> ThreadNotes:
        contents = self._contents(note)
        if len(contents) < _REGISTERS_AT + _REGISTERS.size:
            self._remarks.append(
                f"a thread's NT_PRSTATUS has {len(contents)} bytes: its registers are not known"
            )
            fields = contents.ljust(_REGISTERS_AT, b"\0")
            (signal,) = struct.unpack_from("<h", fields, _SIGNAL_AT)
            (tid,) = struct.unpack_from("<i", fields, _TID_AT)
            return ThreadNotes(tid, signal, {})
        (signal,) = struct.unpack_from("<h", contents, _SIGNAL_AT)
        (tid,) = struct.unpack_from("<i", contents, _TID_AT)
        (blocked,) = struct.unpack_from("<Q", contents, _BLOCKED_AT)
        values = _REGISTERS.unpack_from(contents, _REGISTERS_AT)
        names = dict(zip(REGISTER_NAMES, values, strict=True))
        return ThreadNotes(tid, signal, names, blocked=blocked)

    def _contents(self, note: Note | None, limit: int = 1 << 16) -> bytes:
        if note is None:
            return b""
        kept = self._kept.get(note.start)
        return self._data[note.start : note.start + min(note.size, limit)] if kept is None else kept

    def of_thread(self, thread: ThreadNotes, kind: int, layout: str) -> tuple[int, ...] | None:
        """The fields at the start of a thread's note, or None where it is not there or short."""
        contents = self._contents(thread.others.get(kind))
        if len(contents) < struct.calcsize(layout):
            return None
        return struct.unpack_from(layout, contents)

    def process(self) -> tuple[int, str] | None:
        """Process id and program name (at most 15 characters)."""
        contents = self._contents(self._process.get(NT_PRPSINFO))
        if len(contents) < 56:
            return None
        (pid,) = struct.unpack_from("<i", contents, 24)
        return pid, text(contents[40:56])

    def auxv(self) -> dict[int, int]:
        """The auxiliary vector, type → value."""
        return auxv_in(self._contents(self._process.get(NT_AUXV), MAX_AUXV))

    def files(self) -> list[FileMapping]:
        """The mapped files, in order of address."""
        note = self._process.get(NT_FILE)
        contents = self._contents(note, 1 << 26)
        if len(contents) < 16:
            return []
        count, page = struct.unpack_from("<QQ", contents)
        fits = min(count, MAX_FILES, (len(contents) - 16) // 24)
        names = contents[16 + count * 24 :].split(b"\0", fits)
        if fits < count or len(names) < count:
            self._remarks.append("the list of mapped files (NT_FILE) is damaged: some are missing")
        lines = struct.iter_unpack("<QQQ", contents[16 : 16 + fits * 24])
        found = [
            FileMapping(start, end, offset * page, text(name[:PATH_MAX]))
            for (start, end, offset), name in zip(lines, names, strict=False)
            if start < end and offset * page < 1 << 63
        ]
        return sorted(found, key=lambda mapping: mapping.start)


def has_mte_far(vector: Mapping[int, int]) -> bool | Absent:
    """Whether bits 63:60 of a tag check fault's address are defined.

    Args:
        vector: the auxiliary vector. A kernel that knows no AT_HWCAP3 does not define them.
    """
    if AT_HWCAP3 not in vector and AT_HWCAP not in vector:
        return Absent(Reason.NOT_RECORDED)
    return bool(vector.get(AT_HWCAP3, 0) & HWCAP3_MTE_FAR)


def auxv_in(contents: bytes) -> dict[int, int]:
    """An auxiliary vector, type → value, up to its end or to where it is cut off."""
    vector: dict[int, int] = {}
    for kind, value in struct.iter_unpack("<QQ", contents[: len(contents) // 16 * 16]):
        if kind == 0:
            break
        vector.setdefault(kind, value)
    return vector
