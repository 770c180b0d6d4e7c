"""From a frame in code of a JIT without a debug root to its caller: for a debugger's own backtrace.

The walk of mtedbg's own (`walk.py`) does the same with more checks; a debugger has its own.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.foreign_rules import foreign_rules
from mtedbg.analysis.code.jits import unwound
from mtedbg.analysis.code.mappings import mapping_of, may_be_generated, may_interpret
from mtedbg.analysis.code.symbolize import foreign_place
from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.analysis.stacks.walk import frame_tables
from mtedbg.decode.stack.cfi import unwind
from mtedbg.decode.stack.host_stack import frame_record
from mtedbg.decode.stack.leaf import LONGEST, is_leaf
from mtedbg.decode.stack.return_address import follows_call
from mtedbg.formats.dwarf.frame_rules import SP, Kind
from mtedbg.model.absent import Absent, present
from mtedbg.model.foreign_code import CodeSource

if TYPE_CHECKING:
    from mtedbg.session import Session

_RECORD_SIZE, _FRAME = 16, 29
_COMPILED = (CodeSource.JIT_INTERFACE, CodeSource.OBJECT)
_KEPT = [f"x{number}" for number in range(19, 30)]


def caller_registers(
    session: Session, pc: int, registers: Mapping[str, int], *, after_call: bool
) -> Mapping[str, int] | Absent | None:
    """The registers of whoever called the code at `pc`: pc, sp, and those that are known.

    By what the JIT knows of its frames, else by call frame information of its objects, else by x30
    in a function that has no frame, else by the frame record at x29.

    Args:
        session: the process; its memory alone is read.
        pc: of a frame, without tag and PAC bits.
        registers: of that frame.
        after_call: whether `pc` is a return address.

    Returns:
        None where there is nothing to go by.
    """
    here = pc - 1 if after_call and pc else pc
    found = unwound(session, here, registers)
    if found is not None:
        return found
    rules = foreign_rules(session, here)
    if rules is not None:
        left = unwind(session.target, rules, registers)
        if not isinstance(left, Absent) and left.return_address:
            return {**left.registers, "pc": session.strip(left.return_address)}
    if rules is None and not after_call:
        leaf = _out_of_leaf(session, pc, registers)
        if leaf is not None:
            return leaf
    frame = session.strip(registers.get("x29", 0))
    record = frame_record(session.target, frame) if frame else None
    if record is None or isinstance(record, Absent) or not record[1]:
        return None
    caller = {"x29": record[0], "pc": session.strip(record[1])}
    region = mapping_of(session, caller["pc"])
    if not isinstance(region, Absent) and not any(one in region.perms for one in "x?"):
        return None
    stack = stack_of_compiled(session, caller["pc"], session.strip(record[0]))
    if stack is not None:
        # A JIT may use x19 to x28 as it likes: what the compiler's function had there is not known.
        return {**caller, "sp": stack} if stack > frame else None
    kept = {f"x{n}": registers[f"x{n}"] for n in range(19, 29) if f"x{n}" in registers}
    return {**kept, **caller, "sp": frame + _RECORD_SIZE}


def _out_of_leaf(
    session: Session, pc: int, registers: Mapping[str, int]
) -> Mapping[str, int] | None:
    """The caller of a function of a compiler's that has no frame; None where it may have one.

    A compiler gives no call frame information to a function that needs none. Traces and stubs,
    which others tell of, are no functions: there x30 may be anything.
    """
    place = foreign_place(session, pc)
    if place is None or place.source not in _COMPILED or not present(place.range):
        return None
    start, size = place.range.start, place.range.end - place.range.start
    if not 0 < size <= LONGEST or size % 4 or "x30" not in registers or "sp" not in registers:
        return None
    data = session.target.read_memory(start, size)
    if isinstance(data, Absent) or not is_leaf(struct.unpack(f"<{size // 4}I", data)):
        return None
    link = return_address(session, registers["x30"])
    if follows_call(session.target, link) is not True or start <= link < place.range.end:
        return None
    kept = {name: registers[name] for name in _KEPT if name in registers}
    return {**kept, "sp": registers["sp"], "pc": link}


def stack_of_compiled(session: Session, pc: int, frame: int) -> int | None:
    """The stack pointer of a compiler's function that called code of a JIT, by its frame record.

    A JIT's stub that C++ enters it by saves more on the stack than a frame record: where the
    record ends, the caller's frame does not begin. The caller's call frame information tells where
    in its frame its own record is.

    Args:
        session: the process.
        pc: where the function goes on.
        frame: its x29.

    Returns:
        None where it has no call frame information, or its record is not where x29 was saved.
    """
    rules = frame_tables(session).rules_at(pc - 1)
    if rules is None:
        return None
    saved = rules.rules.get(_FRAME)
    if saved is None or saved.kind is not Kind.OFFSET or rules.address.register != SP:
        return None
    return frame - saved.value - rules.address.offset


def keeps_records(session: Session, pc: int) -> bool:
    """Whether `pc` is in code of a JIT, or what may be: such code keeps frame records."""
    return may_be_generated(session, pc) or is_built_in(session, pc)


def is_built_in(session: Session, pc: int) -> bool:
    """Whether `pc` is in code that a JIT has in its library: no compiler made it.

    It keeps frame records, and there is no call frame information of it.

    Args:
        session: the process.
        pc: of an instruction, or within the call that returns there.
    """
    return may_interpret(session, pc) and frame_tables(session).rules_at(pc) is None
