"""The frames of a death that matter, as they are in every run of the same build."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_files import guest_place
from mtedbg.analysis.code.jits import guest_of
from mtedbg.analysis.code.symbolize import NOWHERE, region_at, symbolize
from mtedbg.analysis.fault.death import death
from mtedbg.analysis.fault.guest_death import guest_death, killed_guests
from mtedbg.analysis.postmortem.recorded import recorded_calls
from mtedbg.analysis.postmortem.relevant import is_relevant, plain
from mtedbg.analysis.stacks.foreign_calls import guest_chain
from mtedbg.analysis.stacks.host_calls import FrameKind, How, calls_from
from mtedbg.dataclass import dataclass, replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present, then
from mtedbg.model.triage import Call
from mtedbg.session import once
from mtedbg.target import ModuleFinder

if TYPE_CHECKING:
    from mtedbg.analysis.code.symbolize import InJit
    from mtedbg.analysis.stacks.guest_calls import GuestLevel
    from mtedbg.analysis.stacks.host_calls import HostFrame
    from mtedbg.session import Session

MOST = 16
"""Frames that are kept: those beyond the deciding ones tell whether a group is mixed."""
DECIDING = 4
"""Frames that tell a crash from others. One is not enough: all uses of a freed object through one
accessor would be one; more split what is one bug by who came by."""

_LARGEST_FRAME = 1 << 20
_FEW = 3
"""Frames that matter: with fewer, of code without frame information, the stack is looked at."""
_SCANNED = 4096
"""Bytes of stack that are looked at then."""
_GUESSES = 2
"""Words on the stack that are taken for return addresses."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The frames that matter.

    Attributes:
        calls: the innermost first, at most `MOST`; what calls itself is there once.
        rooted: whether the last of them is where its thread began.
        guest: name of the file of a translated program that the innermost is in; else empty.
        deciding: how many of them, from the innermost, tell this crash from others.
    """

    calls: tuple[Call, ...] = ()
    rooted: bool = False
    guest: str = ""

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
    everything, guest = _recorded(session), ""
    own_doing = guest_death(session)
    if own_doing is not None:
        everything, guest = _of_levels(own_doing.levels)
    elif killed := killed_guests(session):
        everything, guest = _of_levels(killed[0].levels)
    if not everything:
        everything, guest = _walked(session)
    kept = [(at, one) for at, one in enumerate(everything) if is_relevant(one.module, one.function)]
    once: list[tuple[int, Call]] = []
    for at, one in kept:
        if not once or not _same(once[-1][1], one):
            once.append((at, one))
    if not once:  # libraries alone: they are all that there is to tell it by
        return Calls(tuple(everything[:DECIDING]), guest=guest)
    found = once[:MOST]
    rooted = len(found) == len(once) and _is_root(everything, found) and not found[-1][1].guess
    return Calls(tuple(one for _, one in found), rooted, guest)


def _of_levels(levels: Sequence[GuestLevel]) -> tuple[list[Call], str]:
    """The guest's own frames, and the file of the innermost that matters, else of the outermost."""
    made: list[Call] = []
    for level in levels:
        if level.inlined or isinstance(level.rip, Absent):
            continue
        name, into = or_else(level.function, ""), or_else(level.offset, 0)
        if isinstance(level.program, Absent):
            made.append(Call("", "", 0, plain(name) or "nowhere"))
            continue
        whose = level.program
        offset = level.rip - whose.bias
        build_id, guess = whose.build_id.hex(), level.hypothesis
        made.append(Call(whose.name, build_id, offset, plain(name), into, guess=guess))
    mattering = (one.module for one in made if is_relevant(one.module, one.function))
    return made, next(filter(None, mattering), made[-1].module if made else "")


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


def _walked(session: Session) -> tuple[list[Call], str]:
    """The frames, and the file of a translated program that they are of."""
    # From the fault on: without what its handler called. No lines of source: a name is enough.
    frames = calls_from(session, registers_of_death(session), lines=False).frames
    inner = [0, *(_record(session, frame) for frame in frames)]
    made: list[Call] = []
    guest = ""
    for level, frame in enumerate(frames):
        size = _size(inner[level], inner[level + 1])
        made.append(replace(_of_frame(session, frame), size=size))
        if not guest and _is_of_guest(frame):
            callers = list(_guest_callers(session, frame))
            guest = next((one.module for one in (made[-1], *callers) if one.module), "")
            made += callers
    if len(made) > 1 and _is_entry(made):
        made[-1] = replace(made[-1], function="_start")
    if _is_complete(frames, made):
        return made, guest
    near = 1 + sum(one.guess for one in made[:2])  # x30 is nearer than the stack
    return [*made[:near], *_on_the_stack(session, made), *made[near:]], guest


def _is_of_guest(frame: HostFrame) -> bool:
    """Whether a frame is of code that a translator without a debug root made of a guest's."""
    jit = frame.place.jit
    foreign = jit.foreign if present(jit) else None
    return foreign is not None and present(foreign.guest_rip)


def _guest_callers(session: Session, frame: HostFrame) -> Iterator[Call]:
    """Who called the guest's function that a frame of translated code is of."""
    guest = guest_of(session, frame.pc - 1 if frame.after_call else frame.pc, frame.registers)
    if isinstance(guest, Absent):
        return
    for one in guest_chain(session, guest)[0][1:]:
        if isinstance(one.rip, Absent) or not one.place.file:
            return
        symbol = one.place.symbol
        name, into = (symbol.name, symbol.offset) if present(symbol) else ("", 0)
        yield _call(session, one.rip, name, into)


def _is_complete(frames: Sequence[HostFrame], made: Sequence[Call]) -> bool:
    """Whether the walk has missed no frame, as far as is known."""
    known = sum(is_relevant(one.module, one.function) for one in made)
    hows = [one.how for one in frames[1:]]
    return known >= _FEW or not frames or bool(hows and hows[0] in (How.CFI, How.RUNTIME))


def _on_the_stack(session: Session, known: Sequence[Call]) -> list[Call]:
    """What seem to be return addresses, where no frame information tells which words are.

    Of code without frame pointers, in a core without its program: these words are the same in every
    run of a crash, whatever they are. Nothing is said of them but that they tell it from others.
    """
    registers = registers_of_death(session)
    start, record = (session.strip(registers.get(name, 0)) & ~15 for name in ("sp", "x29"))
    seen = {(one.module, one.offset) for one in known}
    found: list[Call] = []
    whole = start < record <= start + _SCANNED
    for one in _code_on_the_stack(session, start, record if whole else start + _SCANNED):
        if (one.module, one.offset) not in seen and is_relevant(one.module, ""):
            seen.add((one.module, one.offset))
            found.append(replace(one, guess=True))
    if not whole:  # how far up the calls of this thread go is not known
        return found[:1]
    # The last is of who began the thread: x29 is still that of the library that called it.
    return found[: max(1, min(len(found) - 1, _GUESSES))]


def _code_on_the_stack(session: Session, start: int, end: int) -> Iterator[Call]:
    """The words that are places in executable memory."""
    for at in range(start, end, 16) if start else ():
        data = session.target.read_memory(at, 16)
        if isinstance(data, Absent):
            return
        for word in struct.unpack("<QQ", data):
            address = session.strip(word)
            region = region_at(session, address) if address and address % 4 == 0 else None
            if region is not None and "x" in region.perms:
                yield _call(session, address, "", 0)


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


def _of_frame(session: Session, frame: HostFrame) -> Call:
    guess = frame.kind is FrameKind.HYPOTHESIS
    return replace(_known(session, frame), guess=True) if guess else _known(session, frame)


def _known(session: Session, frame: HostFrame) -> Call:
    jit, symbol = frame.place.jit, frame.place.symbol
    if present(jit):
        return _of_guest(session, jit) or Call("", "", 0, jit.function or frame.place.code)
    if frame.place.code == NOWHERE:
        return Call("", "", 0, "nowhere")
    if present(symbol):
        return _call(session, frame.pc, symbol.name, symbol.offset)
    return _call(session, frame.pc, "", 0)


def _of_guest(session: Session, jit: InJit) -> Call | None:
    """A frame of translated code by its place in the guest's own file; None where it has none."""
    rip = NOT_APPLICABLE if jit.foreign is None else jit.foreign.guest_rip
    if isinstance(rip, Absent):
        return None
    found = guest_place(session, rip)
    if not found.file:
        return None
    symbol = found.symbol
    return (
        _call(session, rip, symbol.name, symbol.offset)
        if present(symbol)
        else _call(session, rip, "", 0)
    )


@once
def _finder(session: Session) -> ModuleFinder | None:
    """The target where it knows files: to ask that of each frame takes longer than its answer."""
    return session.target if isinstance(session.target, ModuleFinder) else None


def _call(session: Session, pc: int, function: str, into: int) -> Call:
    finder = _finder(session)
    where = None if finder is None else finder.module_at(pc)
    if where is None or isinstance(where, Absent):
        return Call("", "", 0, plain(function), into)
    name = PurePosixPath(where.name.removesuffix(" (deleted)")).name
    return Call(name, where.build_id, where.offset, plain(function), into)
