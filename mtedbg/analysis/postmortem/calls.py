"""The frames of a death that matter, as they are in every run of the same build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import NOWHERE, symbolize
from mtedbg.analysis.fault.death import death
from mtedbg.analysis.postmortem.recorded import recorded_calls
from mtedbg.analysis.postmortem.relevant import is_relevant, plain
from mtedbg.analysis.stacks.host_calls import calls_from, host_calls
from mtedbg.dataclass import dataclass, replace
from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.model.triage import Call
from mtedbg.target import ModuleFinder

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.host_calls import HostFrame
    from mtedbg.session import Session

MOST = 16
"""Frames that are kept: those beyond the deciding ones tell whether a group is mixed."""
DECIDING = 4
"""Frames that tell a crash from others. One is not enough: all uses of a freed object through one
accessor would be one; more split what is one bug by who came by."""

_LARGEST_FRAME = 1 << 20


@dataclass(frozen=True, slots=True)
class Calls:
    """The frames that matter.

    Attributes:
        calls: the innermost first, at most `MOST`; what calls itself is there once.
        rooted: whether the last of them is where its thread began.
        deciding: how many of them, from the innermost, tell this crash from others.
    """

    calls: tuple[Call, ...] = ()
    rooted: bool = False

    @property
    def deciding(self) -> int:
        """Where a thread began says little of a bug that is reached from several threads."""
        count = len(self.calls)
        return min(count - 1 if self.rooted and count > 2 else count, DECIDING)


def registers_of_death(session: Session) -> Mapping[str, int]:
    """The registers at the fault that killed, else of the thread that died; none where unknown."""
    dead = death(session)
    before = dead.fault.interrupted
    if before is not None:
        return before.registers
    return or_else(session.target.registers(dead.thread), {})


def symbol_of_death(session: Session) -> str:
    """What the PC of the fault is in; empty where no symbol is known."""
    pc = session.strip(registers_of_death(session).get("pc", 0))
    return or_else(then(symbolize(session, pc).symbol, str), "") if pc else ""


def relevant_calls(session: Session) -> Calls:
    """The frames that matter of the fault that killed, else of where the thread was."""
    everything = _recorded(session) or _walked(session)
    kept = [(at, one) for at, one in enumerate(everything) if is_relevant(one.module, one.function)]
    once: list[tuple[int, Call]] = []
    for at, one in kept:
        if not once or not _same(once[-1][1], one):
            once.append((at, one))
    if not once:  # libraries alone: they are all that there is to tell it by
        return Calls(tuple(everything[:DECIDING]))
    found = once[:MOST]
    rooted = len(found) == len(once) and _is_root(everything, found)
    return Calls(tuple(one for _, one in found), rooted)


def _same(first: Call, second: Call) -> bool:
    """Whether a function called itself, as far as that is known."""
    if first.function and first.function == second.function:
        return True
    return (first.module, first.offset) == (second.module, second.offset)


def _is_root(everything: Sequence[Call], found: Sequence[tuple[int, Call]]) -> bool:
    """Whether the last frame was called by what starts threads and programs.

    Beyond it are frames of libraries alone; of a program without symbols also its `_start`, which
    is why a last frame that only libraries lie before is none that matters.
    """
    return bool(found) and found[-1][0] < len(everything) - 1


def _recorded(session: Session) -> list[Call]:
    """As they were recorded where the process died."""
    return [
        Call(PurePosixPath(one.file).name, one.build_id, one.offset, plain(one.function),
             one.function_offset)
        for one in or_else(recorded_calls(session, death(session).thread), ())
    ]  # fmt: skip


def _walked(session: Session) -> list[Call]:
    frames = _of_fault(session)
    inner = [0, *(_record(session, frame) for frame in frames)]
    made = [
        replace(_of_frame(session, frame), size=_size(inner[level], inner[level + 1]))
        for level, frame in enumerate(frames)
    ]
    if len(made) > 1 and _is_entry(made):
        made[-1] = replace(made[-1], function="_start")
    return made


def _record(session: Session, frame: HostFrame) -> int:
    """Where the frame's record is, as x29 has it; 0 where that is not known."""
    return session.strip(frame.registers.get("x29", 0))


def _size(inner: int, outer: int) -> int:
    """Bytes between the records of two frames; 0 where they are none."""
    return outer - inner if inner and inner < outer < inner + _LARGEST_FRAME else 0


def _is_entry(made: Sequence[Call]) -> bool:
    """Whether the outermost frame is a program's first: beyond frames of the C library."""
    last, before = made[-1], made[-2]
    if last.function or not last.module:
        return False
    return last.module != before.module and not is_relevant(before.module, before.function)


def _of_fault(session: Session) -> Sequence[HostFrame]:
    """The frames from the fault on, without those of its handler."""
    dead = death(session)
    calls = host_calls(session, dead.thread)
    frames = () if isinstance(calls, Absent) else calls.frames
    if dead.fault.interrupted is None:
        return frames
    return calls_from(session, dead.fault.interrupted.registers).frames


def _of_frame(session: Session, frame: HostFrame) -> Call:
    jit, symbol = frame.place.jit, frame.place.symbol
    if present(jit):
        return Call("", "", 0, jit.function or frame.place.code)
    if frame.place.code == NOWHERE:
        return Call("", "", 0, "nowhere")
    if present(symbol):
        return _call(session, frame.pc, symbol.name, symbol.offset)
    return _call(session, frame.pc, "", 0)


def _call(session: Session, pc: int, function: str, into: int) -> Call:
    target = session.target
    where = target.module_at(pc) if isinstance(target, ModuleFinder) else None
    if where is None or isinstance(where, Absent):
        return Call("", "", 0, plain(function), into)
    name = PurePosixPath(where.name.removesuffix(" (deleted)")).name
    return Call(name, where.build_id, where.offset, plain(function), into)
