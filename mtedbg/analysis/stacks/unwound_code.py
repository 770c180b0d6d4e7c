"""How code of JITs is left at one stop, for a debugger that takes no unwinder: LLDB.

It is given as call frame information of that stop alone (`formats/frames_elf.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from mtedbg.analysis.code.frame_name import foreign_frame_name
from mtedbg.analysis.code.in_frame import place_in_frame
from mtedbg.analysis.code.mappings import may_interpret
from mtedbg.analysis.stacks.walk import FrameKind, How, Walk
from mtedbg.dataclass import replace
from mtedbg.formats.frames_elf import UnwoundCode, UnwoundFrame
from mtedbg.model.absent import Absent

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.walk import Found
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session

MOST = 512
"""Frames of one thread that are followed."""
MANY = "generated code"
"""What code is called whose frames have different names, as an interpreter's do."""
_INSTRUCTION, _WORD, _RECORD = 4, 8, 16
_LARGEST_FRAME = 1 << 16
_NEEDED = ("pc", "sp")


def unwound_code(session: Session, threads: Iterable[Mapping[str, int]]) -> list[UnwoundCode]:
    """The code of JITs in which threads have frames, in ascending order, and those frames.

    Code that a JIT's library has built in is left out: the library's file tells of it.

    Args:
        session: the process.
        threads: the registers of each.
    """
    spans: dict[tuple[int, int], dict[int, tuple[str, UnwoundFrame]]] = {}
    for registers in threads:
        for found, caller in _left(session, registers):
            place = place_in_frame(session, _here(found), found.registers)
            if place is None:
                continue
            span = _span(place, _here(found))
            frame = UnwoundFrame(found.registers["sp"], caller, _kept(session, found, caller))
            frames = spans.setdefault(span, {})
            frames.setdefault(frame.sp, (foreign_frame_name(place), frame))
    return [*_apart(spans)]


def _span(place: CodePlace, pc: int) -> tuple[int, int]:
    """The function's code, else the block's, else the instruction's and the next."""
    for known in (place.range, place.block):
        if not isinstance(known, Absent) and known.start <= pc < known.end:
            return known.start, known.end
    start = pc & -_INSTRUCTION
    return start, start + 2 * _INSTRUCTION


def _apart(
    spans: Mapping[tuple[int, int], Mapping[int, tuple[str, UnwoundFrame]]],
) -> Iterator[UnwoundCode]:
    """Those that do not overlap one before them: sections of a file must not."""
    last = 0
    for (start, end), frames in sorted(spans.items()):
        if start < last:
            continue
        names = {name for name, _ in frames.values()}
        name = names.pop() if len(names) == 1 else MANY
        yield UnwoundCode(start, end, name, [frame for _, frame in frames.values()])
        last = end


def _kept(session: Session, found: Found, caller: Mapping[str, int]) -> tuple[int, int] | None:
    """Where a frame has its return address, and the word there; None where none is found.

    A dead process has no other stop; LLDB 19 would not leave a frame of a core by what it reads.
    """
    if session.info.is_dead:
        return None
    sp = found.registers["sp"]
    size = min(caller["sp"] - sp, _LARGEST_FRAME) // _WORD * _WORD
    data = session.target.read_memory(sp, size) if size > 0 else b""
    if isinstance(data, Absent):
        return None
    for at in range(size - _WORD, -1, -_WORD):
        word = int.from_bytes(data[at : at + _WORD], "little")
        if session.strip(word) == caller["pc"]:
            return sp + at, word
    return None


def _here(found: Found) -> int:
    """An address of the call where a frame has called another one, else its PC."""
    return found.pc - 1 if found.returns else found.pc


def _with_stacks(frames: Iterable[Found]) -> Iterator[Found]:
    """The same; where frame records alone told of a frame, with the stack pointer that LLDB has.

    It takes the end of the callee's record for that.
    """
    below: Found | None = None
    for found in frames:
        record = None if below is None else below.registers.get("x29")
        if found.how is How.RECORD and record is not None and "sp" not in found.registers:
            yield replace(found, registers={**found.registers, "sp": record + _RECORD})
        else:
            yield found
        below = found


def _left(
    session: Session, registers: Mapping[str, int]
) -> Iterator[tuple[Found, Mapping[str, int]]]:
    """Frames in code that no file has, and the registers of the caller of each."""
    frames = [
        one for one in Walk(session, MOST).frames(registers) if one.kind is not FrameKind.HYPOTHESIS
    ]
    for found, above in pairwise(_with_stacks(frames)):
        if found.kind not in (FrameKind.JIT, FrameKind.INTERRUPTED):
            continue
        if may_interpret(session, _here(found)) or any(
            name not in one.registers for name in _NEEDED for one in (found, above)
        ):
            continue
        yield found, {**above.registers, "pc": above.pc}
