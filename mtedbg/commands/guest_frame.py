"""`guest-frame`: the guest's registers and the views of the core id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.frame import GENERAL_REGISTERS, VECTOR_REGISTERS, Owner
from mtedbg.report import Answer, Column, Kind, Line, Record, Row, Span

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.foreign_guest import ForeignGuestOnThread
    from mtedbg.analysis.stacks.guest_calls import GuestCalls
    from mtedbg.analysis.stacks.guest_frame import GuestOnThread
    from mtedbg.model.frame import CoreIds, Guest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_EACH_LINE = 4
_FLAGS = "nzcv"
_STICKY = ("IE", "DE", "ZE", "OE", "UE", "PE")
_ROUNDING = ("to nearest", "down", "up", "to zero")
"""Of MXCSR (Intel SDM volume 1, 10.2.3)."""


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.stacks.foreign_guest import foreign_guest
    from mtedbg.analysis.stacks.guest_frame import guest_on

    thread = session.thread(arguments.thread)
    foreign = foreign_guest(session, thread)
    if isinstance(foreign, Absent) and arguments.interrupted:
        from mtedbg.analysis.stacks.guest_calls import guest_calls

        return answer_interrupted(thread, guest_calls(session, thread))
    if isinstance(foreign, Absent):
        return answer(guest_on(session, thread), vectors=arguments.vectors)
    return answer_of_foreign(foreign)


def answer(found: GuestOnThread, *, vectors: bool = False) -> Answer:
    """The guest's registers and core ids as a row and lines; vector registers on request."""
    from mtedbg.analysis.runtimes import notes_of
    from mtedbg.commands._guest import without_guest

    guest, notes = found.guest, notes_of(found.runtime)
    if isinstance(guest, Absent):
        return without_guest(found.thread, guest, COMMAND.columns).noting(*notes)
    why = (guest.cores.explanation,) if guest.cores.explanation else ()
    return Answer(
        Record(
            _row(found.thread.number, guest),
            (*_lines(guest), *(_vector_lines(guest.vectors) if vectors else ())),
        ),
        _headline(found.thread.number, guest),
        notes + guest.notes + why,
    )


def answer_interrupted(thread: Thread, found: GuestCalls | Absent) -> Answer:
    """The registers that the innermost signal handler of the guest has interrupted.

    Args:
        thread: the host thread that was asked about.
        found: the calls of the guest thread that it runs.
    """
    from mtedbg.commands._guest import without_guest

    if isinstance(found, Absent):
        return without_guest(thread, found, COMMAND.columns)
    number = found.guest.frame.thread_id
    if not found.signals:
        return Answer(headline=f"guest thread {number} is in no signal handler of its own")
    kept = found.signals[0]
    unknown = dict.fromkeys(column.key for column in COMMAND.columns)
    row: Row = {
        **dict.fromkeys(unknown, NOT_APPLICABLE),
        "thread": thread.number,
        "frame_address": kept.address,
        "rip": kept.rip,
        "gregs": dict(kept.registers),
        "vectors": _numbers(kept.vectors),
        "x87": _numbers(kept.x87),
        "in_jit": False,
    }
    lines: list[Line] = [
        (Span("frame  ", "heading"), Span(f"{kept.address:#018x}", "address")),
        (
            Span("rip    ", "heading"),
            Span(f"{kept.rip:#018x}", "address"),
            Span(f"  rflags {kept.registers['rflags']:#x}"),
        ),
        *_register_lines(kept.registers),
        *_vector_lines(kept.vectors),
        *_x87_lines(kept.x87),
    ]
    return Answer(Record(row, tuple(lines)), f"guest thread {number}, before its signal handler")


def _numbers(found: Mapping[str, int] | Absent) -> dict[str, int] | Absent:
    return found if isinstance(found, Absent) else dict(found)


def _x87_lines(found: Mapping[str, int] | Absent) -> Iterator[Line]:
    """Control and status word, and the registers that are not 0."""
    if isinstance(found, Absent):
        return
    yield (Span("x87    ", "heading"), Span(f"fcw {found['fcw']:#06x}  fsw {found['fsw']:#06x}"))
    for name, value in found.items():
        if name.startswith("st") and value:
            yield (Span(f"{name:<6}", "heading"), Span(f"{value:#022x}"))


def answer_of_foreign(found: ForeignGuestOnThread) -> Answer:
    """The same for a guest of a translator without a debug root: it has no core ids."""
    guest = found.guest
    row: Row = {
        "thread": found.thread.number,
        "frame_address": NOT_APPLICABLE,
        "rip": guest.rip,
        "gregs": dict(guest.registers),
        "vectors": NOT_APPLICABLE,
        "x87": NOT_APPLICABLE,
        "host_core_id": NOT_APPLICABLE,
        "r_host_core_id": NOT_APPLICABLE,
        "rseq_core_id": NOT_APPLICABLE,
        "in_jit": found.level == 0,
        "consistent": NOT_APPLICABLE,
        "owner": NOT_APPLICABLE,
    }
    rip = str(guest.rip) if isinstance(guest.rip, Absent) else f"{guest.rip:#018x}"
    lines: list[Line] = [(Span("rip    ", "heading"), Span(rip, "address"))]
    names = list(guest.registers)
    for first in range(0, len(names), _EACH_LINE):
        spans: list[Span] = []
        for name in names[first : first + _EACH_LINE]:
            spans += (Span(f"{name:<4}", "heading"), Span(f"{guest.registers[name]:#018x}  "))
        lines.append(tuple(spans))
    where = "in translated code" if not found.level else f"translated code is frame {found.level}"
    return Answer(
        Record(row, tuple(lines)),
        f"guest of {guest.version} on thread {found.thread.number}, {where}",
        guest.notes,
    )


def _row(number: int, guest: Guest) -> Row:
    cores = guest.cores
    return {
        "thread": number,
        "frame_address": guest.address,
        "rip": guest.rip,
        "gregs": dict(guest.registers),
        "vectors": _numbers(guest.vectors),
        "x87": NOT_APPLICABLE,
        "host_core_id": cores.frame,
        "r_host_core_id": cores.shadow,
        "rseq_core_id": cores.kernel,
        "in_jit": guest.in_jit,
        "consistent": cores.consistent,
        "owner": cores.owner,
    }


def _headline(number: int, guest: Guest) -> str:
    where = "in translated code" if guest.in_jit else f"state {guest.frame.state}"
    return f"guest thread {guest.frame.thread_id} on thread {number}, {where}"


def _lines(guest: Guest) -> Iterator[Line]:
    rip = str(guest.rip) if isinstance(guest.rip, Absent) else f"{guest.rip:#018x}"
    yield (Span("frame  ", "heading"), Span(f"{guest.address:#018x}", "address"))
    yield (Span("rip    ", "heading"), Span(rip, "address"), Span(f"  flags {_flags(guest)}"))
    yield from _register_lines(guest.registers)
    yield _core_line(guest.cores)
    yield (Span("owner  ", "heading"), Span(_owner(guest.cores)))


def _register_lines(registers: Mapping[str, int]) -> Iterator[Line]:
    for first in range(0, len(GENERAL_REGISTERS), _EACH_LINE):
        spans: list[Span] = []
        for name in GENERAL_REGISTERS[first : first + _EACH_LINE]:
            spans += (Span(f"{name:<4}", "heading"), Span(f"{registers[name]:#018x}  "))
        yield tuple(spans)


def _vector_lines(vectors: Mapping[str, int] | Absent) -> Iterator[Line]:
    """Two a line: those that are not 0; MXCSR with its sticky bits and rounding by name."""
    if isinstance(vectors, Absent):
        yield (Span("vectors  ", "heading"), Span(str(vectors)))
        return
    control = vectors["mxcsr"]
    sticky = "".join(f" {name}" for bit, name in enumerate(_STICKY) if control >> bit & 1)
    said = f"{control:#06x}  rounds {_ROUNDING[control >> 13 & 3]}, sticky{sticky or ' none'}"
    yield (Span("mxcsr  ", "heading"), Span(said))
    shown = [name for name in VECTOR_REGISTERS if vectors[name]]
    for first in range(0, len(shown), 2):
        spans: list[Span] = []
        for name in shown[first : first + 2]:
            spans += (Span(f"{name:<6}", "heading"), Span(f"{vectors[name]:#034x}  "))
        yield tuple(spans)
    if len(shown) < len(VECTOR_REGISTERS):
        yield (Span("the other xmm registers are 0" if shown else "all xmm registers are 0"),)


def _owner(cores: CoreIds) -> str:
    if isinstance(cores.owner, Absent):
        return str(cores.owner)
    if cores.owner is Owner.NONE:
        return f"none: memory with tag {cores.frame} belongs to no thread and no core"
    whose = "this thread" if cores.owner is Owner.THREAD else "the core that its frame names"
    return f"{cores.owner}: memory with tag {cores.frame} is local to {whose}"


def _core_line(cores: CoreIds) -> Line:
    views = (("frame", cores.frame), ("register", cores.shadow), ("kernel", cores.kernel))
    text = ", ".join(f"{name} {_view(value)}" for name, value in views)
    role = "" if cores.consistent else "tag-mismatch"
    verdict = "consistent" if cores.consistent else "they differ"
    return (Span("core id  ", "heading"), Span(f"{text}: {verdict}", role))


def _view(value: int | Absent) -> str:
    return "-" if isinstance(value, Absent) and not value.is_hole else str(value)


def _flags(guest: Guest) -> str:
    """N, Z, C and V, upper case where set: as MRS reads NZCV, C in the guest's sense."""
    word = guest.registers["flags"]
    return "".join(
        letter.upper() if word >> (31 - bit) & 1 else letter for bit, letter in enumerate(_FLAGS)
    )


COMMAND = Command(
    name="guest-frame",
    summary="The guest's registers and RIP, and the three views of the core id.",
    columns=(
        Column("thread", Kind.COUNT, "the host thread"),
        Column("frame_address", Kind.ADDRESS, "address of its guest frame"),
        Column("rip", Kind.ADDRESS, "the guest's instruction pointer"),
        Column("gregs", Kind.RAW, "general registers and flags, by name", shown=False),
        Column(
            "vectors", Kind.RAW, "xmm0 to xmm15 as 128-bit numbers, and mxcsr, by name", shown=False
        ),
        Column("x87", Kind.RAW, "st0 to st7, fcw and fsw: of a signal frame", shown=False),
        Column("host_core_id", Kind.TAG, "HostCoreId in the frame: the core's tag"),
        Column("r_host_core_id", Kind.TAG, "the register that shadows it in translated code"),
        Column("rseq_core_id", Kind.COUNT, "the cpu in the kernel's rseq area"),
        Column("in_jit", Kind.FLAG, "whether the thread is in translated code"),
        Column("consistent", Kind.FLAG, "whether the three views agree"),
        Column("owner", Kind.TEXT, "what owns memory with that tag: thread, core, or none"),
    ),
    run=_run,
    options=(
        Option("--vectors", "also vector registers that are not 0, and MXCSR"),
        Option("--interrupted", "all registers that the guest's own signal handler interrupted"),
    ),
    details=(
        "Registers are read from where they are: from host registers in translated code, from the "
        "signal frame under a signal handler, otherwise from the guest frame."
    ),
    example="guest-frame --all-threads",
    per_thread=True,
)
