"""A live process whose runs are written down before: for what lets programs run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtedbg.dataclass import dataclass, field
from mtedbg.model.phase import Catch, Caught
from mtedbg.model.process import SignalInfo, TargetKind, Thread
from mtedbg.model.stop import Halt, Stop, StopKind
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, Image

FAULT = SignalInfo(11, 9, 0x02_0000_0050_0000)
ORDER = (
    "fault", "lookup", "lock", "patch-memop", "patch-address", "icache", "unlock", "resume",
)  # fmt: skip
"""The image's phases, 16 bytes apart."""

Happening = Callable[[], Stop]


@dataclass
class Scripted(FakeTarget):
    """A live process: what happens when it is let run is written down before.

    Attributes:
        happenings: what the next runs come to.
        made: breakpoints at phases, by their numbers, and what they ask before they stop.
        asked: where it was to stop, and which thread was to run alone.
    """

    happenings: list[Happening] = field(default_factory=list)
    made: dict[int, tuple[Caught, Callable[[Catch, Thread], bool] | None]] = field(
        default_factory=dict
    )
    asked: list[tuple[tuple[Halt, ...], Thread | None]] = field(default_factory=list)

    def run_to(self, halts: Sequence[Halt], alone: Thread | None) -> Stop:
        self.asked.append((tuple(halts), alone))
        return self.happenings.pop(0)()

    def catch(self, catch: Catch, wanted: Callable[[Catch, Thread], bool] | None) -> Caught:
        made = Caught(1 + max(self.made, default=0), catch, True, 0)
        self.made[made.number] = made, wanted
        return made

    def caught(self) -> Sequence[Caught]:
        return [made for made, _ in self.made.values()]

    def release(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.made[number]

    def at(self, pc: int, kind: StopKind, detail: str = "", thread: int = 1) -> None:
        """Next, a thread stops at `pc`."""

        def happen() -> Stop:
            self.register_sets[thread]["pc"] = pc
            return Stop(kind, thread, pc, detail)

        self.happenings.append(happen)


def scripted(made: Image, pc: int | None = None, *, signal: bool = False) -> Scripted:
    """The image as a live process, thread 1 at `pc`, where a fault has stopped it or not."""
    still = made.target(kind=TargetKind.LIVE)
    target = Scripted(
        memory={BASE: made.data},
        mappings=still.mappings,
        thread_list=still.thread_list,
        register_sets=still.register_sets,
        symbols=still.symbols,
        kind=TargetKind.LIVE,
    )
    if pc is not None:
        target.register_sets[1]["pc"] = pc
    if signal:
        target.signals[1] = FAULT
    return target


def phase(made: Image, name: str) -> int:
    return made.places["handler"] + 0x10 * ORDER.index(name)


def memop(made: Image) -> int:
    """The access of memop 1; its tag insert stands before it."""
    return made.places["baseline"] + 0x14
