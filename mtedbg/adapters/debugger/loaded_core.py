"""The core that a debugger has loaded, read without it: none has a Python call for its tags."""

from __future__ import annotations

from collections.abc import Sequence

from mtedbg.adapters.core import CoreTarget
from mtedbg.budget import Budget
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.control import NO_PROTECTION, Protection
from mtedbg.model.debug_file import DebugFile
from mtedbg.model.guest_program import GuestProgram
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import SignalInfo, TargetKind, Thread


class LoadedCore:
    """A core's own answers: mappings, tags, and what the kernel noted of each thread.

    Args:
        path: of the core file.
        more: how a user of the debugger gets a larger budget.

    Attributes:
        budget: what may be read of it for a report.
        itself: the core without the debugger, which may lack files that the core's reader finds.

    Raises:
        FileFormatError: it is no AArch64 core.
    """

    kind = TargetKind.CORE
    is_machine = False

    def __init__(self, path: str, more: str) -> None:
        self.budget = Budget(more=f"the rest was not read; for ten times as much: {more} 10")
        self.itself = CoreTarget(path, budget=self.budget)
        self.tag_source = self.itself.info().tag_source

    @property
    def program(self) -> str:
        """The program's path as it was run, whether or not the debugger has the file."""
        return self.itself.info().executable

    def regions(self) -> Sequence[Region] | Absent:
        """The core's segments."""
        return self.itself.regions()

    def regions_around(self, _start: int, _end: int) -> None:
        """All are known."""

    def read_tags(
        self, start: int, end: int, _regions: Sequence[Region] | Absent
    ) -> Sequence[TagPiece]:
        """From the core's tag segments."""
        return self.itself.read_tags(start, end)

    def guest_files_at(self, address: int) -> Sequence[DebugFile]:
        """The files of a translated program."""
        return self.itself.guest_files_at(address)

    def files_of_program(self, program: GuestProgram) -> Sequence[DebugFile]:
        """The files of a translated program that its runtime names."""
        return self.itself.files_of_program(program)

    def forget_tags(self) -> None:
        """A core file is never written to."""

    def control_word(self, _number: int, tid: int) -> int | Absent:
        """The tagged-address control word of the thread `tid`."""
        thread = self._thread(tid)
        return thread.tagged_addr_ctrl if thread else Absent(Reason.NOT_RECORDED)

    def protection(self, tid: int) -> Protection | None:
        """What the core has of the thread `tid`."""
        thread = self._thread(tid)
        return self.itself.protection(thread) if thread else NO_PROTECTION

    def signal(self, _number: int, tid: int) -> SignalInfo | Absent:
        """The siginfo of the thread `tid`."""
        thread = self._thread(tid)
        return self.itself.signal(thread) if thread else Absent(Reason.NOT_RECORDED)

    def _thread(self, tid: int) -> Thread | None:
        return next((thread for thread in self.itself.threads() if thread.tid == tid), None)
