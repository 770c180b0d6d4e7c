"""Call frame information of code that a JIT made: in the ELF object that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import may_be_generated
from mtedbg.analysis.code.sources.jitdump import jitdump
from mtedbg.analysis.code.sources.objects_in_memory import objects_in_memory
from mtedbg.formats.dwarf.call_frames import FrameSection
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.frame_rules import FrameRules, rules_at
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session

_SECTION = ".eh_frame"
_MOST_BYTES = 1 << 24


def foreign_rules(session: Session, pc: int) -> FrameRules | None:
    """The rules that hold at `pc`; None where no object has any.

    Args:
        session: the process.
        pc: of the instruction, or of the call, without tag and PAC bits.
    """
    if not may_be_generated(session, pc):
        return None
    place = _place(session, pc)
    section = _dumped(session, pc) if place is None else _section(session, *place)
    if section is None:
        return None
    try:
        entry = section.search(pc)
        return None if entry is None else rules_at(entry, pc)
    except DamagedError:
        return None


def _place(session: Session, pc: int) -> tuple[int, int] | None:
    """Address and size of the section for `pc`."""
    objects = session.jit_objects
    found = None if isinstance(objects, Absent) else objects.object_at(pc)
    if found is None:
        in_memory = objects_in_memory(session).object_at(pc)
        found = None if in_memory is None else in_memory.object
    section = None if found is None else found.loaded(_SECTION)
    if section is None or not 0 < section.size <= _MOST_BYTES:
        return None
    return section.address, section.size


@once
def _section(session: Session, start: int, size: int) -> FrameSection:
    return FrameSection(session.target.read_memory, start, size)


def _dumped(session: Session, pc: int) -> FrameSection | None:
    """What a jitdump file says of the code at `pc`."""
    dump = jitdump(session)
    loaded = None if isinstance(dump, Absent) else dump.loaded_at(pc)
    if isinstance(dump, Absent) or loaded is None or (found := dump.unwinding(loaded)) is None:
        return None
    base, data = found

    def read(address: int, length: int) -> bytes | Absent:
        part = data[max(address - base, 0) : max(address - base, 0) + length]
        return part if len(part) == length else Absent(Reason.DAMAGED, "it ends there")

    return FrameSection(read, base, len(data))
