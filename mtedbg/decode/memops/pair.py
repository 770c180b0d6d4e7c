"""A thread between the two instructions of a memop, and what its [1] gave the pointer.

[1] puts a tag into the address register, [2] accesses memory. A thread that ran [1] before a patch
and runs [2] after it has a stale pair. A core's tag with an ordered access is right or faults
again; the shared tag with a plain access matches shared memory, and order is lost in silence.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.dataclass import dataclass
from mtedbg.decode.stack.registers import register_number, role_value
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memop import Memop, MemopState, Mode
from mtedbg.model.pointer import logical_tag

_TAG = 0xF


@dataclass(frozen=True, slots=True)
class Pair:
    """What a thread that has passed [1] is about to do at [2].

    Attributes:
        left: the tag that its address register carries.
        now: the tag that [1], as it stands now, would give.
        access: the form of [2] as it stands now.
        shared: the tag of shared memory.
    """

    left: int
    now: int
    access: Mode | Absent
    shared: int

    @property
    def stale(self) -> bool:
        """Whether [1] would now give another tag."""
        return self.left != self.now

    @property
    def meaning(self) -> str:
        """What comes of it."""
        if self.left == self.shared and self.access is Mode.LOCAL:
            return "the plain access will match shared memory: it silently loses its ordering"
        if self.left == self.shared:
            return "harmless: the access is ordered, and faults where memory is a core's own"
        if self.access is not Mode.LOCAL:
            return "harmless: an ordered access by a core's tag is right, or faults again"
        return "the tag is that of a core on which the thread no longer runs"


def passed_insert(memop: Memop, pc: int) -> bool:
    """Whether a thread at `pc` has run [1] of `memop`, and not yet [2]."""
    return bool(memop.tag_address) and memop.tag_address < pc <= memop.address


def pair_of(runtime: Runtime, state: MemopState, registers: Mapping[str, int]) -> Pair | Absent:
    """The pair of a thread with these registers, which has passed [1] of the memop.

    Raises:
        LayoutError: the runtime does not tell where the address is.
    """
    pointer = registers.get(f"x{register_number(runtime, 'address')}")
    core = role_value(runtime, "host_core_id", registers)
    shared = runtime.shared_tag
    if isinstance(shared, Absent):
        return shared
    if pointer is None or core is None:
        return Absent(Reason.UNREADABLE, "the registers of the memop")
    insert = next((word.mode for word in state.words if word.part == 1), NOT_APPLICABLE)
    access = next((word.mode for word in state.words if word.part == 2), NOT_APPLICABLE)
    if isinstance(insert, Absent):
        return insert
    now = core & _TAG if insert is Mode.LOCAL else shared
    return Pair(logical_tag(pointer), now, access, shared)
