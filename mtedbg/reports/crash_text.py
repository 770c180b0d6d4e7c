"""A line about a crash, explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present, then
from mtedbg.model.crash_text import NOT_IN_TEXT
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import is_near_null, logical_tag
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.report import Answer, Column, Kind, Record, Report, Row

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.crash_text import ExplainedCrash

T = TypeVar("T")

NAME = "explain"
COLUMNS = (
    Column("source", Kind.TEXT, "what wrote the text"),
    Column("signal", Kind.TEXT, "the signal"),
    Column("code", Kind.COUNT, "si_code"),
    Column("code_name", Kind.TEXT, "its name"),
    Column("tag_check", Kind.TEXT, "synchronous or asynchronous, if it is a tag check fault"),
    Column("fault_address_raw", Kind.RAW, "the fault address as written"),
    Column("address", Kind.ADDRESS, "the same without its tag"),
    Column("logical_tag", Kind.TAG, "the pointer's tag: written out, or bits 59:56 of the address"),
    Column("allocation_tag", Kind.TAG, "the memory's tag, if the text has it"),
    Column("access", Kind.TEXT, "load or store, if the text has it"),
    Column("exception", Kind.TEXT, "what the kernel's ESR says"),
    Column("pid", Kind.COUNT, "process id"),
    Column("tid", Kind.COUNT, "thread id"),
    Column("thread", Kind.TEXT, "name of the thread or the program"),
    Column("cause", Kind.TEXT, "the cause that the text gives"),
    Column("registers", Kind.LIST, "registers that point near the fault address"),
)
_MEANING = {
    FaultKind.SYNCHRONOUS: "the pointer's tag does not match the memory's: use after free, out of "
    "bounds, or a corrupted pointer",
    FaultKind.ASYNCHRONOUS: "asynchronous: reported after the access, so the PC and the backtrace "
    "are not those of the access, and there is no address",
}
_MORE = {
    FaultKind.SYNCHRONOUS: "a core or a tombstone has the memory's tags: `mtedbg core CORE`",
    FaultKind.ASYNCHRONOUS: 'with synchronous checks (Android: memtagMode="sync"; elsewhere'
    " PR_MTE_TCF_SYNC) the fault names its instruction and address",
}


def report(found: ExplainedCrash) -> Report:
    """What the text says, and what that means."""
    notes = (*found.text.notes, *_notes(found))
    answer = Answer(Record(_row(found)), _headline(found), notes)
    return Report(
        "explain", TargetInfo(TargetKind.TEXT, TagSource.NONE, NOT_APPLICABLE), COLUMNS, answer
    )


def _row(found: ExplainedCrash) -> Row:
    text = found.text
    near: tuple[dict[str, int | str | Absent], ...] = tuple(
        {"register": name, "value_raw": value, "tag": logical_tag(value)}
        for name, value in found.near
    )
    return {
        "source": text.source or NOT_APPLICABLE,
        "signal": text.signal_name or NOT_APPLICABLE,
        "code": text.code,
        "code_name": text.code_name or NOT_APPLICABLE,
        "tag_check": found.tag_check.value if found.tag_check else NOT_APPLICABLE,
        "fault_address_raw": found.raw_address,
        "address": found.address,
        "logical_tag": found.pointer_tag,
        "allocation_tag": found.memory_tag,
        "access": _if_told(then(found.write, _access)),
        "exception": _if_told(then(text.syndrome, lambda syndrome: syndrome.words)),
        "pid": _if_told(text.pid),
        "tid": _if_told(text.tid),
        "thread": _if_told(text.thread),
        "cause": _if_told(text.cause),
        "registers": near or NOT_APPLICABLE,
    }


def _if_told(value: T | Absent) -> T | Absent:
    """What such texts mostly do not have leaves no hole."""
    return NOT_APPLICABLE if value is NOT_IN_TEXT else value


def _access(write: bool) -> str:
    return "store" if write else "load"


def _headline(found: ExplainedCrash) -> str:
    if found.tag_check is FaultKind.ASYNCHRONOUS:
        return "tag check fault (asynchronous): some access before the PC"
    at = or_else(then(found.address, lambda address: f" at {address:#x}"), "")
    if found.tag_check is FaultKind.SYNCHRONOUS:
        access = or_else(then(found.write, _access), "access")
        tags = f"pointer tag {_tag(found.pointer_tag)}, memory tag {_tag(found.memory_tag)}"
        return f"tag check fault (synchronous): {access}{at}, {tags}"
    text = found.text
    what = f"{text.signal_name} {text.code_name}".strip()
    if not what:
        what = or_else(text.cause, "an unknown signal")
    if isinstance(text.code, Absent) and text.signal_name == "SIGSEGV":
        return f"SIGSEGV{at}, a tag check fault or not: the text has no code"
    return f"not a tag check fault: {what}{at}"


def _tag(tag: int | Absent) -> str:
    return str(tag) if present(tag) else "not given"


def _notes(found: ExplainedCrash) -> Iterator[str]:
    kind, raw = found.tag_check, found.raw_address
    if kind is not None:
        yield _MEANING[kind]
        yield from _by_tags(found)
        yield _MORE[kind]
        if present(raw):
            yield from _of_address(raw, found.pointer_tag)
    elif present(raw) and present(found.address):
        if is_near_null(found.address):
            yield "near address 0: a null pointer and an offset"
        elif tag := logical_tag(raw):
            yield f"the pointer carries tag {tag}, but this is not a tag check fault"


def _of_address(raw: int, pointer_tag: int | Absent) -> Iterator[str]:
    """What the address of a tag check fault does not say."""
    if logical_tag(raw) == 0 and pointer_tag == 0:
        yield "tag 0: without SA_EXPOSE_TAGBITS the kernel hides the tag, it may be another"
    if raw >> 60:
        yield "bits 63:60 of the address are undefined"


def _by_tags(found: ExplainedCrash) -> Iterator[str]:
    pointer, memory = found.pointer_tag, found.memory_tag
    if memory == 0 and pointer:
        yield "memory tag 0: allocators use it for freed memory and for their headers"
    elif present(memory) and memory == pointer:
        yield "the tags are equal: the memory was retagged after the fault"
