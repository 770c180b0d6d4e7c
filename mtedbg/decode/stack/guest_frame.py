"""The guest thread that a host thread runs: its frame, registers, RIP and core ids."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.memops.memop import memop_before, memop_in
from mtedbg.decode.stack.context import Context, interrupted
from mtedbg.decode.stack.core_ids import core_ids
from mtedbg.decode.stack.registers import role_value
from mtedbg.decode.stack.vectors import vectors_of
from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.code import Place, Range, RangeKind
from mtedbg.model.frame import GENERAL_REGISTERS, Guest, GuestFrame, ThreadState
from mtedbg.model.memop import Memop
from mtedbg.model.pointer import strip
from mtedbg.model.process import Thread
from mtedbg.model.runtime import THREADS, GuestThread

NEEDS = CODEMAP_NEEDS | Requirements(
    models=(GuestThread, GuestFrame),
    contracts={"core_id": "tag", "frame.flags": "nzcv"},
    registers=("frame", "host_core_id", *GENERAL_REGISTERS),
)

NO_GUESTS = Absent(Reason.NOT_APPLICABLE, "its JIT has no guest threads")
_IDLE = (ThreadState.PARKED, ThreadState.EXITED)


def has_guests(runtime: Runtime) -> bool:
    """Whether a JIT tells where frames of guest threads are: a JIT of other code has none."""
    return THREADS in runtime.named or "frame" in runtime.layout.schema.registers


def guest_of(runtime: Runtime, thread: Thread, pac_mask: int = 0) -> Guest | Absent:
    """The guest thread that host thread `thread` runs now; does not apply where it runs none.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    if not has_guests(runtime):
        return NO_GUESTS
    runtime.layout.require(NEEDS)
    registers = runtime.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    place = locate(runtime, strip(registers.get("pc", 0), pac_mask))
    found = _where(runtime, thread, registers, place)
    if isinstance(found, Absent):
        return found
    (address, frame, entry, notes), context = found
    near, exact = _near(runtime, frame, context)
    return Guest(
        address,
        frame,
        entry,
        place.in_jit,
        near if exact else _past(near),
        _registers(runtime, frame, context),
        core_ids(runtime, frame, context, registers),
        notes + _source_notes(frame, context, place) + _stub_notes(context),
        strip(context.registers["pc"], pac_mask) if context else NOT_APPLICABLE,
        near,
        vectors_of(runtime, thread, address, context, place),
    )


def parked_guests(runtime: Runtime, thread: Thread) -> tuple[Guest, ...]:
    """The guest threads that take turns on host thread `thread`, and wait for theirs.

    All that is known of them is in their frames.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    if not has_guests(runtime):
        return ()
    runtime.layout.require(NEEDS)
    found = []
    for entry in _threads(runtime):
        frame = runtime.record(GuestFrame, entry.frame)
        if entry.host_tid != thread.tid or isinstance(frame, Absent):
            continue
        if frame.state == ThreadState.PARKED:
            registers = _registers(runtime, frame, None)
            ids = core_ids(runtime, frame, None, {})
            rip = frame.rip
            found.append(Guest(entry.frame, frame, entry, False, rip, registers, ids, near=rip))
    return tuple(found)


def interrupted_by_signal(runtime: Runtime, thread: Thread, pac_mask: int = 0) -> Context | None:
    """The translated code that a signal handler, running now on `thread`, has interrupted.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    registers = runtime.target.registers(thread)
    if isinstance(registers, Absent):
        return None
    place = locate(runtime, strip(registers.get("pc", 0), pac_mask))
    found = None if place.in_jit else _where(runtime, thread, registers, place)
    return None if found is None or isinstance(found, Absent) else found[1]


_Found = tuple[int, GuestFrame, GuestThread | Absent, tuple[str, ...]]


def _where(
    runtime: Runtime, thread: Thread, registers: Mapping[str, int], place: Place
) -> tuple[_Found, Context | None] | Absent:
    """The frame, and the state of translated code where that was running or is interrupted."""
    context = Context(registers, place, "host registers") if place.in_jit else None
    found = _frame_of(runtime, thread, context)
    if isinstance(found, Absent):
        return found
    if context is None and found[1].state not in (
        *_IDLE,
        ThreadState.THUNK,
        ThreadState.DISPATCHER,
    ):
        context = interrupted(runtime, registers, found[0])
    return found, context


def _frame_of(runtime: Runtime, thread: Thread, context: Context | None) -> _Found | Absent:
    """Address and record of the frame, its entry in the thread table, notes."""
    threads = _threads(runtime)
    if context is not None:
        address = strip(role_value(runtime, "frame", context.registers) or 0)
        frame = runtime.record(GuestFrame, address)
        if isinstance(frame, GuestFrame):
            entry = next((one for one in threads if one.frame == address), None)
            if entry is None:
                missing = Absent(Reason.NOT_RECORDED, "not in the runtime's thread table")
                return (
                    address,
                    frame,
                    missing,
                    ("the frame register does not point at a known frame",),
                )
            return address, frame, entry, ()
    busy: list[_Found] = []
    own = [one for one in threads if one.host_tid == thread.tid]
    for entry in own:
        frame = runtime.record(GuestFrame, entry.frame)
        if isinstance(frame, GuestFrame) and frame.state not in _IDLE:
            busy.append((entry.frame, frame, entry, ()))
    if not own:
        return Absent(Reason.NOT_APPLICABLE, "this thread runs no guest code")
    if not busy:
        return Absent(Reason.NOT_APPLICABLE, f"its {len(own)} guest threads are parked or gone")
    if len(busy) > 1:
        ids = ", ".join(str(one[1].thread_id) for one in busy)
        return (*busy[0][:3], (f"guest threads {ids} all claim to run here: this is the first",))
    return busy[0]


def _threads(runtime: Runtime) -> list[GuestThread]:
    return list(or_else(runtime.rows(THREADS, GuestThread), ()))


def _near(
    runtime: Runtime, frame: GuestFrame, context: Context | None
) -> tuple[int | Absent, bool]:
    """RIP and true, or the last guest address before it that is known, and false.

    In translated code RIP is kept nowhere: a memop tells it, else only what went before.
    """
    if context is None or _in_stub(context):
        return frame.rip, True
    memop = memop_in(runtime, context.place)
    if isinstance(memop, Memop):
        return memop.guest_rip, True
    before = memop_before(runtime, context.place)
    if isinstance(before, Memop):
        return before.guest_rip, False
    found = context.place.range
    if isinstance(found, Range) and isinstance(found.guest_rip, int) and found.guest_rip:
        return found.guest_rip, False
    return Absent(Reason.NOT_RECORDED), False


def _past(near: int | Absent) -> Absent:
    """What is said of a RIP that is past a guest address."""
    if isinstance(near, Absent):
        return Absent(Reason.NOT_RECORDED, "translated code")
    return Absent(Reason.NOT_RECORDED, f"translated code past that of {near:#x}")


def _registers(runtime: Runtime, frame: GuestFrame, context: Context | None) -> dict[str, int]:
    values = {name: getattr(frame, name) for name in (*GENERAL_REGISTERS, "flags")}
    if context is not None:
        for name in values:
            value = role_value(runtime, name, context.registers)
            if value is not None:
                values[name] = value
    return values


def _in_stub(context: Context) -> bool:
    found = context.place.range
    return isinstance(found, Range) and found.kind != RangeKind.FUNCTION


def _stub_notes(context: Context | None) -> tuple[str, ...]:
    if context is None or not _in_stub(context):
        return ()
    return ("in a stub: registers may be on their way to or from the frame",)


def _source_notes(frame: GuestFrame, context: Context | None, place: Place) -> tuple[str, ...]:
    if place.detail:
        return (f"whether the PC is in translated code is not known: {place.detail}",)
    if context is not None and not place.in_jit:
        return (f"in a signal handler: registers are those in the {context.source}",)
    if context is None and frame.state in (ThreadState.JIT, ThreadState.FAULT):
        return ("registers are those of the last exit from translated code",)
    return ()
