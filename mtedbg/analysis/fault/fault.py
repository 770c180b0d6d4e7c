"""The fault that a thread stopped on, and if it is a tag check fault, all about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.access import Scene, access_words, may_touch, scene, span
from mtedbg.analysis.fault.candidates import candidates
from mtedbg.analysis.interrupted import DONE, InterruptedFault, interrupted_fault
from mtedbg.analysis.tags.advice import next_step
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.fault import FaultKind, SignalName
from mtedbg.model.pointer import granule_of, granule_span, logical_tag
from mtedbg.report import Column, Report, Scalar, Value, flat

if TYPE_CHECKING:
    from mtedbg.model.process import SignalInfo
    from mtedbg.session import Session

ASYNC_ADVICE = "with synchronous checks (PR_MTE_TCF_SYNC) the fault would name its instruction"
_IMPRECISE = Absent(Reason.NOT_APPLICABLE, "asynchronous: the PC is not the culprit")


@dataclass
class _Answer:
    """A report in the making: each part adds the keys it knows."""

    keys: dict[str, Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    headline: str = ""


def _place(answer: _Answer, stopped: Scene) -> None:
    """The PC, and what the instruction there does."""
    access, base = stopped.access, stopped.base_value
    there = stopped.instruction
    answer.keys |= {
        "pc": stopped.pc,
        "instruction": there if isinstance(there, Absent) else there.text,
        "access": access if isinstance(access, Absent) else access.kind.value,
        "size": access if isinstance(access, Absent) else access.size,
        "base_register": access if isinstance(access, Absent) else base,
    }
    if not isinstance(access, Absent) and not isinstance(base, Absent):
        answer.keys["base_register"] = {
            "name": access.base_name,
            "value_raw": base,
            "tag": logical_tag(base),
        }


def _touched(session: Session, stopped: Scene, address: int, ours: bool) -> dict[int, int | Absent]:
    """The allocation tag of every granule that the access touches, by address."""
    whole = span(session, stopped) if ours else NOT_APPLICABLE
    if isinstance(whole, Absent):
        low, high = granule_span(address, 1)
    else:
        low, high = granule_span(whole[0], whole[1] - whole[0])
    return by_granule(session.target.read_tags(low, high))


def _culprit(tags: Mapping[int, int | Absent], address: int, pointer_tag: int) -> int | Absent:
    """The tag that did not match: at the fault address, or else of the first that differs."""
    at_address = tags.get(granule_of(address))
    if at_address is not None and at_address != pointer_tag:
        return at_address
    others = [tag for tag in tags.values() if tag != pointer_tag]
    return others[0] if others else pointer_tag


def _synchronous(session: Session, answer: _Answer, stopped: Scene, raw: int) -> None:
    address = session.strip(raw)
    ours = may_touch(session, stopped, address)
    pointer = stopped.pointer if ours and not isinstance(stopped.pointer, Absent) else raw
    pointer_tag = logical_tag(pointer)
    tags = _touched(session, stopped, address, ours)
    memory_tag = _culprit(tags, address, pointer_tag)
    answer.keys |= {
        "logical_tag": pointer_tag,
        "allocation_tags": tuple({"address": at, "tag": tag} for at, tag in tags.items()),
        "imprecise": False,
    }
    what = access_words(stopped) if ours else "access"
    answer.headline = (
        f"tag check fault (synchronous): {what} at {address:#x}, pointer tag {pointer_tag},"
        f" memory tag {memory_tag}"
    )
    if not ours:
        answer.notes.append(
            "the instruction at the PC does not access this address; the tag is si_addr's"
        )
    elif logical_tag(raw) not in (0, pointer_tag):
        answer.notes.append(
            f"si_addr carries tag {logical_tag(raw)}, the address of the access {pointer_tag}"
        )
    if not isinstance(stopped.pc, Absent):
        from mtedbg.analysis.fault.handling import handling

        memop, transition = handling(session, stopped.pc, tags.values())
        answer.keys |= {"memop": memop, "transition": transition}
    answer.notes += next_step(memory_tag)
    if memory_tag == pointer_tag:
        answer.notes.append("the tags match now: the memory was tagged anew after the fault")


def _asynchronous(session: Session, answer: _Answer, stopped: Scene) -> None:
    answer.keys |= dict.fromkeys(("access", "size", "base_register"), _IMPRECISE)
    answer.keys |= {"imprecise": True, "address": _IMPRECISE}
    found = (
        ()
        if isinstance(stopped.registers, Absent) or isinstance(stopped.pc, Absent)
        else candidates(session, stopped.registers, stopped.pc)
    )
    answer.keys["candidates"] = found
    answer.headline = (
        f"tag check fault (asynchronous): some access before the PC; {_how_many(found)}"
    )
    answer.notes.append(ASYNC_ADVICE)


def _how_many(found: Sequence[Mapping[str, Scalar]]) -> str:
    """How many suspects there are, in words."""
    slots = sum(str(one["register"]).startswith("[") for one in found)
    registers = len(found) - slots
    words = [f"{registers} register{'s' if registers != 1 else ''}"]
    if slots:
        words.append(f"{slots} stack slot{'s' if slots > 1 else ''}")
    return f"{' and '.join(words)} mismatch their memory"


def _signal(session: Session, answer: _Answer, info: SignalInfo, name: SignalName) -> None:
    raw = info.address if name.addressed else NOT_APPLICABLE
    answer.keys |= {
        "signal": name.signal,
        "code": info.code,
        "code_name": info.code if isinstance(info.code, Absent) else name.code,
        "fault_address_raw": raw,
        "address": raw if isinstance(raw, Absent) else session.strip(raw),
    }
    at = "" if isinstance(raw, Absent) else f" at {session.strip(raw):#x}"
    if name.signal == "SIGSEGV" and isinstance(info.code, Absent):
        answer.headline = f"SIGSEGV, a tag check fault or another: {info.code}"
        return
    answer.headline = f"not a tag check fault: {name.signal} {name.code}".rstrip() + at


def _while_handled(before: InterruptedFault) -> tuple[str, ...]:
    """What is said of a fault that is being handled."""
    note = (
        "the thread is in the handler of this fault: its registers are those in the"
        f" {before.source}, memory tags are as they are now"
    )
    if isinstance(before.memory_tag, Absent):
        return (note,)
    return (note, f"at the fault the memory's tag was {before.memory_tag}")


def _in_handler(before: InterruptedFault) -> str:
    """What is said of a fault in whose handler another signal came."""
    name = name_signal(before.signal)
    return f"it came in the handler of an earlier {name.signal} {name.code}, see {before.source}"


def fault(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """What the session's thread stopped on.

    Args:
        session: where, and which thread.
        command: name of the command that asks.
        columns: its columns.

    Raises:
        MtedbgError: there is no such thread.
    """
    answer = _Answer({column.key: NOT_APPLICABLE for column in columns})
    info = session.target.signal(session.thread())
    before = interrupted_fault(session, session.thread())
    if before is not None and isinstance(info, Absent):
        info = before.signal
        answer.notes += _while_handled(before)
        stopped = scene(session, before.registers)
    else:
        if before is not None:
            answer.notes.append(_in_handler(before))
        before = None
        stopped = scene(session)
    _place(answer, stopped)
    if isinstance(info, Absent):
        answer.keys |= dict.fromkeys(("signal", "code", "code_name"), info)
        answer.headline = "not a tag check fault: this thread has not stopped on a signal"
    else:
        name = name_signal(info)
        _signal(session, answer, info, name)
        if name.tag_check is FaultKind.ASYNCHRONOUS:
            _asynchronous(session, answer, stopped)
        elif name.tag_check is FaultKind.SYNCHRONOUS:
            if isinstance(info.address, Absent):
                answer.headline = "tag check fault (synchronous): its address is not known"
                answer.keys |= {"imprecise": False, "logical_tag": info.address}
            else:
                _synchronous(session, answer, stopped, info.address)
    if before is not None and before.done:
        answer.keys["transition"] = DONE
    return flat(
        command,
        session.info,
        columns,
        (answer.keys,),
        tuple(answer.notes),
        headline=answer.headline,
    )
