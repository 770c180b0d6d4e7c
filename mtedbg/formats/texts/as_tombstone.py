"""What a text says of a crash as a tombstone, and the other way: one target, one row for all."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.formats.siginfo import (
    SEGV_MTEAERR,
    SEGV_MTESERR,
    SIGSEGV,
    code_name,
    signal_name,
)
from mtedbg.formats.tombstone import Dump, Tombstone, TombstoneThread
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.crash_text import (
    NOT_IN_TEXT,
    CrashText,
    TagRow,
    TextCause,
    TextFrame,
    TextStack,
)
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import GRANULE, strip
from mtedbg.model.process import SignalInfo
from mtedbg.model.recorded import RecordedCall, RecordedFact

_NO_SIGNAL = Absent(Reason.NOT_RECORDED, "not in this text")
_KNOWN = frozenset((*(f"x{n}" for n in range(31)), "sp", "pc", "pstate"))


def as_tombstone(found: CrashText) -> Tombstone:
    """The tombstone that this text amounts to."""
    data = bytearray()
    dumps = tuple(_dumps(found, data))
    registers = {name: value for name, value in found.registers.items() if name in _KNOWN}
    control = found.control if isinstance(found.control, int) else None
    thread = TombstoneThread(
        or_else(found.tid, 0), found.thread, registers, tuple(map(_call, found.frames)), control
    )
    time = next((text for about, text in found.facts if about == "time"), found.time)
    return Tombstone(
        bytes(data), found.pid, found.process, time, _signal(found), (thread,), (), dumps,
        tuple(_facts(found)), is_text=True,
    )  # fmt: skip


def _signal(found: CrashText) -> SignalInfo | Absent:
    """The signal; of a system that has none, the one that stands for a tag check fault."""
    kind = found.tag_check
    if isinstance(kind, FaultKind) and not found.software:
        code = SEGV_MTESERR if kind is FaultKind.SYNCHRONOUS else SEGV_MTEAERR
        address = found.address if kind is FaultKind.SYNCHRONOUS else NOT_APPLICABLE
        return SignalInfo(SIGSEGV, code, address)
    if isinstance(found.signal, Absent):
        return _NO_SIGNAL
    sent = isinstance(found.code, int) and found.code <= 0
    return SignalInfo(found.signal, found.code, NOT_APPLICABLE if sent else found.address)


def _call(frame: TextFrame) -> RecordedCall:
    return RecordedCall(
        frame.pc if isinstance(frame.pc, Absent) else strip(frame.pc),
        frame.function,
        or_else(frame.function_offset, 0),
        frame.file,
        or_else(frame.file_offset, 0),
        frame.build_id,
    )


def _dumps(found: CrashText, data: bytearray) -> Iterator[Dump]:
    if found.tag_bits > 4:
        return
    for row in found.tags:
        if row.start % GRANULE == 0:
            first = len(data)
            data += row.tags
            yield Dump(strip(row.start), (0, 0), (first, len(data)))


def _facts(found: CrashText) -> Iterator[RecordedFact]:
    yield RecordedFact("written by", found.source or "nobody in particular")
    if found.software and isinstance(found.tag_check, FaultKind):
        yield RecordedFact("kind", f"software tag check fault ({found.tag_check.value})")
    for cause in found.causes:
        if cause.words:
            yield RecordedFact("cause", cause.words)
        for stack in cause.stacks:
            yield RecordedFact("stack", stack.about, tuple(map(_call, stack.frames)))
    if found.message:
        yield RecordedFact("abort message", found.message)
    if found.syndrome is not NOT_IN_TEXT and not isinstance(found.syndrome, Absent):
        yield RecordedFact("exception", found.syndrome.words)
    if found.software or found.in_kernel:
        tags = [found.logical_tag, found.allocation_tag]
        words = ", memory ".join(f"{tag:#x}" for tag in tags if isinstance(tag, int))
        if words:
            yield RecordedFact("tags", f"pointer {words}")
    if found.check_mode:
        yield RecordedFact("checks", found.check_mode)
    for about, text in found.facts:
        yield RecordedFact(about, text)


def as_text(found: Tombstone) -> CrashText:
    """What a tombstone says, as if it had been read as text: a row for `explain`."""
    thread = found.threads[0] if found.threads else TombstoneThread(0, "", {}, (), None)
    signal = found.signal
    number = NOT_IN_TEXT if isinstance(signal, Absent) else signal.number
    code = NOT_IN_TEXT if isinstance(signal, Absent) else signal.code
    address = NOT_IN_TEXT if isinstance(signal, Absent) else signal.address
    named = "" if isinstance(number, Absent) else signal_name(number)
    message = next((one.text for one in found.facts if one.about == "abort message"), "")
    return CrashText(
        source="Android", time=found.time, signal=number, signal_name=named, code=code,
        code_name=code_name(number, code)
        if isinstance(number, int) and isinstance(code, int) else "",
        address=address, allocation_tag=_tag_at(found, address),
        control=NOT_IN_TEXT if thread.control is None else thread.control,
        pid=found.pid, tid=thread.tid, thread=thread.name, process=found.process,
        causes=tuple(_causes(found)), message=message,
        frames=tuple(map(_frame, thread.calls)), registers=thread.registers,
        tags=tuple(_rows(found)),
        facts=tuple((one.about, one.text) for one in found.facts if one.about not in _CAUSES),
        killed=number != _DUMP_ASKED, notes=found.remarks,
    )  # fmt: skip


_CAUSES = ("cause", "memory error", "allocated", "freed", "abort message")
_DUMP_ASKED = 35


def _causes(found: Tombstone) -> Iterator[TextCause]:
    words = ""
    stacks: list[TextStack] = []
    for one in found.facts:
        if one.about == "cause":
            if words:
                yield TextCause(words, tuple(stacks))
            words, stacks = one.text, []
        elif one.about in ("allocated", "freed"):
            frames = tuple(map(_frame, one.calls))
            stacks.append(TextStack(f"{one.about} {one.text}", frames))
    if words:
        yield TextCause(words, tuple(stacks))


def _frame(call: RecordedCall) -> TextFrame:
    into = call.function_offset if call.function else NOT_IN_TEXT
    return TextFrame(call.function, into, call.file, call.offset, call.pc, call.build_id)


def _rows(found: Tombstone) -> Iterator[TagRow]:
    for dump in found.dumps[:_MOST_ROWS]:
        tags = bytes(found.data[dump.tags[0] : min(dump.tags[1], dump.tags[0] + _MOST_TAGS)])
        if tags:
            yield TagRow(dump.start, bytes(tag & 0xF for tag in tags))


_MOST_ROWS, _MOST_TAGS = 64, 4096


def _tag_at(found: Tombstone, address: int | Absent) -> int | Absent:
    if isinstance(address, int):
        for row in _rows(found):
            at = (strip(address) - strip(row.start)) // GRANULE
            if 0 <= at < len(row.tags):
                return row.tags[at]
    return NOT_IN_TEXT
