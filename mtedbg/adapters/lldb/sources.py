"""Where mappings and allocation tags of LLDB's process come from: one class a source.

How to add one: a class with the members of `Source`, and a line in `source_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import lldb

from mtedbg.adapters.debugger.spans import Regions
from mtedbg.adapters.lldb import files, threads
from mtedbg.adapters.lldb.link import Kind, Link, kind_of, serves_tags
from mtedbg.adapters.remote import tags as tags_server
from mtedbg.adapters.remote import tags_write
from mtedbg.errors import FileFormatError, NotOnThisTargetError
from mtedbg.formats.siginfo import stopped_by_debugger
from mtedbg.formats.smaps import parse_smaps
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import TagPiece
from mtedbg.model.process import SignalInfo, TagSource, TargetKind

if TYPE_CHECKING:
    from mtedbg.adapters.core import CoreTarget


class Source(Protocol):
    """What the program's memory is, and its tags.

    Attributes:
        kind: as in `TargetInfo`.
        tag_source: as in `TargetInfo`.
        moves: whether other threads run on while the program is stopped: what LLDB has read
            before is then no picture of one moment.
    """

    kind: TargetKind
    tag_source: TagSource
    moves: bool

    @property
    def itself(self) -> CoreTarget | None:
        """The core without LLDB, which has only what it found files for; None where live."""

    def regions(self) -> Regions:
        """The mappings, read anew."""

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """The tags of [start, end), as the port has it."""

    def forget_tags(self) -> None:
        """Believes no tag that was read before."""

    def signal(self, number: int, tid: int) -> SignalInfo | Absent:
        """What stopped a thread, by LLDB's number of it and the kernel's."""

    def control_word(self, number: int, tid: int) -> int | Absent:
        """Its tagged-address control word."""

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """As `TagWriter` has it."""


class Process:
    """A live process, of which LLDB knows no more than threads and registers."""

    tag_source = TagSource.NONE
    moves = False
    itself = None

    def __init__(self, process: lldb.SBProcess, kind: TargetKind, why: str = "") -> None:
        self.kind = kind
        self._process = process
        self._why = Absent(Reason.UNKNOWN, why)

    def regions(self) -> Regions:
        """Not known."""
        return Absent(Reason.UNKNOWN, "LLDB does not give the mappings of this target")

    def read_tags(self, start: int, end: int, _regions: Regions) -> Sequence[TagPiece]:
        """One hole."""
        return [TagPiece(start, end, self._why)]

    def forget_tags(self) -> None:
        """None is kept."""

    def write_tags(self, _start: int, _end: int, _tags: bytes) -> None:
        """Refused."""
        raise NotOnThisTargetError(
            "LLDB has no way to write tags on this target", "the program itself can: STG, ST2G"
        )

    def signal(self, number: int, tid: int) -> SignalInfo | Absent:
        """The number as LLDB has it, the rest from siginfo."""
        signal = threads.signal_of(threads.by_number(self._process, number))
        if signal is None or stopped_by_debugger(signal):
            return NOT_APPLICABLE
        data = self._siginfo(tid)
        if data is None:
            unknown = Absent(Reason.UNKNOWN, "siginfo cannot be had here")
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

    def regions(self) -> Regions:
        """From smaps, through the server."""
        path = f"/proc/{self._process.GetProcessID()}/smaps"
        text = files.read_file(self._link, path)
        return text if isinstance(text, Absent) else parse_smaps(text)

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

    def regions(self) -> Regions:
        """From smaps, here."""
        path = Path(f"/proc/{self._process.GetProcessID()}/smaps")
        try:
            return parse_smaps(path.read_bytes())
        except OSError as error:
            return Absent(Reason.UNKNOWN, f"{path}: {error.strerror}")


class Qemu(Server):
    """A program in QEMU, behind its stub."""

    moves = True

    def __init__(self, process: lldb.SBProcess, kind: TargetKind, why: str = "") -> None:
        super().__init__(process, kind, why)
        self._stub = tags_server.QemuStub()

    def regions(self) -> Regions:
        """From the smaps that QEMU makes, where tagging is not marked: its stub is asked."""
        regions = super().regions()
        if isinstance(regions, Absent):
            return regions
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
        return Absent(Reason.UNKNOWN, "QEMU's stub gives the check mode alone")


def source_of(process: lldb.SBProcess) -> Source:
    """What LLDB's process is."""
    kind = kind_of(process)
    if kind is Kind.CORE:
        return _core(process)
    if kind is Kind.OTHER:
        return Process(process, TargetKind.LIVE, "LLDB has no way to them here")
    where = TargetKind.LIVE if kind is Kind.HOST else TargetKind.REMOTE
    if not serves_tags(Link(process)):
        return ServerWithoutTags(process, where, "the server gives none")
    return {Kind.HOST: Host, Kind.QEMU: Qemu}.get(kind, Server)(process, where)


def _core(process: lldb.SBProcess) -> Source:
    from mtedbg.adapters.lldb.core import Core

    file = process.GetCoreFile()
    try:
        return Core(f"{file.GetDirectory()}/{file.GetFilename()}")
    except FileFormatError as error:
        return Process(process, TargetKind.CORE, error.message)
