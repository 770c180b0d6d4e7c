"""Where mappings and allocation tags of LLDB's process come from: one class a source.

How to add one: a class with the members of `LldbSource`, and a line in `source_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

import lldb

from mtedbg.adapters.debugger import host_files
from mtedbg.adapters.debugger.mappings import Smaps
from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.debugger.source import (
    CHECK_MODE_ALONE,
    NoTags,
    OfMachine,
    Source,
)
from mtedbg.adapters.debugger.spans import Regions
from mtedbg.adapters.lldb import files, threads
from mtedbg.adapters.lldb.link import Link, peer_of, serves_tags
from mtedbg.adapters.lldb.settings import SET_BUDGET
from mtedbg.adapters.remote import tags as tags_server
from mtedbg.adapters.remote import tags_write
from mtedbg.errors import FileFormatError, NotOnThisTargetError
from mtedbg.formats.siginfo import stopped_by_debugger
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import SignalInfo, TagSource, TargetKind

if TYPE_CHECKING:
    from mtedbg.adapters.core import CoreTarget


class LldbSource(Source, Protocol):
    """What LLDB needs to know of a source besides.

    Attributes:
        moves: whether other threads run on while the program is stopped: what LLDB has read
            before is then not a picture of one stop.
    """

    moves: bool

    @property
    def itself(self) -> CoreTarget | None:
        """The core without LLDB, which has only what it found files for; None where live."""

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """As `TagWriter` has it."""


class Process(NoTags):
    """A live process, of which LLDB knows no more than threads and registers."""

    moves = False
    itself = None

    def __init__(self, process: lldb.SBProcess, kind: TargetKind, why: str = "") -> None:
        super().__init__(kind, why)
        self._process = process

    def regions(self) -> Regions:
        """Not known."""
        return Absent(Reason.UNKNOWN, "LLDB does not give the mappings of this target")

    def write_tags(self, _start: int, _end: int, _tags: bytes) -> None:
        """Refused."""
        raise NotOnThisTargetError(
            "LLDB cannot write tags on this target", "the program itself can: STG, ST2G"
        )

    def signal(self, number: int, tid: int) -> SignalInfo | Absent:
        """The number as LLDB has it, the rest from siginfo."""
        signal = threads.signal_of(threads.by_number(self._process, number))
        if signal is None or stopped_by_debugger(signal):
            return NOT_APPLICABLE
        data = self._siginfo(tid)
        if data is None:
            unknown = Absent(Reason.UNKNOWN, "siginfo is not available here")
            return SignalInfo(signal, unknown, unknown)
        return threads.parse_siginfo(data)

    def _siginfo(self, _tid: int) -> bytes | None:
        return None

    def control_word(self, number: int, _tid: int) -> int | Absent:
        """As LLDB has it."""
        return threads.control_word(threads.by_number(self._process, number))


class ServerWithoutTags(Process):
    """A process behind a server that knows no tags."""

    def __init__(self, process: lldb.SBProcess, kind: TargetKind, why: str = "") -> None:
        super().__init__(process, kind, why)
        self._link = Link(process)
        self._smaps = self._smaps_at(f"/proc/{process.GetProcessID()}/smaps")

    def _smaps_at(self, path: str) -> Smaps:
        """Through the server."""
        return Smaps(
            partial(files.read_file, self._link, path), partial(files.piece, self._link, path)
        )

    def regions(self) -> Regions:
        """From smaps."""
        return then(self._smaps.regions(), self._marked)

    def regions_around(self, start: int, end: int) -> Sequence[Region] | None:
        """From the part of smaps that has them."""
        found = self._smaps.around(start, end)
        return None if found is None else self._marked(found)

    def _marked(self, regions: Sequence[Region]) -> Sequence[Region]:
        """The regions with what smaps does not say of them."""
        return regions

    def _siginfo(self, tid: int) -> bytes | None:
        """By packets of our own: LLDB asks for it without naming the thread."""
        with self._link.thread(tid):
            return self._link.read("qXfer:siginfo:read:", 0, threads.SIGINFO_SIZE)


class Server(ServerWithoutTags):
    """A process behind gdbserver or lldb-server."""

    tag_source = TagSource.PACKETS

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """In ranges, of the tagged mappings only."""
        return tags_server.server_tags(self._link.send, start, end, regions)

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """In ranges."""
        tags_write.server_write(self._link.send, start, end, tags)


class Host(Server):
    """A process of this machine, behind the lldb-server that LLDB started."""

    def _smaps_at(self, path: str) -> Smaps:
        """Here."""
        whole = partial(host_files.read_regular, path, host_files.MAX_FILE)
        return Smaps(whole, partial(host_files.piece, path))


class Qemu(Server):
    """A program in QEMU, behind its stub."""

    moves = True

    def __init__(self, process: lldb.SBProcess, kind: TargetKind, why: str = "") -> None:
        super().__init__(process, kind, why)
        self._stub = tags_server.QemuStub()

    def _marked(self, regions: Sequence[Region]) -> Sequence[Region]:
        """In the smaps that QEMU makes tagging is not marked: its stub is asked."""
        return self._stub.marked(self._link.send, regions)

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """Granule by granule."""
        return self._stub.tags(self._link.send, start, end, regions)

    def forget_tags(self) -> None:
        """Those by which mappings were marked."""
        self._stub.forget()

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """As QEMU's stub needs it."""
        tags_write.qemu_write(self._link.send, start, end, tags)

    def control_word(self, _number: int, _tid: int) -> int | Absent:
        """QEMU's `tag_ctl` is the bare check mode, and not the kernel's word."""
        return CHECK_MODE_ALONE


class Machine(OfMachine, Qemu):
    """A machine in QEMU, with or without a kernel: its threads are processors."""


def source_of(process: lldb.SBProcess) -> LldbSource:
    """What LLDB's process is."""
    peer = peer_of(process)
    if peer is Peer.CORE:
        return _core(process)
    if peer is Peer.OTHER:
        return Process(process, TargetKind.LIVE, "LLDB cannot read them here")
    where = TargetKind.LIVE if peer is Peer.HERE else TargetKind.REMOTE
    if not serves_tags(Link(process)):
        return ServerWithoutTags(process, where, "the server gives none")
    sources = {Peer.HERE: Host, Peer.QEMU: Qemu, Peer.MACHINE: Machine}
    return sources.get(peer, Server)(process, where)


def _core(process: lldb.SBProcess) -> LldbSource:
    from mtedbg.adapters.lldb.core import Core

    file = process.GetCoreFile()
    try:
        return Core(f"{file.GetDirectory()}/{file.GetFilename()}", SET_BUDGET)
    except FileFormatError as error:
        return Process(process, TargetKind.CORE, error.message)
