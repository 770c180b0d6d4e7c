"""Where mappings and allocation tags of GDB's program come from: one class a source.

How to add one: a class with the members of `Source`, and a line in `source_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import gdb

from mtedbg.adapters.debugger.mappings import Smaps
from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.debugger.source import (
    CHECK_MODE_ALONE,
    NoTags,
    OfMachine,
    Source,
)
from mtedbg.adapters.debugger.spans import Regions
from mtedbg.adapters.gdb import link, threads
from mtedbg.adapters.gdb.parameters import BUDGET
from mtedbg.dataclass import replace
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE
from mtedbg.model.process import SignalInfo, TagSource, TargetKind

_NOT_MARKED = Absent(Reason.UNKNOWN, "QEMU does not mark tagged mappings")
_LAST_RESORT = "see `help set mtedbg inferior-reads`"


class Process(NoTags):
    """A process that GDB reaches, without a way to its tags."""

    def __init__(self, inferior: gdb.Inferior, kind: TargetKind, why: str = "") -> None:
        super().__init__(kind, why)
        self._inferior = inferior
        self._smaps = Smaps(
            partial(link.process_file, inferior, "smaps"),
            partial(link.piece_of_process_file, inferior, "smaps"),
        )

    def regions(self) -> Regions:
        """From smaps, where there is one."""
        return then(self._smaps.regions(), self._marked)

    def regions_around(self, start: int, end: int) -> Sequence[Region] | None:
        """From the part of smaps that has them."""
        found = self._smaps.around(start, end)
        return None if found is None else self._marked(found)

    def _marked(self, regions: Sequence[Region]) -> Sequence[Region]:
        """The regions with what smaps does not say of them."""
        return regions

    def signal(self, number: int, _tid: int) -> SignalInfo | Absent:
        """As GDB has it."""
        return threads.siginfo(number)

    def control_word(self, number: int, _tid: int) -> int | Absent:
        """As GDB has it."""
        return threads.control_word(number)


class Native(Process):
    """A process of this machine."""

    tag_source = TagSource.PTRACE

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """Through the kernel, of the tagged mappings."""
        from mtedbg.adapters.gdb.tags_ptrace import peeker, ptrace_tags

        return ptrace_tags(peeker(self._inferior.threads()[0].ptid[1]), start, end, regions)


class Server(Process):
    """A process behind gdbserver."""

    tag_source = TagSource.PACKETS

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """In ranges, of the tagged mappings only."""
        from mtedbg.adapters.remote.tags import server_tags

        return server_tags(link.sender(self._inferior.connection), start, end, regions)


class QemuWithoutTags(Process):
    """A program in QEMU, behind a stub that knows no tags."""

    def _marked(self, regions: Sequence[Region]) -> Sequence[Region]:
        """The smaps that QEMU makes does not mark what is tagged."""
        return [replace(region, tagged=_NOT_MARKED) for region in regions]

    def control_word(self, _number: int, _tid: int) -> int | Absent:
        """QEMU's `$tag_ctl` is the bare check mode, and not the kernel's word."""
        return CHECK_MODE_ALONE


class Qemu(QemuWithoutTags):
    """A program in QEMU, behind its stub."""

    tag_source = TagSource.PACKETS

    def __init__(self, inferior: gdb.Inferior, kind: TargetKind, why: str = "") -> None:
        from mtedbg.adapters.remote.tags import QemuStub

        super().__init__(inferior, kind, why)
        self._stub = QemuStub()

    def _marked(self, regions: Sequence[Region]) -> Sequence[Region]:
        """Which of them are tagged, from the stub."""
        return self._stub.marked(link.sender(self._inferior.connection), regions)

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """Granule by granule."""
        return self._stub.tags(link.sender(self._inferior.connection), start, end, regions)

    def forget_tags(self) -> None:
        """Those by which mappings were marked."""
        self._stub.forget()


class MachineWithoutTags(OfMachine, Process):
    """A machine in QEMU whose threads are processors, behind a stub that knows no tags."""


class Machine(OfMachine, Qemu):
    """The same, behind a stub that knows tags: of what the page tables of the moment map."""


class QemuByLdg(Qemu):
    """The same, where the user allowed to run instructions: a large read is one call."""

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """Granule by granule, or where they are many by LDG, if that can be undone."""
        from mtedbg.adapters.gdb.tags_ldg import WORTH_A_CALL, ldg_tags, refused

        many = end - start >= WORTH_A_CALL * GRANULE and not isinstance(regions, Absent)
        if not many or refused(self._inferior):
            return super().read_tags(start, end, regions)
        return ldg_tags(self._inferior, start, end, regions)


class ByLdg:
    """A process without a way to its tags but LDG, which the user allowed."""

    tag_source = TagSource.LDG
    is_machine = False

    def __init__(self, inferior: gdb.Inferior, process: Process) -> None:
        self._inferior = inferior
        self.kind = process.kind
        self.regions = process.regions
        self.regions_around = process.regions_around
        self.signal = process.signal
        self.control_word = process.control_word
        self.forget_tags = process.forget_tags
        self.protection = process.protection

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """By calls in the program."""
        from mtedbg.adapters.gdb.tags_ldg import ldg_tags

        return ldg_tags(self._inferior, start, end, regions)


def source_of(inferior: gdb.Inferior, *, inferior_reads: bool) -> Source:
    """What GDB's program is.

    Args:
        inferior: a stopped process, or a core.
        inferior_reads: whether the user lets the program run instructions for us.
    """
    peer = link.peer_of(inferior.connection)
    if peer is Peer.CORE:
        return _core(inferior)
    process = _process(inferior, peer)
    if not inferior_reads or peer is Peer.MACHINE:
        return process
    if isinstance(process, Qemu):
        return QemuByLdg(inferior, process.kind)
    return ByLdg(inferior, process) if process.tag_source is TagSource.NONE else process


def _process(inferior: gdb.Inferior, peer: Peer) -> Process:
    remote = TargetKind.REMOTE
    if peer is Peer.MACHINE and link.serves_tags():
        return Machine(inferior, remote)
    if peer is Peer.MACHINE:
        return MachineWithoutTags(inferior, remote, "QEMU's stub gives none")
    if peer in (Peer.SERVER, Peer.QEMU) and link.serves_tags():
        return Qemu(inferior, remote) if peer is Peer.QEMU else Server(inferior, remote)
    if peer is Peer.QEMU:
        return QemuWithoutTags(inferior, remote, f"QEMU's stub gives none; {_LAST_RESORT}")
    if peer is Peer.SERVER:
        return Process(inferior, remote, f"the server gives none; {_LAST_RESORT}")
    from mtedbg.adapters.gdb.tags_ptrace import can_peek

    if peer is Peer.HERE and can_peek():
        return Native(inferior, TargetKind.LIVE)
    return Process(inferior, TargetKind.LIVE, f"GDB cannot read them here; {_LAST_RESORT}")


def _core(inferior: gdb.Inferior) -> Source:
    from mtedbg.adapters.debugger.loaded_core import LoadedCore

    path = link.core_file(inferior)
    if isinstance(path, Absent):
        return Process(inferior, TargetKind.CORE, str(path))
    try:
        return LoadedCore(str(path), f"set {BUDGET}")
    except FileFormatError as error:
        return Process(inferior, TargetKind.CORE, error.message)
