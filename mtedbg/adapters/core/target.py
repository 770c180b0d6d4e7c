"""`CoreTarget`: an ELF core file of AArch64 Linux behind the port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from os import PathLike, fspath
from os.path import split
from typing import TYPE_CHECKING

from mtedbg.adapters.core import names
from mtedbg.adapters.core.kept import Kept
from mtedbg.adapters.core.parts import parts_of
from mtedbg.adapters.core.places import Places
from mtedbg.adapters.core.segments import Segments
from mtedbg.adapters.core.space import AddressSpace
from mtedbg.adapters.core.tags import read_tags
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.unpacked import unpack_crash
from mtedbg.budget import OVER, Budget
from mtedbg.dataclass import replace
from mtedbg.errors import OverBudgetError
from mtedbg.formats import core_notes as notes
from mtedbg.formats.buffer import text
from mtedbg.formats.core_notes import ThreadNotes
from mtedbg.formats.packed import core_packed_with
from mtedbg.formats.siginfo import signal_info
from mtedbg.formats.systemd_name import systemd_name
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.control import Protection, ShadowStack
from mtedbg.model.debug_file import DebugFile
from mtedbg.model.image import ImageFile
from mtedbg.model.instruction import LENGTH
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import (
    Definition,
    SignalInfo,
    Symbol,
    TagSource,
    TargetInfo,
    TargetKind,
    Thread,
)

if TYPE_CHECKING:
    from mtedbg.adapters.core.debuginfod import Debuginfod
    from mtedbg.model.guest_program import GuestProgram
    from mtedbg.model.triage import Module

CHANGED = "the core was written to while it was read: what is said of it may be of two states"
_FROM_NAME = (
    "the core does not say which process it was: its id and name are those in the file's name"
)
_MAX_STRING = 4096
_MOST_REMARKS = 200
_CHECK_MODES = 3 << 1
"""PR_MTE_TCF_MASK of the tagged address control word (linux/prctl.h)."""
_PAC_BITS = 0x007F_FFFF_FFFF_FFFF & ~((1 << 36) - 1)
"""Where an authentication code can be at all: above the smallest address space, below the tag."""


class CoreTarget:
    """A dead process. Nothing is read before it is asked for, except headers and notes."""

    def __init__(
        self,
        path: str | PathLike[str],
        executable: str = "",
        sysroot: str = "",
        *,
        files: bool = True,
        kept: Kept | None = None,
        debuginfod: Debuginfod | None = None,
        budget: Budget | None = None,
    ) -> None:
        """Opens a core.

        Args:
            path: of an ELF core or a minidump; it may be compressed (gzip, xz, zstd, bzip2, lz4),
                or in a report of apport's.
            executable: path of its program; empty to look where the core says it was.
            sysroot: folder below which the paths of the core are; empty where the user named none,
                and this machine's files are then used if their build ids are the same.
            files: whether its program and libraries are looked for.
            kept: files that were opened for another one; nothing where this is the only one.
            debuginfod: asks servers for what is nowhere else; None where none is asked.
            budget: what may be read; a usual one where None.

        Raises:
            FileFormatError: it is not an AArch64 core, or nothing can be read of it.
            ToolMissingError: it is compressed, and the library for that is not here.
        """
        name = fspath(path)
        self._remarks: list[str] = []
        self._named = systemd_name(split(name)[1])
        data = open_file(name)
        if how := core_packed_with(data):
            data = unpack_crash(name, how, self._remarks, budget)
        self._data = data
        self.budget = Budget() if budget is None else budget
        data.charge(self.budget)
        parts = parts_of(data, name, self._remarks)
        self._notes = parts.notes
        memory = Segments(data, parts.memory, "memory segments", self._remarks)
        self._tags = Segments(data, parts.tags, "tag segments", self._remarks)
        if debuginfod is not None:
            debuginfod.remarks = self._remarks
        places = Places(name, sysroot, files, kept=kept or Kept())
        self._space = AddressSpace(
            memory, self._notes, places, self._remarks, self.budget, debuginfod
        )
        if executable:
            self._space.use_executable(executable)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is wrong with the core or the files that belong to it, one line each."""
        changed = (CHANGED,) if self._data.changed() else ()
        over = (f"{OVER}, and not all was read: {self.budget.over}",) if self.budget.over else ()
        all_of_them = dict.fromkeys(self._remarks)
        more = len(all_of_them) - _MOST_REMARKS
        counted = (f"{more} more remarks like these",) if more > 0 else ()
        return (*islice(all_of_them, _MOST_REMARKS), *counted, *changed, *over)

    def info(self) -> TargetInfo:
        """The dead process; its tags come from the core, if it has any."""
        process = self._process
        pid = process[0] if process else Absent(Reason.NOT_RECORDED)
        source = TagSource.CORE if self._tags.ordered else TagSource.NONE
        return TargetInfo(
            TargetKind.CORE,
            source,
            pid,
            self._executable_name,
            self._pac_mask,
            notes.has_mte_far(self._space.auxv),
        )

    @cached_property
    def _executable_name(self) -> str:
        program = self._space.executable()
        if program is not None and program.name:
            return program.name
        address = self._space.auxv.get(notes.AT_EXECFN)
        if address is not None:
            name = text(self._space.dumped(address, address + _MAX_STRING))
            if name:
                return name
        return self._process[1] if self._process else ""

    @cached_property
    def _process(self) -> tuple[int, str] | None:
        """Process id and name: the core's own, else systemd-coredump's in the name of the file."""
        found = self._notes.process()
        if found is None and self._named is not None:
            self._remarks.append(_FROM_NAME)
            found = self._named.pid, self._named.comm
        return found

    @property
    def died_at(self) -> float | None:
        """Seconds since 1970, where the name of the file says when."""
        return None if self._named is None else self._named.died_at

    @cached_property
    def _pac_mask(self) -> int:
        for thread in self._notes.threads:
            found = self._notes.of_thread(thread, notes.NT_ARM_PAC_MASK, "<QQ")
            if found is not None:
                return found[0] if found[0] & ~_PAC_BITS == 0 else 0
        return 0

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """Bytes as dumped, or as the unchanged file that was mapped there still has them."""
        if length <= 0:
            return b""
        return self._space.read(address, length)

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of memory that the file holds, without the holes in it."""
        return self._space.memory.written(start, end)

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        """Tags from the core's tag segments; holes elsewhere."""
        pieces: list[TagPiece] = []
        for first, last, segment in self._tags.pieces(start, end):
            if segment is not None:
                try:
                    pieces += read_tags(self._tags, segment, first, last)
                except OverBudgetError:
                    pieces.append(TagPiece(first, last, Absent(Reason.OVER_BUDGET)))
                continue
            for begin, stop, memory in self._space.memory.pieces(first, last):
                mapped = memory is not None or self._space.mapping_at(begin) is not None
                reason = self._untagged if mapped else self._notes.unmapped
                pieces.append(TagPiece(begin, stop, reason))
        return pieces

    @cached_property
    def _untagged(self) -> Absent:
        """What it means that no tag segment has an address.

        Nothing, where the writer knows no such segments (QEMU's user mode, Linux before 5.18): it
        has none although a thread had tags checked, or it does not even say.
        """
        if self._tags.ordered:
            return Absent(Reason.NOT_TAGGED)
        words = [thread.tagged_addr_ctrl for thread in self.threads()]
        checked = [bool(or_else(word, _CHECK_MODES) & _CHECK_MODES) for word in words]
        if not any(checked) and checked:
            return Absent(Reason.NOT_TAGGED)
        return Absent(Reason.NOT_RECORDED, "this core has no tag segments")

    def regions(self) -> Sequence[Region] | Absent:
        """The core's memory segments, cut where tag segments begin and end."""
        return self._regions

    @cached_property
    def _regions(self) -> list[Region]:
        unknown = self._untagged if self._untagged.reason is Reason.NOT_RECORDED else False
        return names.regions(self._space, self._tags, unknown)

    def threads(self) -> Sequence[Thread]:
        """Threads in the order of the core: the one that died is first, and current."""
        return self._threads

    @cached_property
    def _threads(self) -> list[Thread]:
        process = self._process
        found = []
        for number, thread in enumerate(self._notes.threads, 1):
            name = process[1] if process and process[0] == thread.tid else ""
            control = self._notes.of_thread(thread, notes.NT_ARM_TAGGED_ADDR_CTRL, "<Q")
            word = control[0] if control else Absent(Reason.NOT_RECORDED)
            found.append(
                Thread(
                    number,
                    thread.tid,
                    name,
                    number == 1,
                    tagged_addr_ctrl=word,
                    blocked=thread.blocked,
                )
            )
        return found

    def protection(self, thread: Thread) -> Protection:
        """From NT_ARM_GCS and NT_ARM_POE; see `ProtectionReader`."""
        mine = self._notes_of(thread)
        stack = self._notes.of_thread(mine, notes.NT_ARM_GCS, "<3Q")
        overlays = self._notes.of_thread(mine, notes.NT_ARM_POE, "<Q")
        return Protection(
            ShadowStack(*stack) if stack else NOT_APPLICABLE,
            overlays[0] if overlays else NOT_APPLICABLE,
        )

    def _notes_of(self, thread: Thread) -> ThreadNotes:
        return self._notes.threads[thread.number - 1]

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        """General registers; tpidr and vg where the core has NT_ARM_TLS and NT_ARM_SVE."""
        mine = self._notes_of(thread)
        if not mine.registers:
            return Absent(Reason.NOT_RECORDED, "its NT_PRSTATUS is lost or damaged")
        more: dict[str, int] = {}
        if tls := self._notes.of_thread(mine, notes.NT_ARM_TLS, "<Q"):
            more["tpidr"] = tls[0]
        if vectors := self._notes.of_thread(mine, notes.NT_ARM_SVE, "<IIH"):
            more[LENGTH] = vectors[2] // 8
        return {**mine.registers, **more} if more else mine.registers

    def vectors(self, thread: Thread) -> Mapping[str, int] | Absent:
        """From NT_FPREGSET: struct user_fpsimd_state (asm/ptrace.h of arm64)."""
        found = self._notes.of_thread(self._notes_of(thread), notes.NT_FPREGSET, "<64QII")
        if found is None:
            return Absent(Reason.NOT_RECORDED, "no NT_FPREGSET in this core")
        values = {f"v{n}": found[2 * n] | found[2 * n + 1] << 64 for n in range(32)}
        return values | {"fpsr": found[64], "fpcr": found[65]}

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        """The siginfo of `thread`; of the one that died at least the number."""
        mine = self._notes_of(thread)
        info = self._notes.of_thread(mine, notes.NT_SIGINFO, "<iiiiQ")
        if info is not None:
            number, _, code, _, address = info
            return signal_info(number, code, address)
        if not thread.current or not mine.signal:
            return NOT_APPLICABLE
        missing = Absent(Reason.NOT_RECORDED, "no NT_SIGINFO in this core")
        return SignalInfo(mine.signal, missing, missing)

    def symbol_address(self, name: str) -> int | Absent:
        """Looks in the program first, then in the libraries by address."""
        return then(self.definition(name), lambda found: found.address)

    def definition(self, name: str) -> Definition | Absent:
        """The symbol `name`, and whether it is a function."""
        try:
            for image in self._space.opened():
                if image.is_guest:  # what a name says is of the process itself
                    continue
                found = self._space.symbols(image).definition(name)
                if found is not None:
                    address, is_code = found
                    is_code = image.is_code(address) if is_code is None else is_code
                    return Definition(address, is_code)
        except OverBudgetError:
            pass
        if self.budget.over:
            return Absent(Reason.OVER_BUDGET)
        return Absent(Reason.UNKNOWN, self._why_no_symbols())

    def _why_no_symbols(self) -> str:
        program = self._space.executable()
        if program is not None and program.file is not None:
            return ""
        return f"its program {self._executable_name or 'file'} is not used or not here"

    def symbol_at(self, address: int) -> Symbol | Absent:
        """From the image that holds `address`."""
        image = self._space.image_at(address)
        try:
            found = None if image is None else self._space.symbols(image).at(address)
        except OverBudgetError:
            found = None
        return found or Absent(Reason.OVER_BUDGET if self.budget.over else Reason.UNKNOWN)

    def images(self) -> Sequence[ImageFile]:
        """The program and its libraries, each looked for."""
        opened = sorted(self._space.opened(), key=lambda image: image.base)
        return [image.described() for image in opened if image.name or image.path]

    def debug_files_at(self, address: int) -> Sequence[DebugFile]:
        """The files with symbols and debug information of the image that holds `address`."""
        image = self._space.image_at(address)
        if image is None:
            return []
        self._space.fetch(image)
        return image.debug_files()

    def guest_files_at(self, address: int) -> Sequence[DebugFile]:
        """The files of the image that holds `address`, where that is a translated program's."""
        image = self._space.image_at(address)
        return self.debug_files_at(address) if image is not None and image.is_guest else []

    def files_of_program(self, program: GuestProgram) -> Sequence[DebugFile]:
        """The files of a translated program, looked for as those of images are."""
        image = self._space.of_program(program)
        return [replace(one, bias=program.bias) for one in image.debug_files()]

    def module_at(self, address: int) -> Module | Absent:
        """The file that was mapped there, or the image without a name that is there."""
        from mtedbg.model.triage import Module

        mapping, image = self._space.mapping_at(address), self._space.image_at(address)
        if image is not None:
            return Module(image.name or "[vdso]", image.build_id().hex(), address - image.base)
        if mapping is not None:
            return Module(mapping.name, "", mapping.offset + address - mapping.start)
        return Absent(Reason.UNKNOWN)

    def evaluate(self, text: str) -> int:
        """The 64-bit value of an expression, with the registers of the current thread."""
        from mtedbg.adapters.core.expression import value_of

        threads = self.threads()
        missing = Absent(Reason.NOT_RECORDED)
        registers = self.registers(threads[0]) if threads else missing
        return value_of(text, registers, self.definition, self.read_memory)
