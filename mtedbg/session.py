"""A target and what has been learned of it since it last stopped.

Passed, never global. An adapter makes one for a process and drops what was learned (`invalidate`)
at every stop, resume and write: nothing read before may be believed after. A question that several
others build on is marked `once`: it is answered once a stop. Debuggers do not report all that a
person changes between two commands; their adapters drop the answers (`forget_answers`) before each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import LayoutError, NoTargetError, UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.pointer import strip
from mtedbg.target import FileReader

if TYPE_CHECKING:
    from mtedbg.budget import Budget
    from mtedbg.decode.code.jit_interface import JitObjects
    from mtedbg.formats.perf_map import PerfMap
    from mtedbg.layout import Runtime
    from mtedbg.model.process import TargetInfo, Thread
    from mtedbg.target import Target


P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of this machine that a user gives beside a core.

    Attributes:
        path: as it was given.
        data: its bytes.
    """

    path: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """What JITs have written of their code, as a user gives it beside a core; None where not.

    Attributes:
        perf_map: perf's map.
        jitdump: a jitdump file.
    """

    perf_map: GivenFile | None = None
    jitdump: GivenFile | None = None


_NONE_GIVEN = GivenFiles()


@dataclass
class Session:
    """One target with its caches.

    Attributes:
        target: the port.
        timeout: seconds that a live process is read for unasked: a server may be slow.
        budget: what may be read for a report of a file; None where the target has none.
        answers: what questions marked `once` have been answered.
        kept: what holds as long as the same files are mapped, by who keeps it and those files: the
            layout of a JIT's structures, where a library has a table. Kept across stops.
        given_files: what the user gave of JITs' code.
    """

    target: Target
    timeout: float = 2.0
    budget: Budget | None = field(default=None, repr=False)
    answers: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, repr=False)
    kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    given_files: GivenFiles = _NONE_GIVEN

    _CACHED = ("info", "runtimes", "jit_objects", "perf_map", "file_starts")

    @cached_property
    def info(self) -> TargetInfo:
        """What the target is."""
        return self.target.info()

    @cached_property
    def runtimes(self) -> tuple[Runtime, ...] | Absent:
        """The debug roots of this process, validated whole, or why there is none."""
        from mtedbg.layout import find_runtimes

        return find_runtimes(self.target)

    @cached_property
    def jit_objects(self) -> JitObjects | Absent:
        """What JITs have registered by GDB's JIT interface."""
        from mtedbg.decode.code.jit_descriptors import Descriptors
        from mtedbg.decode.code.jit_interface import read_objects

        mapped = (Descriptors, *self.file_starts.items())
        if mapped not in self.kept:
            self.kept[mapped] = Descriptors(self.target, dead=self.info.is_dead)
        return read_objects(self.target, self.kept[mapped])

    @cached_property
    def perf_map(self) -> PerfMap | Absent:
        """Perf's map of this process, from the machine where it runs; of a core one given."""
        if not (self.given_files.perf_map or isinstance(self.target, FileReader)):
            return NOT_APPLICABLE
        from mtedbg.formats.perf_map import MAX_BYTES, PerfMap, path_of

        # box64 writes the number of instructions, decimal.
        decimal = any(name.rpartition("/")[2].startswith("box64") for name in self.file_starts)
        if given := self.given_files.perf_map:
            return PerfMap(given.data, given.path, decimal=decimal)
        pid = self.info.pid
        if isinstance(pid, Absent) or not isinstance(self.target, FileReader):
            return NOT_APPLICABLE
        path = path_of(pid)
        data = self.target.read_file(path, MAX_BYTES)
        return data if isinstance(data, Absent) else PerfMap(data, path, decimal=decimal)

    @cached_property
    def file_starts(self) -> Mapping[str, int]:
        """Where the first mapping of each file or pseudo name begins."""
        regions = self.target.regions()
        known = () if isinstance(regions, Absent) else regions
        return {region.name: region.start for region in reversed(known)}

    def strip(self, pointer: int) -> int:
        """`pointer` without its tag and PAC bits."""
        return strip(pointer, self.info.pac_mask)

    def readable_runtimes(self) -> tuple[Runtime, ...]:
        """The runtimes; none where there is none or its debug root cannot be read."""
        found = self.runtimes
        return () if isinstance(found, Absent) else found

    def runtimes_if_known(self) -> tuple[Runtime, ...]:
        """The runtimes that were found when something asked for them; nothing is looked for."""
        found = self.__dict__.get("runtimes", ())
        return () if isinstance(found, Absent) else found

    def from_runtimes(self, ask: Callable[[Runtime], T]) -> Iterator[T]:
        """What `ask` says of each runtime; those that do not tell what it needs are left out."""
        for runtime in self.readable_runtimes():
            with suppress(LayoutError):
                yield ask(runtime)

    def current_thread(self) -> Thread:
        """The thread that the target calls current: in a debugger the selected one.

        Raises:
            NoTargetError: the target has no threads.
        """
        threads = self.threads()
        return next((thread for thread in threads if thread.current), threads[0])

    def thread(self, number: int | None) -> Thread:
        """The thread that a user asks about.

        Args:
            number: by which the user names it; None for the current one.

        Raises:
            UsageError: no thread has this number.
            NoTargetError: the target has no threads.
        """
        if number is None:
            return self.current_thread()
        threads = self.threads()
        for thread in threads:
            if thread.number == number:
                return thread
        raise UsageError(f"no thread has the number {number}", f"threads are 1 to {len(threads)}")

    def threads(self) -> Sequence[Thread]:
        """The threads, at least one.

        Raises:
            NoTargetError: the target has no threads.
        """
        threads = self.target.threads()
        if not threads:
            dead = self.info.is_dead
            step = "memory and tags can still be read" if dead else "start the program"
            raise NoTargetError("the target has no threads", step)
        return threads

    def forget_answers(self) -> None:
        """Another report begins: what questions marked `once` were answered is forgotten.

        What the target is is kept.
        """
        if self.budget is not None:
            self.budget.renew()
        self.answers.clear()

    def invalidate(self) -> None:
        """Forgets what was read: the target ran or was written to."""
        self.forget_answers()
        for name in self._CACHED:
            self.__dict__.pop(name, None)


def once(
    question: Callable[Concatenate[Session, P], T],
) -> Callable[Concatenate[Session, P], T]:
    """Makes a question of a session be answered once a stop, whoever asks and how often.

    The answer is kept by the question and its arguments, which have to be hashable, until the
    session forgets it. What raises is asked again.
    """

    @wraps(question)
    def asked(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (question, args, *kwargs.items())
        if key not in session.answers:
            session.answers[key] = question(session, *args, **kwargs)
        answer: T = session.answers[key]
        return answer

    return asked
