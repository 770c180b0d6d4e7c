"""What LLDB knows of single threads."""

from __future__ import annotations

import lldb

from mtedbg.adapters.debugger.signals import stopping_signal
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.process import SignalInfo

WORD = (1 << 64) - 1
_GENERAL = {f"x{number}": (f"x{number}",) for number in range(29)}
# The port's name → LLDB's, which depend on who describes the registers.
_REGISTERS = _GENERAL | {
    "x29": ("fp", "x29"),
    "x30": ("lr", "x30"),
    "sp": ("sp",),
    "pc": ("pc",),
    "pstate": ("cpsr", "pstate"),
    "tpidr": ("tpidr", "tpidr_el0"),
}
SIGINFO_SIZE = 24
"""Bytes of siginfo_t that are looked at: signal, error and code, a hole, the address."""


def by_number(process: lldb.SBProcess, number: int) -> lldb.SBThread:
    """The thread that LLDB calls `number`; an invalid one where there is none."""
    return process.GetThreadByIndexID(number)


def registers(frame: lldb.SBFrame) -> dict[str, int]:
    """The registers of `frame`, as the port names them; those it does not have are left out."""
    found = {}
    for ours, theirs in _REGISTERS.items():
        value = register(frame, *theirs)
        if value is not None:
            found[ours] = value
    return found


def register(frame: lldb.SBFrame, *names: str) -> int | None:
    """The value of the first of these registers that `frame` has."""
    for name in names:
        value = frame.FindRegister(name)
        error = lldb.SBError()
        number = value.GetValueAsUnsigned(error) if value.IsValid() else 0
        if value.IsValid() and error.Success():
            return int(number) & WORD
    return None


def vectors(frame: lldb.SBFrame) -> dict[str, int]:
    """v0 to v31, fpsr and fpcr of `frame`; none where one of them cannot be read."""
    found = {}
    for number in range(32):
        data = frame.FindRegister(f"v{number}").GetData()
        error = lldb.SBError()
        contents = data.ReadRawData(error, 0, 16) if data.GetByteSize() == 16 else b""
        if len(contents) != 16 or not error.Success():
            return {}
        found[f"v{number}"] = int.from_bytes(contents, "little")
    for name in ("fpsr", "fpcr"):
        value = register(frame, name)
        if value is None:
            return {}
        found[name] = value
    return found


def signal_of(thread: lldb.SBThread) -> int | None:
    """The number of the signal that `thread` stopped on, or None where it was none."""
    if thread.GetStopReason() != lldb.eStopReasonSignal:
        return None
    return int(thread.GetStopReasonDataAtIndex(0))


def parse_siginfo(data: bytes) -> SignalInfo | Absent:
    """siginfo_t as 64-bit Linux lays it out (include/uapi/asm-generic/siginfo.h)."""
    signal = int.from_bytes(data[0:4], "little", signed=True)
    code = int.from_bytes(data[8:12], "little", signed=True)
    address = int.from_bytes(data[16:24], "little")
    return stopping_signal(signal, code, address)


def control_word(thread: lldb.SBThread) -> int | Absent:
    """The thread's tagged-address control word: gdbserver's and lldb-server's name for it."""
    word = register(thread.GetFrameAtIndex(0), "mte_ctrl", "tag_ctl")
    return Absent(Reason.UNKNOWN, "the target does not give it") if word is None else word
