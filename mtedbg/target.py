"""The port: all that mtedbg asks of a debugger or a core file.

How to add a debugger:
 1. write one file in `adapters/` whose class has these methods (nothing else may import it);
 2. addresses it is given carry no tag and no PAC bits; what it returns keeps them;
 3. what is not there is an `Absent` with its reason, a broken connection is an exception;
 4. registration of commands and stop events live in the same file;
 5. add one parameter to `tests/contract/` and one controller to `tests/support/`.

What can also write is a `TagWriter`, by one method more: only commands whose name says that they
write ask for it. What can read files where its process runs is a `FileReader`, what has more of
a thread's control words a `ProtectionReader`, its vector registers a `VectorReader`. What can let
its process run is a `Stepper`: only `mte-step` and `mte-catch` ask for that. What knows the files
that were mapped into a dead process is a `ModuleFinder`, what has the system's own record of the
death a `RecordReader`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # a debugger reads this file at its start
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mtedbg.model.absent import Absent
    from mtedbg.model.control import Protection
    from mtedbg.model.debug_file import DebugFile
    from mtedbg.model.exception import Taken
    from mtedbg.model.guest_program import GuestProgram
    from mtedbg.model.image import ImageFile
    from mtedbg.model.memory import Region, TagPiece
    from mtedbg.model.phase import Catch, Caught
    from mtedbg.model.process import SignalInfo, Symbol, TargetInfo, Thread
    from mtedbg.model.recorded import RecordedCall, RecordedFact
    from mtedbg.model.source import SourcePlace
    from mtedbg.model.stop import Halt, Stop
    from mtedbg.model.triage import Module


class Target(Protocol):
    """A stopped process or a dead one."""

    def info(self) -> TargetInfo:
        """What the target is, and where tags come from."""

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """All `length` bytes at `address`, or why they cannot be had: never fewer."""

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        """Allocation tags of [start, end), both multiples of 16.

        The pieces are in order and cover the whole span, holes included.
        """

    def regions(self) -> Sequence[Region] | Absent:
        """All mappings in order of address, or why they are not known."""

    def threads(self) -> Sequence[Thread]:
        """All threads; exactly one is current."""

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        """x0 to x30, sp, pc, pstate; tpidr and vg where they are known: of the innermost frame."""

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        """The signal that stopped `thread`; absent where it was none."""

    def symbol_address(self, name: str) -> int | Absent:
        """The address of the symbol `name`."""

    def symbol_at(self, address: int) -> Symbol | Absent:
        """The symbol that holds `address`."""

    def evaluate(self, expression: str) -> int:
        """The 64-bit value of an address expression, tag bits kept.

        Raises:
            ExpressionError: it cannot be evaluated.
        """


@runtime_checkable
class TagWriter(Protocol):
    """A target whose allocation tags can be written: most live ones."""

    def write_tags(self, start: int, end: int, tags: bytes) -> None:
        """Gives the granules of [start, end), both multiples of 16, these allocation tags.

        The caller has made sure that all of it is tagged memory: there are servers that die,
        and the program with them, where it is not.

        Args:
            start: first address, without tag and PAC bits.
            end: one past the last address.
            tags: one byte (0 to 15) a granule, repeated from the first where they are fewer.

        Raises:
            NotOnThisTargetError: this target has no way to write tags.
            ConnectionLostError: the server refused, or is gone; some may be written.
        """


@runtime_checkable
class ExceptionReader(Protocol):
    """A target that may be a whole machine, with the registers of its exceptions."""

    def exception(self, thread: Thread) -> Taken | Absent:
        """The last exception that a processor took to EL1; does not apply to a process."""


@runtime_checkable
class ProtectionReader(Protocol):
    """A target that may have a thread's Guarded Control Stack and permission overlays."""

    def protection(self, thread: Thread) -> Protection:
        """What it has of them; what the machine or the kernel lacks does not apply."""


@runtime_checkable
class VectorReader(Protocol):
    """A target that gives the vector registers of its threads."""

    def vectors(self, thread: Thread) -> Mapping[str, int] | Absent:
        """v0 to v31, each a number of 128 bits, fpsr and fpcr: of the innermost frame."""


@runtime_checkable
class FileReader(Protocol):
    """A live target that can read files of the machine where its process runs."""

    def read_file(self, path: str, most: int) -> bytes | Absent:
        """The contents of a regular file that root or the process's owner wrote, or why not.

        Args:
            path: absolute; it may have been made by anybody.
            most: bytes; a longer file is absent.
        """


@runtime_checkable
class ModuleFinder(Protocol):
    """A dead process that tells which file an address was in, without opening that file."""

    def module_at(self, address: int) -> Module | Absent:
        """The file that was mapped at `address`, or why that is not known."""


@runtime_checkable
class ImageLister(Protocol):
    """A target that looks for the files of its program and libraries itself."""

    def images(self) -> Sequence[ImageFile]:
        """All images in order of address, each with the file that is used for it."""


@runtime_checkable
class DebugFileFinder(Protocol):
    """A target whose files are opened here: their debug information is read by mtedbg."""

    def debug_files_at(self, address: int) -> Sequence[DebugFile]:
        """The files of the image that holds `address`, the best first; none where none is used."""


@runtime_checkable
class GuestFileFinder(Protocol):
    """A target that knows the files of a translated program: debuggers know nothing of them."""

    def guest_files_at(self, address: int) -> Sequence[DebugFile]:
        """The x86-64 files of the image that holds `address`, the best first; none elsewhere."""


@runtime_checkable
class ProgramFileFinder(Protocol):
    """A target that opens the files of a translated program that its runtime names."""

    def files_of_program(self, program: GuestProgram) -> Sequence[DebugFile]:
        """Its file and those with its symbols, the best first; none where none is proved its."""


@runtime_checkable
class SourceFinder(Protocol):
    """A debugger, which reads debug information itself."""

    def source_at(self, address: int) -> SourcePlace | Absent:
        """The line of source, and what was inlined, at an instruction.

        Args:
            address: of the instruction; of a call, any byte of it.
        """


@runtime_checkable
class SparseMemory(Protocol):
    """A dead process that tells, without reading it, which memory is nothing but zeros."""

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end), in order, that may be something else."""


@runtime_checkable
class RecordReader(Protocol):
    """A dead process whose file has what the system recorded of the death."""

    def recorded_facts(self) -> Sequence[RecordedFact]:
        """Causes, allocations, messages, as the system wrote them."""

    def recorded_calls(self, thread: Thread) -> Sequence[RecordedCall]:
        """The backtrace of `thread` that the system recorded, the innermost level first."""


@runtime_checkable
class Stepper(Protocol):
    """A live target under a debugger that can let it run and stop it.

    The user's settings and breakpoints hold meanwhile: signals that the debugger stops on stop it.
    """

    def run_to(self, halts: Sequence[Halt], alone: Thread | None) -> Stop:
        """Lets the program run until a thread comes to one of `halts`, or something stops it.

        A thread that stands at one of them leaves it first. A thread that has stopped on a signal
        is given that signal, where the debugger's settings do not keep it back. The thread that
        stops is the selected one afterwards.

        Args:
            halts: places to stop at, this once.
            alone: the only thread that runs; None for all of them.

        Raises:
            NoHardwareBreakpointError: one of `halts` takes one; nothing has run.
            SteppingError: the debugger refuses.
        """

    def catch(self, catch: Catch, wanted: Callable[[Catch, Thread], bool] | None) -> Caught:
        """Makes an ordinary breakpoint of the debugger.

        Args:
            catch: where, and of which thread.
            wanted: asked when a thread has come there, whether to stop; None for always.

        Raises:
            SteppingError: the debugger refuses.
        """

    def caught(self) -> Sequence[Caught]:
        """The breakpoints that `catch` has made and that were not deleted."""

    def release(self, numbers: Sequence[int]) -> None:
        """Deletes breakpoints that `catch` has made."""
