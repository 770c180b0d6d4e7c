"""The part of the port that a debugger's target answers by its source alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from mtedbg.adapters.debugger.reading import read_whole
from mtedbg.adapters.debugger.source import Metered, Named, Source
from mtedbg.adapters.debugger.spans import PAGE, Regions
from mtedbg.dataclass import replace
from mtedbg.errors import OverBudgetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.debug_file import DebugFile
from mtedbg.model.memory import TagPiece
from mtedbg.model.process import SignalInfo, Thread
from mtedbg.target import FileReader, GuestFileFinder, ProgramFileFinder

if TYPE_CHECKING:
    from mtedbg.model.control import Protection, ShadowStack
    from mtedbg.model.exception import Taken
    from mtedbg.model.guest_program import GuestProgram

_PROTECTION = (
    ("gcs_features_enabled",),
    ("gcs_features_locked",),
    ("gcspr", "gcspr_el0"),  # GDB's name, and LLDB's
    ("por_el0",),  # LLDB alone has it
)
_EXCEPTION = (
    ("ESR_EL1",),
    ("FAR_EL1",),
    ("ELR_EL1",),
    ("VBAR_EL1", "VBAR"),  # the second is QEMU's name
    ("SCTLR_EL1", "SCTLR"),
    ("cpsr", "pstate"),
)

S = TypeVar("S", bound=Source)


class SourcedTarget(ABC, Generic[S]):
    """Mappings are kept until the program runs; tags and memory are read each time.

    Args:
        source: of the program.
    """

    def __init__(self, source: S) -> None:
        self._source = source
        self.budget = source.budget if isinstance(source, Metered) else None
        self._regions: Regions | None = None
        self._guest_files: dict[tuple[str, int], list[DebugFile]] = {}
        self._program_files: dict[GuestProgram, list[DebugFile]] = {}

    def invalidate(self) -> None:
        """Forgets what was read: the program ran or was written to."""
        self._regions = None
        self.forget_tags()

    def forget_tags(self) -> None:
        """Forgets tags alone: somebody may have written some."""
        self._source.forget_tags()

    def _program(self, found: str) -> str:
        """The program's path: of a core its own, so that all debuggers say the same.

        Args:
            found: what the debugger has, empty where nothing.
        """
        return (isinstance(self._source, Named) and self._source.program) or found

    @abstractmethod
    def _read(self, start: int, size: int) -> bytes | None:
        """All bytes of a range as the debugger reads them, or None."""

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """All `length` bytes at `address`; see the port."""
        if self.budget is not None:
            try:
                self.budget.spend(length)
            except OverBudgetError:
                return Absent(Reason.OVER_BUDGET)
        return read_whole(self._read, self.regions, address, length)

    def regions(self) -> Regions:
        """All mappings; see the port."""
        if self._regions is None:
            self._regions = self._source.regions()
        return self._regions

    def guest_files_at(self, address: int) -> Sequence[DebugFile]:
        """The files of a translated program that a debugger does not know; see the port."""
        if isinstance(self._source, GuestFileFinder):
            return self._source.guest_files_at(address)
        if not isinstance(self, FileReader):
            return []
        from mtedbg.adapters.debugger.guest_files import Asked, files_at

        asked = Asked(self.regions(), self.read_memory, self.read_file)
        return files_at(asked, self._guest_files, address)

    def files_of_program(self, program: GuestProgram) -> Sequence[DebugFile]:
        """The files of a translated program that its runtime names; see the port."""
        if isinstance(self._source, ProgramFileFinder):
            return self._source.files_of_program(program)
        from mtedbg.adapters.debugger.guest_files import files_of

        read = self.read_file if isinstance(self, FileReader) else None

        def memory(address: int, end: int) -> bytes:
            return or_else(self.read_memory(address, end - address), b"")

        return files_of(program, self._program_files, read, memory)

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        """Allocation tags of [start, end); see the port."""
        return self._source.read_tags(start, end, self._regions_of(start, end))

    def _regions_of(self, start: int, end: int) -> Regions:
        """Those in [start, end) at least: of a long list, one page's may be all that is read."""
        if self._regions is None and end - start <= PAGE:
            found = self._source.regions_around(start, end)
            if found is not None:
                return found
        return self.regions()

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        """The signal that stopped `thread`; see the port."""
        return self._source.signal(thread.number, thread.tid)

    @abstractmethod
    def _register(self, thread: Thread, *names: str) -> int | None:
        """A thread's first register of these names; None where it has none of them."""

    def exception(self, thread: Thread) -> Taken | Absent:
        """See `ExceptionReader`."""
        if not self._source.is_machine:
            return NOT_APPLICABLE
        from mtedbg.model.exception import Taken

        words = [self._register(thread, *one) for one in _EXCEPTION]
        syndrome, address, back, vectors, system, state = words
        if None in (syndrome, address, back, vectors, state):
            return Absent(Reason.UNKNOWN, "the stub does not give ESR_EL1 and its like")
        level = (state or 0) >> 2 & 3  # PSTATE.EL
        mode = (system or 0) >> (40 if level else 38) & 3  # SCTLR_EL1.TCF, TCF0
        return Taken(syndrome or 0, address or 0, back or 0, vectors or 0, level, mode)

    def protection(self, thread: Thread) -> Protection:
        """See `ProtectionReader`."""
        from mtedbg.model.control import Protection, ShadowStack

        if (told := self._source.protection(thread.tid)) is not None:
            return told
        enabled, locked, pointer, overlays = (self._register(thread, *one) for one in _PROTECTION)
        stack: ShadowStack | Absent = NOT_APPLICABLE
        if enabled is not None and locked is not None and pointer is not None:
            stack = ShadowStack(enabled, locked, pointer)
        return Protection(stack, NOT_APPLICABLE if overlays is None else overlays)

    def _thread(
        self, number: int, tid: int, name: str, mode: Callable[[], int | Absent], *, current: bool
    ) -> Thread:
        """A thread of the port's.

        Args:
            number: the debugger's.
            tid: the kernel's.
            name: may be empty.
            mode: asks the debugger for the thread's control register.
            current: whether it is selected.
        """
        word = self._source.control_word(number, tid)
        if self._source.is_machine:
            processor = Thread(number, tid, name, current, tagged_addr_ctrl=word)
            checks = then(self.exception(processor), lambda taken: taken.check_mode)
            return replace(processor, check_mode=checks)
        # What a source does not take for the kernel's word is the bare check mode, as in QEMU.
        check_mode = mode() if isinstance(word, Absent) else NOT_APPLICABLE
        return Thread(number, tid, name, current, tagged_addr_ctrl=word, check_mode=check_mode)
