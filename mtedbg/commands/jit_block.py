"""`jit-block`: the code block and range that hold a PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.model.absent import Absent, present
from mtedbg.report import Answer, Column, Kind, Record, Scalar

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace, HeldBlock, HeldRange
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.code.block import code_at
    from mtedbg.analysis.runtimes import current_pc

    asked = arguments.pc
    pc = current_pc(session, session.current_thread()) if asked is None else session.strip(asked)
    if isinstance(pc, Absent):
        return Answer(headline=f"the PC is not known: {pc}")
    return answer(code_at(session, pc))


def answer(place: CodePlace) -> Answer:
    """The place as one row."""
    from mtedbg.model.absent import NOT_APPLICABLE, then

    row = {
        "outcome": place.outcome.value,
        "source": place.source.value,
        "block": then(place.block, _block),
        "range": then(place.range, _range),
        "function": place.function,
        "guest_rip": place.guest_rip,
        "memop": place.memop,
        "executions": place.executions,
        "line": then(place.line, str),
        "version": place.version or NOT_APPLICABLE,
    }
    return Answer(Record(row), f"{place.pc:#x}: {_sentence(place)}", place.notes)


def _block(found: HeldBlock) -> dict[str, Scalar]:
    return {
        "id": found.number,
        "kind": found.kind,
        "tier": found.tier,
        "start": found.start,
        "end": found.end,
        "state": found.state,
        "generation": found.generation,
    }


def _range(found: HeldRange) -> dict[str, Scalar]:
    return {"kind": found.kind, "start": found.start, "end": found.end, "symbol": found.symbol}


def _sentence(place: CodePlace) -> str:
    """The verdict in one line."""
    from mtedbg.model.foreign_code import CodeSource

    return _of_root(place) if place.source is CodeSource.DEBUG_ROOT else _of_foreign(place)


def _of_root(place: CodePlace) -> str:
    from mtedbg.model.code import Outcome

    if present(place.segment):
        return f"in segment {place.segment.id}, between its code blocks"
    if isinstance(place.block, Absent):
        return {
            Outcome.METADATA_NOT_DUMPED: f"the code map cannot be read: {place.detail}",
            Outcome.UNSTABLE: "the code map changes faster than it can be read",
            Outcome.CORRUPT: f"the code map is damaged: {place.detail}",
        }.get(place.outcome, "not in translated code")
    retired = "retired " if place.outcome is Outcome.RETIRED else ""
    where = f"{retired}block {place.block.number} ({place.block.kind})"
    if isinstance(place.range, Absent):
        return f"in {where}, {place.detail or 'in none of its ranges'}"
    name = f" {place.function}" if present(place.function) and place.function else ""
    memop = f", memop {place.memop}" if present(place.memop) else ""
    return f"{place.range.kind}{name}+{place.pc - place.range.start:#x} in {where}{memop}"


def _of_foreign(place: CodePlace) -> str:
    if isinstance(place.block, Absent):
        return _unknown_to_foreign(place, place.block)
    number = f" {place.block.number}" if present(place.block.number) else ""
    kind = f" ({place.block.kind})" if place.version else ""
    where = f"{place.block.noun}{number}{kind}, by {place.source.in_words}"
    if place.version:
        where = f"{place.block.noun}{number}{kind} of {place.version}"
    line = f", {place.line}" if present(place.line) else ""
    guest = f", guest {place.guest_rip:#x}" if present(place.guest_rip) else ""
    if isinstance(place.range, Absent):
        unread = place.range.is_hole
        hole = f"in {where}, whose symbols cannot be read: {place.range}"
        named = f"{place.function} in {where}" if present(place.function) else ""
        return (hole if unread else named or f"in no symbol of {where}") + line + guest
    into = f"+{place.pc - place.range.start:#x}"
    if present(place.range.symbol) and "+0x" in place.range.symbol:  # a guest's instruction
        into = f", host{into}" if place.pc > place.range.start else ""
    return f"{place.range.symbol}{into} in {where}{line}{guest}"


def _unknown_to_foreign(place: CodePlace, why: Absent) -> str:
    from mtedbg.model.absent import Reason
    from mtedbg.model.foreign_code import CodeSource

    if not why.is_hole:
        return f"not in code that {place.source.in_words} describes"
    if why.reason is Reason.UNKNOWN_VERSION:
        return f"perhaps in code of {why.detail}"
    if place.source is CodeSource.MAPPINGS:
        return f"perhaps in code of a JIT: {why.detail}"
    if why.reason is Reason.UNKNOWN:
        return f"perhaps in code of {place.by}: {why.detail}"
    return f"{place.source.in_words} cannot be read: {why}"


COMMAND = Command(
    name="jit-block",
    summary="The code block and range that contain PC, or why no block contains it.",
    columns=(
        Column("outcome", Kind.TEXT, "what PC is in"),
        Column(
            "source",
            Kind.TEXT,
            "source of the answer: debug root, a JIT by its name, GDB JIT interface, "
            "ELF object in memory, jitdump, perf map, mappings",
        ),
        Column("block", Kind.LIST, "the code block: id, kind, tier, first and end address, state"),
        Column("range", Kind.LIST, "the range within it: kind, first and end address, symbol"),
        Column("function", Kind.TEXT, "the guest function that it belongs to"),
        Column("guest_rip", Kind.ADDRESS, "guest address of the memop at PC, else of the range"),
        Column("memop", Kind.COUNT, "id of the memop at PC"),
        Column("executions", Kind.COUNT, "how often control came to that memop, if it is counted"),
        Column("line", Kind.TEXT, "file and line of the guest's or the script's source"),
        Column("version", Kind.TEXT, "name and version of the JIT whose structures were read"),
    ),
    run=_run,
    arguments=(Argument("PC", "a host address; default: $pc", optional=True),),
    details=(
        "Outcomes: range; builtin-thunk (a range of that kind); block-no-range (in a block, "
        "between its ranges); segment-padding (between blocks); retired (in a block that was "
        "removed); not-jit; and where the code map fails: metadata-not-dumped, unstable (it "
        "changes while it is read), corrupt; unknown-version (there is a JIT whose layout is not "
        "known in this version); cannot-tell (it may be code that a JIT does not describe).\n\n"
        "For a JIT without a debug root, the answer comes from its own structures where their "
        "layout is known (docs/jits.md), from GDB's JIT interface (the objects that it has "
        "registered, read from its memory), from ELF files in front of their code, and from "
        "jitdump files and perf's map: those of a live process on the machine where it runs, of "
        "a core by --jitdump and --perf-map of `mtedbg core`."
    ),
    example="jit-block $pc",
)
