"""The code of JITs without a debug root, where LLDB prints a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lldb

from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import Session

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace

# Of the process and stop that was asked about last: LLDB prints the frames of one after another.
_known: dict[tuple[int, int], Session] = {}


def place_of(process: lldb.SBProcess, frame: lldb.SBFrame) -> CodePlace | None:
    """What holds the PC of `frame`; None where it is in no code of such a JIT."""
    from mtedbg.adapters.lldb.threads import register
    from mtedbg.analysis.code.in_frame import SCRIPT_FRAME, place_in_frame
    from mtedbg.model.pointer import strip

    session = session_of(process)
    pc = strip(frame.GetPC())
    index = frame.GetFrameID()
    before = frame.GetThread().GetFrameAtIndex(index - 1) if index else None
    after_call = before is not None and not before.IsArtificial() and not _is_signal(before)
    registers = {"x29": frame.GetFP(), "sp": frame.GetSP()}
    script_frame = register(frame, SCRIPT_FRAME)
    if script_frame is not None:
        registers[SCRIPT_FRAME] = script_frame
    return place_in_frame(session, pc - 1 if after_call and pc else pc, registers)


def session_of(process: lldb.SBProcess) -> Session:
    """Of the process as it is at this stop."""
    identity = process.GetUniqueID(), process.GetStopID()
    if identity not in _known:
        _known.clear()
        _known[identity] = new_session(process)
    return _known[identity]


def _is_signal(frame: lldb.SBFrame) -> bool:
    """Whether a frame is what a signal handler returns to: the next one was interrupted."""
    return "kernel_rt_sigreturn" in (frame.GetFunctionName() or "")


def new_session(process: lldb.SBProcess) -> Session:
    """A session of its own, with a budget of its own."""
    from mtedbg.adapters.lldb.sources import source_of
    from mtedbg.adapters.lldb.target import LldbTarget

    source = source_of(process)
    if source.itself is not None:
        return Session(LldbTarget(process))  # which has the files that LLDB was given as well
    target = process.GetTarget()

    def read(address: int, length: int) -> bytes | None:
        error = lldb.SBError()
        data = process.ReadMemory(address, length, error)
        return bytes(data) if error.Success() and data and len(data) == length else None

    def symbol(name: str) -> int | Absent:
        found = target.FindSymbols(name)
        if not found.GetSize():
            return Absent(Reason.UNKNOWN)
        return int(found[0].GetSymbol().GetStartAddress().GetLoadAddress(target))

    alone = MemoryAlone(read, dead=False, regions=source.regions(), symbol=symbol)
    return Session(alone)
