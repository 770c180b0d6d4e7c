"""What a debugger's siginfo says."""

from __future__ import annotations

from mtedbg.formats.siginfo import signal_info, stopped_by_debugger
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.process import SignalInfo


def stopping_signal(number: int, code: int, address: int) -> SignalInfo | Absent:
    """The signal that a thread stopped on; it does not apply where the debugger stopped it.

    Args:
        number: si_signo.
        code: si_code.
        address: what stands where si_addr is.
    """
    return NOT_APPLICABLE if stopped_by_debugger(number) else signal_info(number, code, address)
