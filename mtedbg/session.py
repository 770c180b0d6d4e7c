"""A target and what has been learned of it since it last stopped.

Passed, never global. An adapter makes one for a process and drops the caches (`invalidate`) at
every stop, resume and write: nothing read before may be believed after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mtedbg.errors import NoTargetError, UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.pointer import strip
from mtedbg.target import FileReader

if TYPE_CHECKING:
    from mtedbg.decode.code.jit_interface import JitObjects
    from mtedbg.formats.perf_map import PerfMap
    from mtedbg.layout import Runtime
    from mtedbg.model.process import TargetInfo, Thread
    from mtedbg.target import Target


@dataclass
class Session:
    """One target with its caches.

    Attributes:
        target: the port.
        selected: number of the thread that commands speak of; None for the target's current one.
        patience: seconds that a live process is read for unasked: a server may be slow.
        behind: where commands that go on have come to: address, and how much they show; by name.
    """

    target: Target
    selected: int | None = field(default=None)
    patience: float = field(default=2.0)
    behind: dict[str, tuple[int, int | None]] = field(default_factory=dict)

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
        """What a JIT has registered by GDB's JIT interface."""
        from mtedbg.decode.code.jit_interface import read_objects

        return read_objects(self.target)

    @cached_property
    def perf_map(self) -> PerfMap | Absent:
        """Perf's map of this process, from the machine where it runs; a core has none."""
        pid = self.info.pid
        if isinstance(pid, Absent) or not isinstance(self.target, FileReader):
            return NOT_APPLICABLE
        from mtedbg.formats.perf_map import MAX_BYTES, PerfMap, path_of

        path = path_of(pid)
        data = self.target.read_file(path, MAX_BYTES)
        return data if isinstance(data, Absent) else PerfMap(data, path)

    @cached_property
    def file_starts(self) -> Mapping[str, int]:
        """Where the first mapping of each file or pseudo name begins."""
        regions = self.target.regions()
        known = () if isinstance(regions, Absent) else regions
        return {region.name: region.start for region in reversed(known)}

    def strip(self, pointer: int) -> int:
        """`pointer` without its tag and PAC bits."""
        return strip(pointer, self.info.pac_mask)

    def thread(self) -> Thread:
        """The thread that the command speaks of.

        Raises:
            UsageError: no thread has the selected number.
            NoTargetError: the target has no threads.
        """
        threads = self.target.threads()
        if not threads:
            dead = self.info.kind == "core"
            step = "memory and tags can still be read" if dead else "start the program"
            raise NoTargetError("the target has no threads", step)
        if self.selected is None:
            return next((thread for thread in threads if thread.current), threads[0])
        for thread in threads:
            if thread.number == self.selected:
                return thread
        raise UsageError(
            f"no thread has the number {self.selected}", f"threads are 1 to {len(threads)}"
        )

    def go_on(self, command: str) -> tuple[int, int | None]:
        """Where `command` has come to: see `behind`.

        Raises:
            UsageError: it has shown nothing yet.
        """
        if command not in self.behind:
            raise UsageError(
                f"{command} has shown nothing yet that it could go on behind",
                f"say where to begin: `help {command}` has an example",
            )
        return self.behind[command]

    def invalidate(self) -> None:
        """Forgets what was read: the target ran or was written to."""
        for name in self._CACHED:
            self.__dict__.pop(name, None)
