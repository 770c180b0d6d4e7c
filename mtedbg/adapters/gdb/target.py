"""GDB's inferior as a target."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import gdb

from mtedbg.adapters.debugger.source import Source
from mtedbg.adapters.debugger.target import SourcedTarget
from mtedbg.adapters.gdb import link, threads, values
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.sources import source_of
from mtedbg.dataclass import replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.phase import Catch, Caught
from mtedbg.model.process import Symbol, TargetInfo, TargetKind, Thread
from mtedbg.model.stop import Halt, Stop

if TYPE_CHECKING:
    from mtedbg.model.source import SourcePlace

_SYMBOL_LINE = re.compile(r"(.+?)(?: \+ (\d+))? in section ")


class GdbTarget(SourcedTarget[Source]):
    """The port over one inferior, which is the selected one whenever a method is called.

    Args:
        inferior: a stopped process, or a core.
        inferior_reads: whether the program may be made to run instructions for us.
    """

    def __init__(self, inferior: gdb.Inferior, *, inferior_reads: bool = False) -> None:
        super().__init__(source_of(inferior, inferior_reads=inferior_reads))
        self._inferior = inferior
        self._known_threads: Sequence[Thread] | None = None

    def invalidate(self) -> None:
        """Forgets what was read: the program ran or was written to."""
        super().invalidate()
        self._known_threads = None

    def info(self) -> TargetInfo:
        """What the target is; see the port."""
        return TargetInfo(
            self._source.kind,
            self._source.tag_source,
            self._inferior.pid or Absent(Reason.UNKNOWN),
            self._program(self._inferior.progspace.filename or ""),
            values.convenience("pauth_cmask") or 0,
        )

    def _read(self, start: int, size: int) -> bytes | None:
        try:
            return bytes(self._inferior.read_memory(start, size))
        except gdb.error:
            return None

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """Gives [start, end) allocation tags; see `TagWriter`."""
        from mtedbg.adapters.gdb.tags_write import write_tags

        try:
            write_tags(self._inferior, start, end, tags)
        finally:
            self.forget_tags()

    def run_to(self, halts: Sequence[Halt], alone: Thread | None) -> Stop:
        """Lets the program run; see `Stepper`."""
        from mtedbg.adapters.gdb import stepping

        return stepping.run_to(self._inferior, halts, alone)

    def catch(self, catch: Catch, wanted: Callable[[Catch, Thread], bool] | None) -> Caught:
        """Makes a breakpoint at a phase; see `Stepper`."""
        from mtedbg.adapters.gdb import stepping

        return stepping.catch(catch, wanted)

    def caught(self) -> Sequence[Caught]:
        """The breakpoints at phases; see `Stepper`."""
        from mtedbg.adapters.gdb import stepping

        return stepping.caught()

    def release(self, numbers: Sequence[int]) -> None:
        """Deletes breakpoints at phases; see `Stepper`."""
        from mtedbg.adapters.gdb import stepping

        stepping.release(numbers)

    def read_file(self, path: str, most: int) -> bytes | Absent:
        """A file of the machine where the process runs; see `FileReader`."""
        if self._source.kind is TargetKind.CORE:
            return NOT_APPLICABLE
        return link.read_file(self._inferior, path, most)

    def threads(self) -> Sequence[Thread]:
        """All threads; see the port."""
        if self._known_threads is None:
            self._known_threads = self._threads()
        # GDB sends no event when a person selects another one.
        selected = gdb.selected_thread()
        return [replace(each, current=each.number == selected.num) for each in self._known_threads]

    def _threads(self) -> Sequence[Thread]:
        return [
            self._thread(
                thread.num,
                _tid(thread),
                thread.name or "",
                partial(threads.control_word, thread.num),
                current=False,
            )
            for thread in sorted(self._inferior.threads(), key=lambda each: int(each.num))
        ]

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        """Of the innermost frame; see the port."""
        try:
            with threads.selected(thread.number):
                return threads.innermost_registers()
        except gdb.error as error:
            return Absent(Reason.UNREADABLE, str(error))

    def vectors(self, thread: Thread) -> Mapping[str, int] | Absent:
        """Of the innermost frame; see `VectorReader`."""
        try:
            with threads.selected(thread.number):
                return threads.innermost_vectors()
        except (gdb.error, ValueError) as error:
            return Absent(Reason.UNREADABLE, str(error))

    def _register(self, thread: Thread, *names: str) -> int | None:
        try:
            with threads.selected(thread.number):
                found = (values.convenience(name) for name in names)
                return next((value for value in found if value is not None), None)
        except gdb.error:
            return None

    def symbol_address(self, name: str) -> int | Absent:
        """The address of the symbol `name`; see the port."""
        try:
            return int(gdb.parse_and_eval(f"&{name}"))
        except (gdb.error, TypeError):
            return Absent(Reason.UNKNOWN)

    def symbol_at(self, address: int) -> Symbol | Absent:
        """The symbol that holds `address`; see the port."""
        try:
            shown = captured(f"info symbol {address:#x}")
        except gdb.error:
            return Absent(Reason.UNKNOWN)
        match = _SYMBOL_LINE.match(shown)
        return Symbol(match[1], int(match[2] or 0)) if match else Absent(Reason.UNKNOWN)

    def source_at(self, address: int) -> SourcePlace | Absent:
        """By GDB's own tables; it does not tell a script where inlined functions are called."""
        from mtedbg.adapters.gdb.lines import source_at

        return source_at(address)

    def evaluate(self, expression: str) -> int:
        """The 64-bit value of an address expression; see the port."""
        from mtedbg.adapters.gdb.expression import value_of

        return value_of(expression, self.read_memory)


def _tid(thread: gdb.InferiorThread) -> int:
    """The kernel's thread id, or what a server that knows none gives in its place."""
    process, lwp, other = thread.ptid
    return int(lwp or other or process)
