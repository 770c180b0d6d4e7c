"""LLDB's process as a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import lldb

from mtedbg.adapters.debugger import host_files
from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.debugger.target import SourcedTarget
from mtedbg.adapters.lldb import symbols, threads
from mtedbg.adapters.lldb.cache import uncached
from mtedbg.adapters.lldb.link import peer_of
from mtedbg.adapters.lldb.module import is_ours
from mtedbg.adapters.lldb.sources import LldbSource, source_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.phase import Catch, Caught
from mtedbg.model.process import Definition, Symbol, TargetInfo, TargetKind, Thread
from mtedbg.model.stop import Halt, Stop

if TYPE_CHECKING:
    from mtedbg.model.source import SourcePlace


class LldbTarget(SourcedTarget[LldbSource]):
    """The port over one process.

    Args:
        process: stopped, or a core.
    """

    def __init__(self, process: lldb.SBProcess) -> None:
        super().__init__(source_of(process))
        self._process = process
        self._target = process.GetTarget()

    def info(self) -> TargetInfo:
        """What the target is; see the port."""
        pid = self._process.GetProcessID()
        unknown = pid in (0, lldb.LLDB_INVALID_PROCESS_ID)
        executable = self._target.GetExecutable()
        frame = self._process.GetSelectedThread().GetFrameAtIndex(0)
        return TargetInfo(
            self._source.kind,
            self._source.tag_source,
            Absent(Reason.UNKNOWN) if unknown else int(pid),
            self._program(executable.fullpath or "" if executable.IsValid() else ""),
            threads.register(frame, "code_mask", "pauth_cmask") or 0,
        )

    def _read(self, start: int, size: int) -> bytes | None:
        error = lldb.SBError()
        with uncached(self._process, self._source.moves):
            data = self._process.ReadMemory(start, size, error)
        if error.Success() and data is not None and len(data) == size:
            return bytes(data)
        if self._source.itself is None:
            return None
        # What a core leaves out: from the files that LLDB has, or those that the core names.
        place = self._target.ResolveLoadAddress(start)
        data = self._target.ReadMemory(place, size, lldb.SBError())
        # LLDB 23 leaves the process's error where a file had the bytes.
        if data is not None and len(data) == size:
            return bytes(data)
        found = self._source.itself.read_memory(start, size)
        return None if isinstance(found, Absent) else found

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """Gives [start, end) allocation tags; see `TagWriter`."""
        try:
            self._source.write_tags(start, end, tags)
        finally:
            self.forget_tags()

    def run_to(self, halts: Sequence[Halt], alone: Thread | None) -> Stop:
        """Lets the program run; see `Stepper`."""
        from mtedbg.adapters.lldb import stepping

        try:
            return stepping.run_to(self._process, halts, alone)
        finally:
            self.invalidate()

    def catch(self, catch: Catch, wanted: Callable[[Catch, Thread], bool] | None) -> Caught:
        """Makes a breakpoint at a phase; see `Stepper`."""
        from mtedbg.adapters.lldb import stepping

        return stepping.catch(self._process, catch, wanted)

    def caught(self) -> Sequence[Caught]:
        """The breakpoints at phases; see `Stepper`."""
        from mtedbg.adapters.lldb import stepping

        return stepping.caught(self._process)

    def release(self, numbers: Sequence[int]) -> None:
        """Deletes breakpoints at phases; see `Stepper`."""
        from mtedbg.adapters.lldb import stepping

        stepping.release(self._process, numbers)

    def read_file(self, path: str, most: int) -> bytes | Absent:
        """A file of the machine where the process runs; see `FileReader`."""
        if self._source.kind is TargetKind.CORE:
            return NOT_APPLICABLE
        pid = self._process.GetProcessID()
        qemu = host_files.is_qemu_here(pid) and peer_of(self._process) is Peer.QEMU
        if qemu or self._source.kind is TargetKind.LIVE:
            return host_files.read_of_process(path, pid, most)
        # The answer to vFile:fstat holds zero bytes, at which what LLDB prints of it ends.
        return Absent(Reason.UNKNOWN, f"LLDB cannot ask the server whose {path} is")

    def threads(self) -> Sequence[Thread]:
        """All threads; see the port."""
        selected = self._process.GetSelectedThread().GetIndexID()
        return [
            self._thread(
                thread.GetIndexID(),
                thread.GetThreadID(),
                thread.GetName() or "",
                partial(threads.control_word, thread),
                current=thread.GetIndexID() == selected,
            )
            for thread in self._process
        ]

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        """Of the innermost frame; see the port."""
        frame = threads.by_number(self._process, thread.number).GetFrameAtIndex(0)
        found = threads.registers(frame) if frame.IsValid() else {}
        return found or Absent(Reason.UNREADABLE, "LLDB has none of this thread")

    def vectors(self, thread: Thread) -> Mapping[str, int] | Absent:
        """Of the innermost frame; see `VectorReader`."""
        frame = threads.by_number(self._process, thread.number).GetFrameAtIndex(0)
        found = threads.vectors(frame) if frame.IsValid() else {}
        return found or Absent(Reason.UNREADABLE, "LLDB does not give them")

    def _register(self, thread: Thread, *names: str) -> int | None:
        frame = threads.by_number(self._process, thread.number).GetFrameAtIndex(0)
        return threads.register(frame, *names) if frame.IsValid() else None

    def symbol_address(self, name: str) -> int | Absent:
        """The address of the symbol `name`; see the port."""
        found = self._definition(name)
        return found if isinstance(found, Absent) else found.address

    def _definition(self, name: str) -> Definition | Absent:
        found = symbols.definition(self._target, name)
        if isinstance(found, Absent) and self._source.itself is not None:
            by_core = self._source.itself.definition(name)
            return found if isinstance(by_core, Absent) else by_core
        return found

    def symbol_at(self, address: int) -> Symbol | Absent:
        """The symbol that holds `address`; see the port."""
        place = self._target.ResolveLoadAddress(address)
        symbol = place.GetSymbol()
        if not symbol.IsValid() or not symbol.GetName() or is_ours(place.GetModule()):
            core = self._source.itself
            return core.symbol_at(address) if core else Absent(Reason.UNKNOWN)
        start = symbol.GetStartAddress().GetLoadAddress(self._target)
        return Symbol(str(symbol.GetName()), address - int(start))

    def source_at(self, address: int) -> SourcePlace | Absent:
        """By LLDB's own tables."""
        from mtedbg.adapters.lldb.lines import source_at

        return source_at(self._target.ResolveLoadAddress(address))

    def evaluate(self, expression: str) -> int:
        """The 64-bit value of an address expression; see the port."""
        frame = self._process.GetSelectedThread().GetSelectedFrame()
        return self.evaluate_in(frame, expression)

    def evaluate_in(self, frame: lldb.SBFrame, expression: str) -> int:
        """As `evaluate`, with the registers and variables of `frame`, which may be invalid."""
        from mtedbg.adapters.lldb.expression import Names, value_of

        return value_of(expression, Names(self._target, frame, self._definition, self.read_memory))
