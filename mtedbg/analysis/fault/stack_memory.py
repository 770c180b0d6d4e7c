"""The variables of a thread's frames: what of its stack was given out to whom.

Debug information has the place of each by the frame's registers, and calls have those. Whether a
variable may be used tells its scope, and its tag: what has left its scope has the stack pointer's
tag again (LLVM, AArch64StackTagging.cpp), which is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename
from typing import TYPE_CHECKING

from mtedbg.analysis.code.source import debug_info
from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.fault.death import death
from mtedbg.analysis.stacks.host_calls import HostFrame, host_calls
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.variables import FRAME_BASE
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.session import once
from mtedbg.target import DebugFileFinder

if TYPE_CHECKING:
    from mtedbg.formats.dwarf.variables import StackVariable, StackVariables
    from mtedbg.model.memory import Region
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

NAME = "stack"
_MOST_FRAMES = 32
_MOST_THREADS = 64
_MOST_SIZE = 1 << 24


@dataclass(frozen=True, slots=True)
class StackAround:
    """A thread's stack, as far as it matters for an access to it.

    Attributes:
        thread: whose.
        sp: where its innermost frame that matters ends: nothing below it is in use.
        variables: of its frames, those that are known, the innermost first.
        frames: how many frames were looked at.
    """

    thread: Thread
    sp: int
    variables: tuple[MemoryObject, ...]
    frames: int


@once
def stack_at(session: Session, address: int, pc: int) -> StackAround | None:
    """The stack that holds an address; None where it is no stack.

    Args:
        session: where.
        address: without tag.
        pc: of the access: frames within, of a handler of it, do not count.
    """
    region = region_at(session, address)
    if region is None or region.tagged is False:
        return None
    # The calls of a thousand threads take long: only those are asked for whose stack it may be.
    threads = session.target.threads()[:_MOST_THREADS]
    on_it = [one for one in threads if _is_in(region, _sp(session, one))]
    for thread in (*on_it, death(session).thread):
        sp = _sp(session, thread)
        calls = host_calls(session, thread)
        frames = () if isinstance(calls, Absent) else calls.frames
        # Where a handler runs elsewhere the frames of what it interrupted are on this stack.
        inner = next((number for number, one in enumerate(frames) if one.pc == pc), 0)
        frames = frames[inner : inner + _MOST_FRAMES]
        own = session.strip(frames[0].registers.get("sp", sp)) if frames else sp
        if _is_in(region, own) or _is_in(region, sp):
            if not _is_in(region, own):
                own = sp
            found = tuple(one for frame in frames for one in _variables(session, frame))
            return StackAround(thread, own, found, len(frames))
    return None


def _sp(session: Session, thread: Thread) -> int:
    return session.strip(or_else(session.target.registers(thread), {}).get("sp", 0))


def _is_in(region: Region, stack: int) -> bool:
    """Whether a stack pointer is in a mapping: that of an empty stack is at its end."""
    return region.start <= stack <= region.end


def _variables(session: Session, frame: HostFrame) -> Iterator[MemoryObject]:
    target = session.target
    if not isinstance(target, DebugFileFinder) or not frame.registers:
        return
    # A return address is after its call: the call may be the last instruction of its block.
    pc = frame.pc - 1 if frame.after_call else frame.pc
    for file in target.debug_files_at(frame.pc):
        known = debug_info(session, file)
        found = known.variables_at(pc - file.bias) if known and known.is_there else None
        if found is None:
            continue
        for one in found.variables:
            if (made := _as_object(session, frame, found, one, pc - file.bias)) is not None:
                yield made
        return


def _as_object(
    session: Session, frame: HostFrame, function: StackVariables, one: StackVariable, pc: int
) -> MemoryObject | None:
    base = function.base if one.base == FRAME_BASE else one.base
    if base is None or one.tag_offset is None or not 0 < one.size <= _MOST_SIZE:
        return None
    value = frame.cfa if base == FRAME_BASE else frame.registers.get(_register(base))
    if value is None or isinstance(value, Absent):
        return None
    start = session.strip(value + one.offset)
    live = one.in_scope(pc) and or_else(tag_at(session, start), 0) != 0
    file = basename(function.files.get(one.file, ""))
    return MemoryObject(
        NAME,
        start,
        one.size,
        ObjectState.LIVE if live else ObjectState.FREED,
        name=one.name,
        function=function.function,
        source=f"{file}:{one.line}" if file and one.line else "",
    )


def _register(number: int) -> str:
    return "sp" if number == 31 else f"x{number}"
