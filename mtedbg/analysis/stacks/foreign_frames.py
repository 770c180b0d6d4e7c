"""From a frame in code of a JIT without a debug root to its caller: for a debugger's own backtrace.

The walk of mtedbg's own (`walk.py`) does the same with more checks; a debugger has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.foreign_rules import foreign_rules
from mtedbg.analysis.code.jits import unwound
from mtedbg.decode.stack.cfi import unwind
from mtedbg.decode.stack.host_stack import frame_record
from mtedbg.model.absent import Absent

if TYPE_CHECKING:
    from mtedbg.session import Session

_RECORD_SIZE = 16


def caller_registers(
    session: Session, pc: int, registers: Mapping[str, int], *, after_call: bool
) -> Mapping[str, int] | Absent | None:
    """The registers of whoever called the code at `pc`: pc, sp, and those that are known.

    By what the JIT knows of its frames, else by call frame information of its objects, else by the
    frame record at x29.

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
    frame = session.strip(registers.get("x29", 0))
    record = frame_record(session.target, frame) if frame else None
    if record is None or isinstance(record, Absent) or not record[1]:
        return None
    kept = {f"x{n}": registers[f"x{n}"] for n in range(19, 29) if f"x{n}" in registers}
    return {
        **kept, "x29": record[0], "pc": session.strip(record[1]), "sp": frame + _RECORD_SIZE,
    }  # fmt: skip
