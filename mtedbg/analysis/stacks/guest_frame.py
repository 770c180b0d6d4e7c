"""The guest thread that a host thread runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, notes_of
from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.frame import GENERAL_REGISTERS, Guest
from mtedbg.report import Column, Line, Report, Row, Scalar, Span, Value, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

_EACH_LINE = 4
_FLAGS = "nzcv"


def frame(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """The guest's registers and core ids, of the session's thread.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    thread = session.thread()
    found: Guest | Absent = NOT_APPLICABLE
    notes: tuple[str, ...] = ()
    for runtime in all_runtimes(session):
        found = guest_of(runtime, thread, session.info.pac_mask)
        notes = notes_of(runtime)
        if isinstance(found, Guest):
            break
    if isinstance(found, Guest):
        notes += found.notes
        notes += (found.cores.explanation,) if found.cores.explanation else ()
        row = _row(thread.number, found)
        headline = _headline(thread.number, found)
        picture = _picture(found)
        return flat(command, session.info, columns, (row,), notes, picture, headline)
    if found.is_hole:
        rows: tuple[Row, ...] = ({column.key: found for column in columns},)
        return flat(command, session.info, columns, rows, notes)
    why = f"thread {thread.number}: {found.detail}"
    return flat(command, session.info, columns, (), notes, headline=why)


def own_tag(session: Session) -> int | Absent:
    """The tag of the core that the session's thread runs on, as its guest frame says.

    Does not apply where the thread runs no guest; what is wrong is the hole's reason.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes if runtimes.reason is Reason.DAMAGED else NOT_APPLICABLE
    hole = NOT_APPLICABLE
    for runtime in runtimes:
        try:
            found = guest_of(runtime, session.thread(), session.info.pac_mask)
        except LayoutError as error:
            found = Absent(Reason.DAMAGED, error.message)
        if isinstance(found, Guest):
            return found.cores.frame
        hole = found if found.is_hole else hole
    return hole


def _row(number: int, guest: Guest) -> dict[str, Value]:
    cores = guest.cores
    return {
        "thread": number,
        "frame_address": guest.address,
        "rip": guest.rip,
        "gregs": dict(guest.registers),
        "host_core_id": cores.frame,
        "r_host_core_id": cores.shadow,
        "rseq_core_id": cores.kernel,
        "in_jit": guest.in_jit,
        "consistent": cores.consistent,
    }


def _headline(number: int, guest: Guest) -> str:
    where = "in translated code" if guest.in_jit else f"state {guest.frame.state}"
    return f"guest thread {guest.frame.thread_id} on thread {number}, {where}"


def _picture(guest: Guest) -> tuple[Line, ...]:
    rip = guest.rip if isinstance(guest.rip, Absent) else f"{guest.rip:#018x}"
    lines: list[Line] = [
        (Span("frame  ", "heading"), Span(f"{guest.address:#018x}", "address")),
        (Span("rip    ", "heading"), Span(str(rip), "address"), Span(f"  flags {_flags(guest)}")),
    ]
    for first in range(0, len(GENERAL_REGISTERS), _EACH_LINE):
        spans: list[Span] = []
        for name in GENERAL_REGISTERS[first : first + _EACH_LINE]:
            spans += (Span(f"{name:<4}", "heading"), Span(f"{guest.registers[name]:#018x}  "))
        lines.append(tuple(spans))
    return (*lines, _core_line(guest))


def _core_line(guest: Guest) -> Line:
    cores = guest.cores
    views = (("frame", cores.frame), ("register", cores.shadow), ("kernel", cores.kernel))
    text = ", ".join(f"{name} {_view(value)}" for name, value in views)
    role = "" if cores.consistent else "tag-mismatch"
    verdict = "consistent" if cores.consistent else "they differ"
    return (Span("core id  ", "heading"), Span(f"{text}: {verdict}", role))


def _view(value: Scalar) -> str:
    return "-" if isinstance(value, Absent) and not value.is_hole else str(value)


def _flags(guest: Guest) -> str:
    """N, Z, C and V, upper case where set: as MRS reads NZCV, C in the guest's sense."""
    word = guest.registers["flags"]
    return "".join(
        letter.upper() if word >> (31 - bit) & 1 else letter for bit, letter in enumerate(_FLAGS)
    )
