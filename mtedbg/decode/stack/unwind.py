"""From a frame of JIT code to whoever called it, by its range, or the schema's `caller` lines.

A range that says what frame it has is a function of its own. Otherwise JIT code has one frame,
however deep the guest's calls are: what an entry stub has set up. At the first two instructions of
that stub it is not there yet, at a RET it is there no more; at all of them x30 is still, or again,
the return address (contract `jit.frame = record`).
"""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.code.details import rules_of
from mtedbg.decode.stack.cfi import unwind
from mtedbg.layout import Requirements, Runtime
from mtedbg.layout.schema import Saved
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.model.code import Block, FrameKind, Place, Range
from mtedbg.model.pointer import strip

NEEDS = CODEMAP_NEEDS | Requirements(contracts={"jit.frame": "record"})

KEPT = tuple(f"x{number}" for number in range(19, 30))
"""What a callee gives back as it got it (AAPCS64 6.1.1)."""

_WORD = (1 << 64) - 1
_WORD_SIZE = 4
_RET = 0xD65F03C0
_RECORD = 16
"""Bytes of a frame record."""


def caller_of(
    runtime: Runtime, place: Place, registers: Mapping[str, int]
) -> dict[str, int] | Absent:
    """The registers of whoever entered JIT code: pc, sp, and x19 to x29.

    After a call x30 is not known: what needs it is absent then.

    Args:
        runtime: of the code.
        place: of the PC, which is in JIT code.
        registers: there: pc, sp, and x19 to x30.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    if _range_frame(place) == FrameKind.CALL_FRAMES:
        return _by_call_frames(runtime, place, registers)
    bare = _bare_stack(runtime, place)
    if bare is None and (frame := _frame(place)):
        return _above_record(runtime, registers, *frame)
    if not _tells_frame(place):
        runtime.layout.require(NEEDS)
    if bare is not None:
        found = {name: registers[name] for name in KEPT if name in registers}
        if "x30" not in registers:
            return Absent(Reason.UNREADABLE, "register x30: it is another's after a call")
        return found | {"pc": registers["x30"], "sp": registers["sp"] + bare}
    rules = runtime.layout.schema.caller
    if not {"pc", "sp"} <= rules.keys():
        return Absent(Reason.NOT_RECORDED, "the schema does not say where pc and sp are")
    found = {name: registers[name] for name in KEPT if name in registers}
    for name, rule in rules.items():
        value = _value(runtime, rule, registers)
        if isinstance(value, Absent):
            return value
        found[name] = value
    return found


def _range_frame(place: Place) -> str:
    """What frame the range says it has; empty where it says nothing."""
    found = place.range
    return or_else(found.frame, "") if isinstance(found, Range) else ""


def _tells_frame(place: Place) -> bool:
    """Whether the range is a function that says what frame it has."""
    return _range_frame(place) in (FrameKind.LEAF, FrameKind.RECORD)


def _by_call_frames(
    runtime: Runtime, place: Place, registers: Mapping[str, int]
) -> dict[str, int] | Absent:
    assert isinstance(place.block, Block)
    rules = rules_of(runtime, place.block, place.pc)
    if isinstance(rules, Absent):
        return rules
    left = unwind(runtime.target, rules, registers)
    if isinstance(left, Absent):
        return left
    if left.return_address is None:
        return Absent(Reason.NOT_RECORDED, "call frame information: that is the outermost frame")
    return {**left.registers, "pc": left.return_address, "sp": left.cfa}


def _frame(place: Place) -> tuple[str, int] | None:
    """Where the frame record of a function is: a register, and bytes to the caller's SP.

    None where it has none, or not yet: before its first instruction.
    """
    found, block = place.range, place.block
    if not isinstance(found, Range) or isinstance(block, Absent):
        return None
    if found.frame != FrameKind.RECORD or isinstance(found.frame_size, Absent):
        return None
    into = place.pc - block.base - found.begin
    return None if not into else ("sp" if into == _WORD_SIZE else "x29", found.frame_size)


def _above_record(
    runtime: Runtime, registers: Mapping[str, int], base: str, size: int
) -> dict[str, int] | Absent:
    """The caller of a function whose frame record is at a register's value."""
    if base not in registers:
        return Absent(Reason.UNREADABLE, f"register {base}")
    record = strip(registers[base])
    data = runtime.target.read_memory(record, _RECORD)
    if isinstance(data, Absent):
        return data
    found = {name: registers[name] for name in KEPT if name in registers}
    words = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    return found | dict(zip(("x29", "pc"), words, strict=True)) | {"sp": record + size}


def _bare_stack(runtime: Runtime, place: Place) -> int | None:
    """Where there is no frame: bytes from SP to the caller's."""
    found = place.range
    if (
        isinstance(found, Range)
        and found.kind == "EntryStub"
        and not isinstance(place.block, Absent)
    ):
        into = place.pc - place.block.base - found.begin
        if into in (0, _WORD_SIZE):
            return _RECORD if into else 0  # the first pushes the record
    if isinstance(found, Range) and not isinstance(place.block, Absent):
        begins = place.pc == place.block.base + found.begin
        if found.frame == FrameKind.LEAF or (found.frame == FrameKind.RECORD and begins):
            return 0
    if place.pc % _WORD_SIZE:
        return None  # a return address, less one: the frame is there
    data = runtime.target.read_memory(place.pc, _WORD_SIZE)
    is_ret = not isinstance(data, Absent) and int.from_bytes(data, "little") == _RET
    return 0 if is_ret else None


def _value(runtime: Runtime, rule: Saved, registers: Mapping[str, int]) -> int | Absent:
    base = registers.get(rule.base)
    if base is None:
        return Absent(Reason.UNREADABLE, f"register {rule.base}")
    at = (base + rule.offset) & _WORD
    if not rule.in_memory:
        return at
    data = runtime.target.read_memory(strip(at), 8)
    return data if isinstance(data, Absent) else int.from_bytes(data, "little")
