"""What GDB knows of single threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gdb

from mtedbg.adapters.debugger.signals import stopping_signal
from mtedbg.adapters.gdb.values import WORD, convenience
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.process import SignalInfo

_GENERAL = tuple(f"x{number}" for number in range(31))
# The port's name → GDB's; those that a target has not are left out.
_REGISTERS = {name: name for name in (*_GENERAL, "sp", "pc", "tpidr")} | {"pstate": "cpsr"}


def innermost_registers() -> dict[str, int]:
    """The registers of the selected thread's innermost frame, as the port names them.

    Raises:
        gdb.error: they cannot be read.
    """
    frame = gdb.newest_frame()
    found = {}
    for ours, theirs in _REGISTERS.items():
        try:
            found[ours] = int(frame.read_register(theirs)) & WORD
        except ValueError:
            continue  # this target has no such register
    return found


def innermost_vectors() -> dict[str, int]:
    """v0 to v31, fpsr and fpcr of the selected thread's innermost frame.

    Raises:
        gdb.error: they cannot be read.
        ValueError: this target has no such registers.
    """
    frame = gdb.newest_frame()
    found = {name: int(frame.read_register(name)) for name in ("fpsr", "fpcr")}
    for number in range(32):
        halves = frame.read_register(f"v{number}")["d"]["u"]
        found[f"v{number}"] = int(halves[0]) & WORD | (int(halves[1]) & WORD) << 64
    return found


@contextmanager
def selected(number: int) -> Iterator[None]:
    """Selects a thread of the selected inferior for a while; thread and frame are put back."""
    before = gdb.selected_thread()
    if before is not None and before.num == number:
        yield
        return
    frame = gdb.selected_frame() if before is not None else None
    try:
        for thread in gdb.selected_inferior().threads():
            if thread.num == number:
                thread.switch()
                break
        yield
    finally:
        if before is not None and before.is_valid():
            before.switch()
            if frame is not None and frame.is_valid():
                frame.select()


def siginfo(number: int) -> SignalInfo | Absent:
    """The signal that stopped the thread, by `$_siginfo`."""
    try:
        with selected(number):
            info = gdb.parse_and_eval("$_siginfo")
            signal, code = int(info["si_signo"]), int(info["si_code"])
            address = int(info["_sifields"]["_sigfault"]["si_addr"]) & WORD
    except gdb.error as error:
        return Absent(Reason.UNKNOWN, str(error))
    return stopping_signal(signal, code, address)


def control_word(number: int) -> int | Absent:
    """The thread's tagged-address control word, as the kernel gives it in `$tag_ctl`."""
    try:
        with selected(number):
            word = convenience("tag_ctl")
    except gdb.error as error:
        return Absent(Reason.UNKNOWN, str(error))
    return Absent(Reason.UNKNOWN, "the target has no $tag_ctl") if word is None else word
