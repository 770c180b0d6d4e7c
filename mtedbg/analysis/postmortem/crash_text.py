"""What a line about a crash means: for who has no core, only a log."""

from __future__ import annotations

from mtedbg.errors import FileFormatError
from mtedbg.formats.crash_text import read
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.crash_text import NOT_IN_TEXT, CrashText
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import is_near_null, logical_tag, strip
from mtedbg.model.process import SignalInfo, TargetInfo
from mtedbg.report import Column, Kind, Report, Row, Value, flat

COLUMNS = (
    Column("source", Kind.TEXT, "who writes such text"),
    Column("signal", Kind.TEXT, "the signal"),
    Column("code", Kind.COUNT, "si_code"),
    Column("code_name", Kind.TEXT, "its name"),
    Column("tag_check", Kind.TEXT, "synchronous or asynchronous, where it is a tag check fault"),
    Column("fault_address_raw", Kind.RAW, "the fault address as written"),
    Column("address", Kind.ADDRESS, "the same without tag"),
    Column("logical_tag", Kind.TAG, "the pointer's tag: written out, or bits 59:56 of the address"),
    Column("allocation_tag", Kind.TAG, "the memory's tag, where the text has it"),
    Column("access", Kind.TEXT, "load or store, where the text has it"),
    Column("exception", Kind.TEXT, "what the kernel's ESR says"),
    Column("pid", Kind.COUNT, "process id"),
    Column("tid", Kind.COUNT, "thread id"),
    Column("thread", Kind.TEXT, "name of the thread or the program"),
    Column("cause", Kind.TEXT, "what the writer of the text thought that it was"),
    Column("registers", Kind.LIST, "registers that point near the fault address"),
)
_NEAR = 1 << 12
_MOST_NAMED = 8
_INFO = TargetInfo("text", "none", Absent(Reason.NOT_APPLICABLE))

_SYNCHRONOUS = (
    "the access used a pointer whose tag is not the memory's: memory that was freed, or beyond"
    " its bounds, or a pointer that was made up"
)
_ASYNCHRONOUS = (
    "the cpu noted the mismatch and the kernel told it later: the PC and the backtrace are not"
    " the culprit's, and there is no address"
)
_MORE = {
    FaultKind.SYNCHRONOUS: "a core or a tombstone has the memory's tags: `mtedbg core CORE`",
    FaultKind.ASYNCHRONOUS: 'with synchronous checks (Android: memtagMode="sync"; elsewhere'
    " PR_MTE_TCF_SYNC) the fault names its instruction and address",
}


def explain(text: str) -> Report:
    """What `text` says of a crash, and what that means.

    Args:
        text: one line or many; control characters other than line breaks are of no use in it.

    Raises:
        FileFormatError: it says nothing of a crash.
    """
    told = read(text)
    if told is None:
        raise FileFormatError(
            "nothing in this text says how a process died",
            "give a line such as: signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x…",
        )
    kind = _kind(told)
    row = _row(told, kind)
    notes = (*told.notes, *_notes(kind, row))
    return flat("explain", _INFO, COLUMNS, (row,), notes, headline=_headline(told, kind, row))


def _kind(told: CrashText) -> FaultKind | None:
    if isinstance(told.signal, Absent):
        return None
    return name_signal(SignalInfo(told.signal, told.code, told.address)).tag_check


def _row(told: CrashText, kind: FaultKind | None) -> dict[str, Value]:
    raw, synchronous = _address(told, kind), kind is FaultKind.SYNCHRONOUS
    syndrome = told.syndrome
    write = syndrome if isinstance(syndrome, Absent) else syndrome.write
    values: dict[str, Value] = {
        "source": told.source or NOT_APPLICABLE,
        "signal": told.signal_name or NOT_APPLICABLE,
        "code": told.code,
        "code_name": told.code_name or NOT_APPLICABLE,
        "tag_check": kind.value if kind else NOT_APPLICABLE,
        "fault_address_raw": raw,
        "address": raw if isinstance(raw, Absent) else strip(raw),
        "logical_tag": _pointer_tag(told, kind, raw),
        "allocation_tag": told.allocation_tag if synchronous else NOT_APPLICABLE,
        "access": write if isinstance(write, Absent) else "store" if write else "load",
        "exception": syndrome if isinstance(syndrome, Absent) else syndrome.words,
        "pid": told.pid,
        "tid": told.tid,
        "thread": told.thread,
        "cause": told.cause,
        "registers": _registers(told, raw) or NOT_APPLICABLE,
    }
    needed = ("code", "fault_address_raw", "address", "logical_tag", "allocation_tag")
    # What such lines mostly do not have leaves no hole.
    return {
        key: NOT_APPLICABLE if value is NOT_IN_TEXT and key not in needed else value
        for key, value in values.items()
    }


def _address(told: CrashText, kind: FaultKind | None) -> int | Absent:
    if kind is FaultKind.ASYNCHRONOUS:
        return Absent(Reason.NOT_APPLICABLE, "an asynchronous fault has none")
    if isinstance(told.address, Absent) and kind is None:
        return NOT_APPLICABLE
    return told.address


def _pointer_tag(told: CrashText, kind: FaultKind | None, raw: int | Absent) -> int | Absent:
    if kind is None:
        return NOT_APPLICABLE
    if isinstance(told.logical_tag, int) or isinstance(raw, Absent):
        return told.logical_tag if kind is FaultKind.SYNCHRONOUS else NOT_APPLICABLE
    return logical_tag(raw)


def _registers(told: CrashText, raw: int | Absent) -> tuple[dict[str, int | str | Absent], ...]:
    if isinstance(raw, Absent):
        return ()
    near = [
        (name, value)
        for name, value in told.registers.items()
        if abs(strip(value) - strip(raw)) < _NEAR
    ]
    return tuple(
        {"register": name, "value_raw": value, "tag": logical_tag(value)}
        for name, value in near[:_MOST_NAMED]
    )


def _headline(told: CrashText, kind: FaultKind | None, row: Row) -> str:
    if kind is FaultKind.ASYNCHRONOUS:
        return "tag check fault (asynchronous): some access before the PC"
    address = row["address"]
    at = f" at {address:#x}" if isinstance(address, int) else ""
    if kind is FaultKind.SYNCHRONOUS:
        access = row["access"] if isinstance(row["access"], str) else "access"
        tags = f"pointer tag {_tag(row['logical_tag'])}, memory tag {_tag(row['allocation_tag'])}"
        return f"tag check fault (synchronous): {access}{at}, {tags}"
    what = f"{told.signal_name} {told.code_name}".strip()
    if not what:
        what = told.cause if isinstance(told.cause, str) else "an unknown signal"
    if isinstance(told.code, Absent) and told.signal_name == "SIGSEGV":
        return f"SIGSEGV{at}, a tag check fault or another: the text has no code"
    return f"not a tag check fault: {what}{at}"


def _tag(value: Value) -> str:
    return str(value) if isinstance(value, int) else "not told"


def _notes(kind: FaultKind | None, row: Row) -> list[str]:
    notes = []
    raw = row["fault_address_raw"]
    if kind is not None:
        notes.append(_SYNCHRONOUS if kind is FaultKind.SYNCHRONOUS else _ASYNCHRONOUS)
        notes += _by_tags(row)
        notes.append(_MORE[kind])
    elif isinstance(raw, int):
        if is_near_null(strip(raw)):
            notes.append("near address 0: a null pointer and an offset")
        elif tag := logical_tag(raw):
            notes.append(f"the pointer carries tag {tag}, but it is not the tag that faulted")
    if kind and isinstance(raw, int) and logical_tag(raw) == 0 and row["logical_tag"] == 0:
        notes.append("tag 0: without SA_EXPOSE_TAGBITS the kernel hides the tag, it may be another")
    if isinstance(raw, int) and raw >> 60 and kind:
        notes.append("bits 63:60 of the address are undefined, they say nothing")
    return notes


def _by_tags(row: Row) -> list[str]:
    pointer, memory = row["logical_tag"], row["allocation_tag"]
    if memory == 0 and pointer:
        return ["memory tag 0: what allocators give to freed memory and to their headers"]
    if isinstance(memory, int) and memory == pointer:
        return ["the tags are equal: the memory was tagged anew after the fault"]
    return []
