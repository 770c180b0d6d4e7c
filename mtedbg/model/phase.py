"""Phases of fault handling: code addresses that a runtime publishes, and stops at them."""

import re
from enum import Enum, StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent


class Phase(StrEnum):
    """A phase, as commands spell it.

    In the order of a patch to shared; one to local has its two words reversed, one to either has
    no `PATCH_MEMOP`.
    """

    FAULT = "fault"
    LOOKUP = "lookup"
    LOCK = "lock"
    RETAG = "retag"
    BARRIER = "barrier"
    PATCH_MEMOP = "patch-memop"
    PATCH_ADDRESS = "patch-address"
    ICACHE = "icache"
    UNLOCK = "unlock"
    RESUME = "resume"


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Direction(Enum):
    """The ways a memop can be patched; the value is the word of `mte-catch`."""

    LOCAL_SHARED = "local-shared"
    SHARED_LOCAL = "shared-local"
    SHARED_EITHER = "shared-either"

    @property
    def text(self) -> str:
        """For people: "local → shared"."""
        return self.value.replace("-", " → ")


@dataclass(frozen=True, slots=True)
class PhasePoint:
    """One code address of a phase. It stands before the phase's effect.

    `phase` is a name in the schema: that of a `Phase`, or one that is not known here.
    """

    RECORD: ClassVar[str] = "PhasePoint"

    phase: str
    address: int

    @property
    def known(self) -> Phase | None:
        """The phase; None where its name is not known here."""
        name = spelled(self.phase)
        return next((one for one in Phase if one == name), None)


def spelled(phase: str) -> str:
    """A phase's name in the schema as commands spell it."""
    return _HUMP.sub("-", phase).lower()


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock of all who change tags and memops: the guest thread that holds it, 0 for none."""

    RECORD: ClassVar[str] = "Lock"

    thread: int


@dataclass(frozen=True, slots=True)
class Catch:
    """A stop at a phase that a person asked for.

    Attributes:
        phase: where in the handling of a fault.
        address: where the debugger's breakpoint is.
        direction: only patches in this direction.
        memop: only faults at the memop with this id.
        function: only faults at memops of the guest function of this name.
        thread: only this thread, by the debugger's number.
    """

    phase: Phase
    address: int
    direction: Direction | Absent = NOT_APPLICABLE
    memop: int | Absent = NOT_APPLICABLE
    function: str | Absent = NOT_APPLICABLE
    thread: int | Absent = NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Caught:
    """A catch as the debugger keeps it.

    Attributes:
        number: of the breakpoint.
        catch: what it stands for.
        enabled: whether it stops the program.
        hits: how often it did; passages that its filters let through do not count everywhere.
    """

    number: int
    catch: Catch
    enabled: bool
    hits: int
