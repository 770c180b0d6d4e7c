"""What a text says of a crash, in the form of a tombstone: one target for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.formats.siginfo import SEGV_MTEAERR, SEGV_MTESERR, SIGSEGV
from mtedbg.formats.tombstone import Dump, Tombstone, TombstoneThread
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.crash_text import NOT_IN_TEXT, CrashText, TextFrame
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
        tuple(_facts(found)),
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
