"""What a block's `Details` tell: whose it is, what was inlined, what is patched, how to leave it.

Source: `MTEDBG_DETAILS_FIELDS` in `native/include/mtedbg/debug_root.h`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.decode.code.code_map import line_of
from mtedbg.formats.dwarf.call_frames import FrameSection
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.frame_rules import FrameRules, rules_at
from mtedbg.layout.memory import BULK, read_name
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.code import Block, Details, Inline, Patch, Place, Range
from mtedbg.model.pointer import strip
from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.layout.memory import RecordArray

LONGEST_NAME = 255
MOST_CALL_FRAMES = 1 << 20
"""Bytes of call frame information of one block."""
_MOST_INLINED = 64


def details_of(runtime: Runtime, block: Block) -> Details | Absent:
    """The details of `block`; does not apply where it has none.

    Raises:
        LayoutError: the runtime has details, and does not tell what they are.
    """
    address = or_else(block.details, 0)
    return runtime.record(Details, address) if address else NOT_APPLICABLE


def owner_of(runtime: Runtime, block: Block) -> str | Absent:
    """What `block` is code of; does not apply where that is not told. Raises as `details_of`."""
    return then(
        details_of(runtime, block),
        lambda one: (
            runtime.text(one.owner, one.owner_length) if one.owner_length else NOT_APPLICABLE
        ),
    )


def inlines_of(runtime: Runtime, block: Block) -> RecordArray[Inline] | Absent:
    """What was inlined in `block`, sorted by `begin`. Raises as `details_of`."""
    return then(
        details_of(runtime, block),
        lambda one: (
            runtime.records(Inline, one.inlines, one.inline_count)
            if one.inline_count
            else NOT_APPLICABLE
        ),
    )


def patches_of(runtime: Runtime, block: Block) -> RecordArray[Patch] | Absent:
    """The places in `block` that are patched, sorted by address. Raises as `details_of`."""
    return then(
        details_of(runtime, block),
        lambda one: (
            runtime.records(Patch, one.patches, one.patch_count)
            if one.patch_count
            else NOT_APPLICABLE
        ),
    )


def patch_at(runtime: Runtime, block: Block, pc: int) -> Patch | Absent:
    """The patched place that holds `pc`; does not apply where none does. Raises as above."""
    return then(
        patches_of(runtime, block),
        lambda patches: patches.holder(
            "address", pc, lambda one: one.address <= pc < one.address + one.size
        ),
    )


def patch_words(runtime: Runtime, patch: Patch) -> str:
    """A patched place for people: "patch site inline cache, written 3 times"."""
    name = or_else(read_name(runtime.target, patch.name, LONGEST_NAME), "") if patch.name else ""
    times = or_else(patch.times, 0)
    often = {0: "", 1: ", written once"}.get(times, f", written {times} times")
    return f"patch site {name}".rstrip() + often


def source_of(runtime: Runtime, place: Place) -> SourcePlace | Absent:
    """The source of JIT code, with what was inlined there; does not apply where it is not told.

    Raises:
        LayoutError: the runtime tells some of it, and not what it is.
    """
    found, block = place.range, place.block
    if not isinstance(found, Range) or not isinstance(block, Block):
        return NOT_APPLICABLE
    offset = place.pc - block.base
    line = line_of(runtime, found, offset)
    inlined = _inlined(runtime, block, offset)
    if isinstance(inlined, Absent):
        return inlined if inlined.is_hole else then(line, lambda one: SourcePlace(source=one))
    # The line table has the line of the innermost; a call's stands with what it calls.
    here: SourceLine | None = or_else(line, None)
    calls: list[InlinedCall] = []
    for one in reversed(inlined):
        name = or_else(read_name(runtime.target, one.name, LONGEST_NAME), "")
        calls.append(InlinedCall(name or "an inlined function", here))
        file = read_name(runtime.target, one.file, LONGEST_NAME) if one.file else NOT_APPLICABLE
        here = SourceLine(file, one.line) if present(file) else None
    return SourcePlace("", here, tuple(calls))


def _inlined(runtime: Runtime, block: Block, offset: int) -> list[Inline] | Absent:
    """What was inlined at `offset`, the outermost first; does not apply where nothing was."""
    array = inlines_of(runtime, block)
    if isinstance(array, Absent):
        return array
    if array.size > BULK:
        return Absent(Reason.UNKNOWN, f"{array.count} inlined functions of one block are too many")
    rows = array.all()
    if isinstance(rows, Absent):
        return rows
    found = [one for one in rows if one.begin <= offset < one.end]
    return found[-_MOST_INLINED:] if found else NOT_APPLICABLE


def call_frames_of(runtime: Runtime, block: Block) -> FrameSection | Absent:
    """The call frame information of `block`; raises as `details_of`."""
    found = details_of(runtime, block)
    if isinstance(found, Absent):
        return found
    if not found.call_frames or not found.call_frames_size:
        return NOT_APPLICABLE
    if found.call_frames_size > MOST_CALL_FRAMES:
        return Absent(Reason.DAMAGED, f"{found.call_frames_size} bytes of call frame information")
    start = strip(found.call_frames)
    return FrameSection(runtime.target.read_memory, start, found.call_frames_size)


def rules_of(runtime: Runtime, block: Block, pc: int) -> FrameRules | Absent:
    """The rules of call frame information at `pc`; raises as `details_of`."""
    section = call_frames_of(runtime, block)
    if isinstance(section, Absent):
        return section
    try:
        entry = section.search(pc)
        if entry is None:
            return Absent(Reason.NOT_RECORDED, f"no call frame information of {pc:#x}")
        return rules_at(entry, pc)
    except DamagedError as error:
        return Absent(Reason.DAMAGED, error.message)
