"""Letting GDB's inferior run to a place, and breakpoints that ask before they stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gdb

from mtedbg.adapters.debugger.stepping import MOST_FRAMES, MOST_STEPS, Wanted, arrived
from mtedbg.adapters.gdb import threads
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.events import connect
from mtedbg.errors import NoHardwareBreakpointError, SteppingError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.phase import Catch, Caught
from mtedbg.model.process import Thread
from mtedbg.model.stop import Halt, Stop, StopKind

_wishes: list[Callable[[], object]] = []


class _Watch:
    """Why the program stopped last while it was let run."""

    def __init__(self) -> None:
        self.why: tuple[StopKind, str] = (StopKind.OTHER, "")

    def __enter__(self) -> _Watch:
        gdb.events.stop.connect(self._hear)
        gdb.events.exited.connect(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        gdb.events.stop.disconnect(self._hear)
        gdb.events.exited.disconnect(self._hear)

    def _hear(self, event: Any) -> None:
        # At once: the event's breakpoints may be deleted before it is asked for them.
        self.why = _why(event)


def run_to(inferior: gdb.Inferior, halts: Sequence[Halt], alone: Thread | None) -> Stop:
    """Lets the selected inferior run; see `Stepper`."""
    if alone is not None:
        _select(inferior, alone.number)
    patched = {halt.address for halt in halts if halt.patched}
    try:
        with _Watch() as watch, _locked(inferior, alone is not None):
            try:
                _run(halts)
            except gdb.error:
                if alone is None or not patched:
                    raise
                if not all(halt.by_steps for halt in halts):
                    raise NoHardwareBreakpointError(
                        "GDB cannot set a hardware breakpoint"
                    ) from None
                _walk(watch, patched)
    except gdb.error as error:
        raise SteppingError(f"GDB cannot resume the program: {error}") from None
    return _stop(*watch.why)


def _run(halts: Sequence[Halt]) -> None:
    with _halts(halts):
        _silently("continue")


def _silently(command: str) -> None:
    """Runs a command that lets the program run; where it stops is for the report to say."""
    try:
        gdb.parameter("suppress-cli-notifications")
    except RuntimeError:  # before GDB 13
        gdb.execute(command, to_string=True)
    else:
        gdb.execute(f"with suppress-cli-notifications on -- {command}", to_string=True)


def _walk(watch: _Watch, addresses: set[int]) -> None:
    """To one of `addresses` by single steps, of a thread that runs alone.

    There are servers without hardware breakpoints (gdbserver before 14 on newer cores), and code
    that is mapped twice takes no others. A handler is run to its end first: that is most of it.
    """
    returns = _sigreturn()
    if returns is not None:
        _run([Halt(returns)])
    for _ in range(MOST_STEPS):
        here = threads.innermost_registers().get("pc")
        stepped = watch.why[0] is StopKind.OTHER or here == returns
        if here in addresses or not stepped:
            return
        _silently("stepi")


def _sigreturn() -> int | None:
    """Where the signal handler that the selected thread runs will return to."""
    frame = gdb.newest_frame()
    for _ in range(MOST_FRAMES):
        if frame is None or frame.type() == gdb.SIGTRAMP_FRAME:
            return None if frame is None else int(frame.pc())
        frame = frame.older()
    return None


def _select(inferior: gdb.Inferior, number: int) -> None:
    for thread in inferior.threads():
        if thread.num == number and thread.is_valid():
            thread.switch()


@contextmanager
def _halts(halts: Sequence[Halt]) -> Iterator[None]:
    """Breakpoints for a while, unseen by the user."""
    made: list[gdb.Breakpoint] = []
    try:
        for halt in halts:
            kind = gdb.BP_HARDWARE_BREAKPOINT if halt.patched else gdb.BP_BREAKPOINT
            made.append(gdb.Breakpoint(f"*{halt.address:#x}", type=kind, internal=True))
        yield
    finally:
        for breakpoint_ in made:
            if breakpoint_.is_valid():
                breakpoint_.delete()


@contextmanager
def _locked(inferior: gdb.Inferior, wanted: bool) -> Iterator[None]:
    """Lets only the selected thread run for a while; the user's setting is put back."""
    before = str(gdb.parameter("scheduler-locking"))
    if not wanted or before == "on" or len(inferior.threads()) < 2:
        yield
        return
    gdb.execute("set scheduler-locking on", to_string=True)
    try:
        yield
    finally:
        gdb.execute(f"set scheduler-locking {before}", to_string=True)


def _stop(kind: StopKind, detail: str) -> Stop:
    thread = gdb.selected_thread()
    if kind is StopKind.EXITED or thread is None or not thread.is_valid():
        return Stop(StopKind.EXITED, detail=detail)
    return Stop(kind, thread.num, threads.innermost_registers().get("pc", NOT_APPLICABLE), detail)


def _why(event: Any) -> tuple[StopKind, str]:
    if isinstance(event, gdb.ExitedEvent):
        status = getattr(event, "exit_code", None)
        return StopKind.EXITED, "by a signal" if status is None else f"exit status {status}"
    if isinstance(event, gdb.SignalEvent):
        name = str(event.stop_signal)
        return (StopKind.INTERRUPTED if name == "SIGINT" else StopKind.SIGNAL), name
    if isinstance(event, gdb.BreakpointEvent):
        numbers = [one.number for one in event.breakpoints if one.number > 0]
        detail = "breakpoint " + ", ".join(map(str, numbers)) if numbers else ""
        return StopKind.BREAKPOINT, detail
    return StopKind.OTHER, ""


class PhaseBreakpoint(gdb.Breakpoint):  # type: ignore[misc]
    """An ordinary breakpoint at a phase; the user sees, disables and deletes it as any other."""

    def __init__(self, catch: Catch, wanted: Wanted | None, thread: int | None) -> None:
        super().__init__(f"*{catch.address:#x}")
        self.catch = catch
        self._wanted = wanted
        self.thread = thread

    def stop(self) -> bool:
        """Whether to stop; GDB calls this when a thread has come here."""
        if self._wanted is None:
            return True
        thread = gdb.selected_thread()
        process, lwp, other = thread.ptid
        return self._wanted(self.catch, arrived(thread.num, int(lwp or other or process)))


def _global_number(number: int) -> int:
    for thread in gdb.selected_inferior().threads():
        if thread.num == number:
            return int(thread.global_num)
    raise SteppingError(f"no thread has the number {number}", "`info threads` lists them")


def catch(wish: Catch, wanted: Wanted | None) -> Caught:
    """Makes a breakpoint; see `Stepper`."""
    # Asked first: a breakpoint that was made before it is refused would stay, for every thread.
    thread = None if isinstance(wish.thread, Absent) else _global_number(wish.thread)
    made: list[PhaseBreakpoint] = []
    _wishes.append(lambda: made.append(PhaseBreakpoint(wish, wanted, thread)))
    try:
        # GDB announces what is made, into the middle of a report: only a command's own output
        # can be taken away.
        said = captured(f"python __import__({__name__!r}, fromlist=['x']).make_wished()")
        if said.startswith("\n"):  # GDB 18's machine interface: all but the end of line got away
            gdb.write("\n")
        return _caught(made[0])
    except (gdb.error, RuntimeError) as error:
        raise SteppingError(f"GDB cannot set a breakpoint: {error}") from None


def make_wished() -> None:
    """Makes the breakpoint that `catch` is about; GDB calls this by name."""
    _wishes.pop()()


def caught() -> list[Caught]:
    """The breakpoints that are there; see `Stepper`."""
    return [_caught(one) for one in gdb.breakpoints() if isinstance(one, PhaseBreakpoint)]


def release(numbers: Sequence[int]) -> None:
    """Deletes breakpoints; see `Stepper`."""
    for one in gdb.breakpoints():
        if isinstance(one, PhaseBreakpoint) and one.number in numbers:
            one.delete()


def _caught(one: PhaseBreakpoint) -> Caught:
    return Caught(one.number, one.catch, one.enabled, one.hit_count)


def _forget() -> None:
    """The addresses were those of a process that is gone."""
    for one in list(gdb.breakpoints()):
        if isinstance(one, PhaseBreakpoint):
            one.delete()


connect(gdb.events.exited, _forget)
