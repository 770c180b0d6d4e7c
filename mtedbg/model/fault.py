"""Signals by name, and tag check faults."""

from enum import Enum, StrEnum

from mtedbg.dataclass import dataclass


class FaultKind(Enum):
    """How a tag check fault was reported."""

    SYNCHRONOUS = "synchronous"
    ASYNCHRONOUS = "asynchronous"


class Found(StrEnum):
    """How a fault was found; the value is what JSON says."""

    SIGNAL = "signal"
    """The thread has stopped on it."""
    HANDLER = "handler"
    """The thread is in its handler."""
    RETURNED = "returned"
    """Its handler has returned, and the thread has executed nothing since."""
    LEFT = "left behind"
    """A signal frame that is no longer in use tells of it."""


@dataclass(frozen=True, slots=True)
class SignalName:
    """A signal as the kernel's headers name it.

    Attributes:
        signal: "SIGSEGV".
        code: "SEGV_MTESERR"; "si_code 77" where the number has no name.
        addressed: whether si_addr is the address of a fault, and not the sender's process id.
        tag_check: how, where it is a tag check fault; None where it is something else.
        sent: whether the code says that a process or the kernel sent it: SI_USER, SI_TKILL.
    """

    signal: str
    code: str
    addressed: bool
    tag_check: FaultKind | None
    sent: bool

    def __str__(self) -> str:
        return f"{self.signal} {self.code}".rstrip()
