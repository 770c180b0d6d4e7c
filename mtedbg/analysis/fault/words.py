"""A fault in words: what reports and the cause of a death say of it alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import Absent, present
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.analysis.fault.suspects import Suspect
    from mtedbg.analysis.interrupted import InterruptedFault


def headline(fault: Fault) -> str:
    """What it was, in one line."""
    if isinstance(fault.signal, Absent) or isinstance(fault.name, Absent):
        return "not a tag check fault: this thread has not stopped on a signal"
    if fault.tag_check is FaultKind.ASYNCHRONOUS:
        how_many = _how_many(fault.suspects)
        return f"tag check fault (asynchronous): some access before the PC; {how_many}"
    if fault.tag_check is FaultKind.SYNCHRONOUS:
        return f"tag check fault (synchronous): {_synchronous(fault)}"
    if fault.name.signal == "SIGSEGV" and isinstance(fault.signal.code, Absent):
        return f"SIGSEGV, a tag check fault or not: {fault.signal.code}"
    at = "" if isinstance(fault.address, Absent) else f" at {fault.address:#x}"
    return f"not a tag check fault: {fault.name}{at}"


def _synchronous(fault: Fault) -> str:
    if isinstance(fault.address, Absent):
        return "its address is not known"
    what = fault.at.words if fault.accesses else "access"
    tags = f"pointer tag {fault.pointer_tag}, memory tag {fault.memory_tag}"
    return f"{what} at {fault.address:#x}, {tags}"


def _how_many(suspects: Sequence[Suspect]) -> str:
    slots = sum(suspect.register is None for suspect in suspects)
    registers = len(suspects) - slots
    words = [f"{registers} register{'s' if registers != 1 else ''}"]
    if slots:
        words.append(f"{slots} stack slot{'s' if slots > 1 else ''}")
    verb = "mismatches its" if len(suspects) == 1 else "mismatch their"
    return f"{' and '.join(words)} {verb} memory"


def remarks(fault: Fault) -> Iterator[str]:
    """What is remarkable about it, one line each; no advice."""
    if fault.interrupted is not None:
        yield from _of_handler(fault.interrupted, being_handled=fault.being_handled)
    raw, tag = fault.raw_address, fault.pointer_tag
    if isinstance(raw, Absent) or isinstance(tag, Absent):
        return
    if isinstance(fault.at.instruction, Absent):
        yield "the instruction at the PC cannot be read; the tag is from si_addr"
    elif not fault.accesses:
        yield "the instruction at the PC does not access this address; the tag is from si_addr"
    elif logical_tag(raw) not in (0, tag):
        yield f"si_addr carries tag {logical_tag(raw)}, the address of the access {tag}"
    if fault.memory_tag == tag:
        yield "the tags match now: the memory was retagged after the fault"


def _of_handler(interrupted: InterruptedFault, *, being_handled: bool) -> Iterator[str]:
    if not being_handled:
        name = name_signal(interrupted.signal)
        source = interrupted.source
        yield f"it was raised in the handler of an earlier {name.signal} {name.code}, see {source}"
        return
    yield (
        "the thread is in the handler of this fault: its registers are those in the"
        f" {interrupted.source}, memory tags are as they are now"
    )
    if present(interrupted.memory_tag):
        yield f"at the fault the memory's tag was {interrupted.memory_tag}"
