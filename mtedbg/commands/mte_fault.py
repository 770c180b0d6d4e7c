"""`mte-fault`: the tag check fault that a thread stopped on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.pointer import logical_tag
from mtedbg.report import Answer, Column, Kind, Record, Row, Scalar, Value

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.analysis.fault.suspects import Suspect
    from mtedbg.model.instruction import MemoryAccess
    from mtedbg.session import Session

_ASYNCHRONOUS_ADVICE = (
    "with synchronous checks (PR_MTE_TCF_SYNC) the fault would report its instruction",
)


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.fault.fault import fault
    from mtedbg.analysis.fault.guest_death import guest_death
    from mtedbg.analysis.fault.heap import suspected
    from mtedbg.analysis.fault.words import guesses

    thread = session.thread(arguments.thread)
    found, guest = fault(session, thread), guest_death(session)
    said = answer(found).noting(*guesses(*suspected(session, found)))
    return said.noting(str(guest)) if guest is not None and guest.thread == thread else said


def answer(found: Fault) -> Answer:
    """What a thread stopped on."""
    from mtedbg.analysis.fault.words import headline, remarks
    from mtedbg.analysis.tags.advice import next_step

    advice = _ASYNCHRONOUS_ADVICE if found.is_imprecise else next_step(found.memory_tag)
    return Answer(Record(_row(found)), headline(found), (*remarks(found), *advice))


def _row(found: Fault) -> Row:
    tags = tuple({"address": one.address, "tag": one.tag} for one in found.granules)
    suspects = tuple(map(_suspect, found.suspects))
    return {
        **_signal(found),
        "logical_tag": found.pointer_tag,
        "allocation_tags": tags or NOT_APPLICABLE,
        "failed_granule": found.failed,
        "access_address": found.begin if found.accesses else NOT_APPLICABLE,
        **_access(found),
        "memop": found.memop,
        "transition": found.transition,
        "found": NOT_APPLICABLE if found.interrupted is None else found.interrupted.found.value,
        "later": then(found.later, str),
        "imprecise": NOT_APPLICABLE if found.tag_check is None else found.is_imprecise,
        "candidates": suspects if found.is_imprecise else NOT_APPLICABLE,
    }


def _signal(found: Fault) -> dict[str, Value]:
    if found.interrupted is not None and found.interrupted.is_exception:
        no = NOT_APPLICABLE  # a processor has no signals
        address = {"fault_address_raw": found.raw_address, "address": found.address}
        return {"signal": no, "code": no, "code_name": no, **address}
    code = then(found.signal, lambda signal: signal.code)
    name = then(found.name, lambda name: name.code)
    return {
        "signal": then(found.name, lambda name: name.signal),
        "code": code,
        "code_name": code if isinstance(code, Absent) else name,
        "fault_address_raw": found.raw_address,
        "address": found.address,
    }


def _access(found: Fault) -> dict[str, Value]:
    return {
        "pc": found.at.pc,
        "instruction": then(found.at.instruction, lambda instruction: instruction.text),
        "access": then(found.access, lambda access: access.kind.value),
        "size": then(found.access, lambda access: access.size),
        "base_register": then(found.access, lambda access: _base_register(found, access)),
    }


def _base_register(found: Fault, access: MemoryAccess) -> Mapping[str, Scalar] | Absent:
    value = found.at.base_value
    if isinstance(value, Absent):
        return value
    return {"name": access.base_name, "value_raw": value, "tag": logical_tag(value)}


def _suspect(suspect: Suspect) -> Mapping[str, Scalar]:
    used = suspect.used
    return {
        "register": suspect.name,
        "value_raw": suspect.value,
        "tag": suspect.pointer_tag,
        "allocation_tag": suspect.memory_tag,
        "base_before": NOT_APPLICABLE if used is None else used.before,
        "distance": NOT_APPLICABLE if used is None else used.distance,
    }


COMMAND = Command(
    name="mte-fault",
    summary="The tag check fault that this thread stopped on.",
    columns=(
        Column("signal", Kind.TEXT, "the signal"),
        Column("code", Kind.COUNT, "si_code"),
        Column(
            "code_name",
            Kind.TEXT,
            "its name: SEGV_MTESERR is synchronous, SEGV_MTEAERR asynchronous",
        ),
        Column(
            "fault_address_raw",
            Kind.RAW,
            "si_addr; bits 63:60 are undefined without HWCAP3_MTE_FAR",
        ),
        Column("address", Kind.ADDRESS, "the same without its tag: any address within the access"),
        Column("logical_tag", Kind.TAG, "the pointer's tag"),
        Column("allocation_tags", Kind.LIST, "the tag of each granule that the access touches"),
        Column("failed_granule", Kind.ADDRESS, "the granule whose tag did not match"),
        Column("access_address", Kind.ADDRESS, "where the access begins, without its tag"),
        Column("pc", Kind.ADDRESS, "where the thread stopped"),
        Column("instruction", Kind.TEXT, "the instruction there"),
        Column("access", Kind.TEXT, "load, store, read-modify-write…"),
        Column("size", Kind.SIZE, "bytes that it accesses"),
        Column("base_register", Kind.LIST, "its base register: name, value, the value's tag"),
        Column("memop", Kind.COUNT, "id of the runtime's memop here"),
        Column("transition", Kind.TEXT, "what the runtime will do about it"),
        Column(
            "found",
            Kind.TEXT,
            "where it is not what the thread stopped on: handler (the thread is in its handler), "
            "returned (that has just returned), left behind (an unused signal frame tells of it)",
        ),
        Column("later", Kind.TEXT, "the signal that came after it: the one the thread stopped on"),
        Column("imprecise", Kind.FLAG, "whether the PC is not the faulting instruction"),
        Column(
            "candidates",
            Kind.LIST,
            "if imprecise: registers and stack slots with a tag mismatch, likeliest first",
        ),
    ),
    run=_run,
    details=(
        "A synchronous fault reports its address, and the PC is the faulting instruction. An "
        "asynchronous fault is reported after the access, at a later entry to the kernel: the "
        "command then lists registers that may have caused it."
    ),
    example="mte-fault --json",
    per_thread=True,
)
