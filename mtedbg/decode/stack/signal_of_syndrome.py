"""The signal that an exception becomes: what a handler was not told that asked for no siginfo.

Source: Linux, arch/arm64/mm/fault.c, fault_info[] and do_page_fault(): DFSC or IFSC, bits 5:0 of
ESR_EL1, choose signal and code; Arm ARM D17.2.37 "ESR_EL1".
"""

from __future__ import annotations

from mtedbg.formats.siginfo import signal_info
from mtedbg.model.process import SignalInfo

_SIGILL, _SIGBUS, _SIGSEGV = 4, 7, 11
MAPERR, ACCERR, MTESERR = 1, 2, 9
_ADRALN, _OBJERR, _ILLOPC = 1, 3, 1
_UNKNOWN, _INSTRUCTION, _PC, _DATA, _SP = 0x00, 0x20, 0x22, 0x24, 0x26
_TAG_CHECK, _ALIGNMENT, _EXTERNAL = 0x11, 0x21, 0x10
_TRANSLATION, _ACCESS_FLAG, _PERMISSION = 0x04, 0x08, 0x0C


def signal_of_syndrome(syndrome: int, address: int, pc: int) -> SignalInfo | None:
    """The signal that a thread gets for an exception from user mode; None where that is not known.

    Args:
        syndrome: ESR_EL1.
        address: that faulted.
        pc: of the instruction.
    """
    kind, status = syndrome >> 26 & 0x3F, syndrome & 0x3F
    if kind == _UNKNOWN:
        return signal_info(_SIGILL, _ILLOPC, pc)
    if kind in (_PC, _SP):
        return signal_info(_SIGBUS, _ADRALN, address)
    if kind not in (_INSTRUCTION, _DATA):
        return None
    if status == _TAG_CHECK:
        return signal_info(_SIGSEGV, MTESERR, address)
    if status in (_ALIGNMENT, _EXTERNAL):
        return signal_info(_SIGBUS, _ADRALN if status == _ALIGNMENT else _OBJERR, address)
    codes = {_TRANSLATION: MAPERR, _ACCESS_FLAG: ACCERR, _PERMISSION: ACCERR}
    code = codes.get(status & ~3)
    return None if code is None else signal_info(_SIGSEGV, code, address)
