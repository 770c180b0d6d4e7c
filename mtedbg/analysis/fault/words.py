"""A fault in words: what reports and the cause of a death say of it alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.fault import UNTOLD_TAG
from mtedbg.model.absent import Absent, Reason, or_else, present
from mtedbg.model.cause import Strength
from mtedbg.model.fault import FaultKind, Found
from mtedbg.model.pointer import granule_of, logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.analysis.fault.suspects import Suspect
    from mtedbg.analysis.interrupted import InterruptedFault
    from mtedbg.model.cause import Hypothesis

DOUBT = {
    Strength.READ: "",
    Strength.LIKELY: "probably ",
    Strength.POSSIBLE: "perhaps ",
    Strength.CHANCE: "perhaps ",
}
"""Before a possible cause: how much speaks for it."""


def headline(fault: Fault) -> str:
    """What it was, in one line: the fault, and the signal that came after it."""
    perhaps = "" if fault.is_certain else "perhaps "
    raised = present(fault.name) and fault.name.addressed
    is_other = raised and fault.tag_check is None and fault.late is None
    known = "not a tag check fault: " if is_other else ""
    return perhaps + known + "; ".join((brief(fault), *_later(fault)))


def brief(fault: Fault) -> str:
    """The fault alone: not how certain it is, and not what came after it."""
    if isinstance(fault.signal, Absent) and fault.signal.reason is Reason.NOT_RECORDED:
        return f"cannot tell which fault: its signal is {fault.signal}"
    if isinstance(fault.signal, Absent) or isinstance(fault.name, Absent):
        return "no fault: this thread has not stopped on a signal"
    if fault.tag_check is FaultKind.ASYNCHRONOUS:
        how_many = _how_many(fault.suspects, compared=fault.compared)
        return f"tag check fault (asynchronous): some access before the PC; {how_many}"
    if fault.tag_check is FaultKind.SYNCHRONOUS:
        return f"tag check fault (synchronous): {_synchronous(fault)}"
    if fault.name.signal == "SIGSEGV" and isinstance(fault.signal.code, Absent):
        return f"SIGSEGV, a tag check fault or not: {fault.signal.code}"
    if fault.name.sent:
        return ", ".join(filter(None, (str(fault.name), fault.sent)))
    at = "" if isinstance(fault.address, Absent) else f" at {fault.address:#x}"
    return f"{fault.name}{at}"


def _later(fault: Fault) -> Iterator[str]:
    """The signal that came after the fault."""
    if fault.interrupted is None or isinstance(fault.later, Absent):
        return
    when = {
        Found.HANDLER: "in its handler",
        Found.RETURNED: "when its handler returned",
        Found.LEFT: "later",
    }
    yield f"{when[fault.interrupted.found]}: {fault.later}"


def _synchronous(fault: Fault) -> str:
    if isinstance(fault.address, Absent):
        return "its address is not known"
    begin = or_else(fault.begin, fault.address)
    by = f" (by {', '.join(fault.inferred.registers)})" if fault.inferred else ""
    tags = f"pointer tag {_tag(fault.pointer_tag)}{by}, memory tag {_tag(fault.memory_tag)}"
    beyond = present(fault.failed) and fault.failed != granule_of(begin)
    where = f" in granule {fault.failed:#x}" if beyond else ""
    return f"{fault.words} at {begin:#x}, {tags}{where}"


def _tag(tag: int | Absent) -> str:
    """A tag; of one that cannot be told, the note says why."""
    is_untold = isinstance(tag, Absent) and tag.reason is Reason.UNKNOWN
    return "unknown" if is_untold else str(tag)


def _how_many(suspects: Sequence[Suspect], *, compared: bool) -> str:
    if not suspects:
        if compared:
            return "no register mismatches its memory now"
        return "no pointer in its registers has a memory tag to compare with"
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
        yield from _of_handler(fault.interrupted)
    if fault.late is not None:
        yield (
            f"possible: tags are checked in mode {fault.late}, in which a tag check fault is"
            " reported late: this signal may have overtaken one"
        )
    raw, tag = fault.raw_address, fault.pointer_tag
    if isinstance(raw, Absent) or fault.tag_check is not FaultKind.SYNCHRONOUS:
        return
    told_by = _told_by(fault.interrupted)
    source = tag.detail if isinstance(tag, Absent) else f"the tag is from {told_by}"
    if fault.inferred is not None:
        source = f"the tag is that of all registers near it that mismatch; {UNTOLD_TAG.detail}"
    if told_by == _SI_ADDR:
        yield from _of_top_bits(raw, fault.has_mte_far)
    if fault.at.untold:
        yield f"{fault.at.untold}; {source}"
    elif not fault.accesses:
        unchecked = not fault.at.is_checked and fault.at.may_touch(or_else(fault.address, 0))
        how = "accesses this address unchecked" if unchecked else "does not access this address"
        yield f"the instruction at the PC {how}; {source}"
    elif present(tag) and logical_tag(raw) not in (0, tag):
        yield f"{told_by} carries tag {logical_tag(raw)}, the address of the access {tag}"
    if fault.memory_tag == tag:
        yield "the tags match now: the memory was retagged after the fault"


_SI_ADDR = "si_addr"


def _told_by(before: InterruptedFault | None) -> str:
    """What has the address of a fault."""
    return "FAR_EL1" if before is not None and before.is_exception else _SI_ADDR


def _of_top_bits(raw: int, has_mte_far: bool | Absent) -> Iterator[str]:
    """What bits 63:60 of si_addr are, where they are not 0."""
    if not raw >> 60:
        return
    said = f"bits 63:60 of si_addr ({raw >> 60:#x}) are "
    if has_mte_far is True:
        yield f"{said}the pointer's: the kernel has HWCAP3_MTE_FAR"
    elif has_mte_far is False:
        yield f"{said}undefined: the kernel has no HWCAP3_MTE_FAR"
    else:
        yield f"{said}undefined, unless the kernel has HWCAP3_MTE_FAR, which is not known here"


def _of_handler(before: InterruptedFault) -> Iterator[str]:
    if before.is_exception:
        is_in = "is in" if before.certain else "may be in"
        yield (
            f"the processor {is_in} the handler of this exception, which {before.source} tell;"
            " memory tags are as they are now"
        )
        yield from before.evidence
        return
    where = {
        Found.HANDLER: "the thread is in the handler of this fault",
        Found.RETURNED: "the thread stands where the handler of this fault returned to",
        Found.LEFT: "only a signal frame that is no longer in use tells of this fault",
    }
    yield (
        f"{where[before.found]}: its registers are those in the {before.source}, memory tags are"
        " as they are now"
    )
    yield from before.evidence
    if present(before.memory_tag):
        yield f"at the fault the memory's tag was {before.memory_tag}"


def guesses(hypotheses: Sequence[Hypothesis], whose: str = "") -> Iterator[str]:
    """What may have caused a fault, a line each, likeliest first.

    Args:
        hypotheses: in this order.
        whose: what the pointer was found in, where it is not certain that it is the culprit's.
    """
    if hypotheses and whose:
        yield f"if {whose} is the pointer of the faulting access, which is not certain:"
    for one in hypotheses:
        yield f"{DOUBT[one.strength] or 'found '}{one.what}: {'; '.join(one.reasons)}"
