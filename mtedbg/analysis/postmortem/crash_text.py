"""What a line about a crash means: for who has no core, only a log."""

from __future__ import annotations

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats.crash_text import read
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.model.crash_text import CrashText
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import logical_tag, strip
from mtedbg.model.process import SignalInfo

_NEAR = 1 << 12
"""Bytes from the fault address that a register may point."""
_MOST_NEAR = 8
_NO_ADDRESS = Absent(Reason.NOT_APPLICABLE, "an asynchronous fault has none")


@dataclass(frozen=True, slots=True)
class ExplainedCrash:
    """A crash by what a text says of it.

    Attributes:
        text: all that it says.
        tag_check: how a tag check fault was reported; None of what is something else.
        raw_address: the fault address as written, where it is one.
        pointer_tag: of a tag check fault: written out, or bits 59:56 of the address.
        memory_tag: of a synchronous one.
        near: registers that point near the fault address, by name.
    """

    text: CrashText
    tag_check: FaultKind | None
    raw_address: int | Absent
    pointer_tag: int | Absent
    memory_tag: int | Absent
    near: tuple[tuple[str, int], ...]

    @property
    def address(self) -> int | Absent:
        """The fault address without tag and PAC bits."""
        return then(self.raw_address, strip)

    @property
    def write(self) -> bool | Absent:
        """Whether it was a store."""
        syndrome = self.text.syndrome
        return syndrome if isinstance(syndrome, Absent) else syndrome.write


def explain(text: str) -> ExplainedCrash:
    """What `text` says of a crash, and what that means.

    Args:
        text: one line or many; control characters other than line breaks are of no use in it.

    Raises:
        FileFormatError: it says nothing of a crash.
    """
    found = read(text)
    if found is None:
        raise FileFormatError(
            "this text does not say why a process crashed",
            "give a line such as: signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x…",
        )
    kind = _kind(found)
    raw = _address(found, kind)
    memory = found.allocation_tag if kind is FaultKind.SYNCHRONOUS else NOT_APPLICABLE
    return ExplainedCrash(
        found, kind, raw, _pointer_tag(found, kind, raw), memory, _near(found, raw)
    )


def _kind(found: CrashText) -> FaultKind | None:
    if isinstance(found.signal, Absent):
        return None
    return name_signal(SignalInfo(found.signal, found.code, found.address)).tag_check


def _address(found: CrashText, kind: FaultKind | None) -> int | Absent:
    if kind is FaultKind.ASYNCHRONOUS:
        return _NO_ADDRESS
    if isinstance(found.address, Absent) and kind is None:
        return NOT_APPLICABLE
    return found.address


def _pointer_tag(found: CrashText, kind: FaultKind | None, raw: int | Absent) -> int | Absent:
    if kind is None:
        return NOT_APPLICABLE
    if present(found.logical_tag) or isinstance(raw, Absent):
        return found.logical_tag if kind is FaultKind.SYNCHRONOUS else NOT_APPLICABLE
    return logical_tag(raw)


def _near(found: CrashText, raw: int | Absent) -> tuple[tuple[str, int], ...]:
    if isinstance(raw, Absent):
        return ()
    near = [
        (name, value)
        for name, value in found.registers.items()
        if abs(strip(value) - strip(raw)) < _NEAR
    ]
    return tuple(near[:_MOST_NEAR])
