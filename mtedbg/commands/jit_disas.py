"""`jit-disas`: translated code next to the guest's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option, Takes
from mtedbg.dataclass import replace
from mtedbg.errors import NoRuntimeError, UsageError
from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.model.completion import Completable
from mtedbg.report import HERE, NOT_HERE, Answer, Column, Kind, Line, Record, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.code.foreign_blocks import ForeignListing
    from mtedbg.analysis.code.listing import ListedInstruction, Listing
    from mtedbg.model.code import Place
    from mtedbg.model.foreign_code import ForeignCode, ForeignCodes
    from mtedbg.session import Session

_HERE = "=>"
_WIDTH = 30


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.code.foreign_blocks import foreign_blocks, foreign_listing
    from mtedbg.analysis.code.listing import listing
    from mtedbg.analysis.runtimes import current_pc
    from mtedbg.model.code import Place

    which = arguments.values["pc|block"]
    if arguments.function is not None:
        return _of_function(session, arguments, arguments.function)
    at = current_pc(session, session.current_thread()) if which is None else session.strip(which)
    if isinstance(at, Absent):
        return Answer(headline=f"the PC is not known: {at}")
    current = session.current_thread() if session.target.threads() else None
    foreign = foreign_listing(session, at, count=arguments.n, thread=current)
    if foreign is not None:
        return answer_of_foreign(foreign)
    try:
        found = listing(session, at, count=arguments.n, thread=current)
    except NoRuntimeError:
        numbered = _of_number(session, arguments, at)
        known = foreign_blocks(session)
        if numbered is None and not known:
            raise
        return numbered or _nothing_there(at, known)
    numbered = _of_number(session, arguments, at) if isinstance(found, Place) else None
    return numbered or answer(found)


def _nothing_there(at: int, known: tuple[ForeignCodes, ...]) -> Answer:
    cut = (f"{one.version or one.source}: not whole: {one.cut}" for one in known if one.cut)
    return Answer(
        headline=f"{at:#x}: in no code that a JIT describes, and no block's number",
        notes=(*cut, "see `jit-blocks`"),
    )


def _of_number(session: Session, arguments: Arguments, number: int) -> Answer | None:
    """Code of a JIT without a debug root by its number there; None where there is none."""
    from mtedbg.analysis.code.foreign_blocks import foreign_numbered

    found = foreign_numbered(session, number)
    return _first_of(session, arguments, found) if found else None


def _of_function(session: Session, arguments: Arguments, name: str) -> Answer:
    """Code of a function, by its name."""
    from mtedbg.analysis.code.blocks import Wanted, blocks
    from mtedbg.analysis.code.foreign_blocks import foreign_named
    from mtedbg.analysis.code.listing import OF_BLOCK, listing

    if arguments.values["pc|block"] is not None:
        raise UsageError("give either an address, a number, or --function", "see `help jit-disas`")
    foreign = foreign_named(session, name)
    if foreign:
        return _first_of(session, arguments, foreign)
    own = blocks(session, Wanted(function=name)) if session.readable_runtimes() else ()
    found = [block for one in own for block in one.blocks]
    if not found:
        raise UsageError(f"no code of a function is called {name!r}", "see `jit-blocks`")
    current = session.current_thread() if session.target.threads() else None
    listed = answer(listing(session, found[0].base, count=arguments.n or OF_BLOCK, thread=current))
    return replace(listed, notes=(*_others(len(found)), *listed.notes))


def _first_of(session: Session, arguments: Arguments, codes: tuple[ForeignCode, ...]) -> Answer:
    from mtedbg.analysis.code.foreign_blocks import begin_of, foreign_listing
    from mtedbg.analysis.code.listing import OF_BLOCK

    current = session.current_thread() if session.target.threads() else None
    begin = begin_of(codes[0])
    found = foreign_listing(session, begin, count=arguments.n or OF_BLOCK, thread=current)
    if found is None:
        return _nothing_there(begin, ())
    listed = answer_of_foreign(found)
    return replace(listed, notes=(*_others(len(codes)), *listed.notes))


def _others(count: int) -> tuple[str, ...]:
    return (f"the first of {count} pieces of code: see `jit-blocks`",) if count > 1 else ()


def answer(found: Listing | Place) -> Answer:
    """The instructions as rows, and drawn next to the guest's."""
    from mtedbg.model.code import Place

    if isinstance(found, Place):
        why = f"not in translated code ({found.outcome.value}), and no block's id"
        return Answer(headline=f"{found.pc:#x}: {found.detail or why}", notes=("see `jit-blocks`",))
    lines = tuple(drawn for one in found.lines for drawn in _drawn(one))
    rows = tuple(map(_row, found.lines))
    body = Record(rows[0], lines) if len(rows) == 1 else Table(rows, lines)
    headline = f"block {found.block.id} ({found.block.kind}) from {found.start:#x} on"
    return Answer(body, headline, tuple(_notes(found)))


def answer_of_foreign(found: ForeignListing) -> Answer:
    """The same for code of a JIT without a debug root."""
    from mtedbg.commands.jit_block import answer as answer_of_block

    lines = tuple(drawn for one in found.lines for drawn in _drawn(one))
    rows = tuple(map(_row, found.lines))
    body = Record(rows[0], lines) if len(rows) == 1 else Table(rows, lines)
    asked = answer_of_block(found.place)
    last = found.start + 4 * len(found.lines)
    more = (f"the code continues: `{COMMAND.name} {last:#x} -n {len(found.lines)}`",)
    return Answer(body, asked.headline, asked.notes + (more if last < found.end else ()))


def _notes(found: Listing) -> Iterator[str]:
    from mtedbg.analysis.runtimes import notes_of, whose

    yield from notes_of(found.runtime)
    yield from found.notes
    if found.is_one_of_several:
        yield whose(found.runtime, f"block {found.block.id}")
    if found.end < found.block.end:
        yield f"the block continues: `{COMMAND.name} {found.end:#x} -n {len(found.lines)}`"


def _row(one: ListedInstruction) -> Row:
    return {
        "address": one.line.address,
        "bytes": then(one.line.word, lambda word: f"{word:08x}"),
        "instruction": one.line.text,
        "guest_rip": one.guest_rip,
        "memop": then(one.memop, lambda memop: memop.id),
        "mark": " ".join((*_standing(one), *_memop(one), *_patched(one), *_site(one))),
    }


def _standing(one: ListedInstruction) -> Iterator[str]:
    """Who is there."""
    if one.standing.current:
        yield _HERE
    yield from (f"thread {number}" for number in one.standing.threads)
    if one.standing.interrupted:
        yield _HERE


def _memop(one: ListedInstruction) -> tuple[str, ...]:
    """Which part of a memop it is."""
    return (_part(one),) if one.part else ()


def _part(one: ListedInstruction) -> str:
    from mtedbg.analysis.code.listing import OUT_OF_LINE

    return "out of line" if one.part == OUT_OF_LINE else f"[{one.part}]"


def _patched(one: ListedInstruction) -> tuple[str, ...]:
    """Whether it was ever patched. Words out of line never are: they are in use, or not."""
    from mtedbg.analysis.code.listing import OUT_OF_LINE
    from mtedbg.model.memop import Mode

    if one.part == OUT_OF_LINE:
        mode = then(one.memop, lambda memop: memop.mode)
        return ("in use",) if mode == Mode.EITHER else ()
    flips = then(one.memop, lambda memop: memop.flips)
    return ("patched",) if or_else(flips, 0) else ()


def _site(one: ListedInstruction) -> tuple[str, ...]:
    """The place that is patched and is no memop."""
    return (one.patch,) if one.patch else ()


def _drawn(one: ListedInstruction) -> Iterator[Line]:
    """A heading where something begins, and the host's instruction with the guest's next to it."""
    if one.label:
        yield (Span(f"   {one.label}:", "heading"),)
    here = one.standing.current or one.standing.interrupted
    text = f"<{one.line.text}>" if isinstance(one.line.text, Absent) else one.line.text
    word = or_else(then(one.line.word, lambda found: f"{found:08x}"), "????????")
    guest_text = "  ".join(_guest_text(one))
    yield (
        HERE if here else NOT_HERE,
        Span(f"{one.line.address:#x}  ", "address"),
        Span(f"{word}  ", "dim"),
        Span(f"{text:<{_WIDTH}}" if guest_text else text, "mark" if here else ""),
        Span(f"  {guest_text}" if guest_text else "", "dim"),
    )


def _guest_text(one: ListedInstruction) -> Iterator[str]:
    """Who else is there, the memop, and at its access the guest instruction."""
    yield from (f"thread {number}" for number in one.standing.threads)
    if present(one.memop):
        yield f"{_part(one)} memop {one.memop.id}"
    yield from _patched(one)
    yield from _site(one)
    if present(one.guest_rip) and one.part in (0, 2):
        guest = f": {one.guest}" if present(one.guest) else ""
        yield f"{one.guest_rip:#x}{guest}"


COMMAND = Command(
    name="jit-disas",
    summary="Host code around PC, or of a code block, next to its guest instructions.",
    columns=(
        Column("address", Kind.ADDRESS, "address of the host instruction"),
        Column("bytes", Kind.TEXT, "its word, eight hexadecimal digits"),
        Column("instruction", Kind.TEXT, "in assembly language"),
        Column("guest_rip", Kind.ADDRESS, "its guest instruction, if a memop or range records it"),
        Column("memop", Kind.COUNT, "id of the memop that it is part of"),
        Column(
            "mark",
            Kind.TEXT,
            "=> at the PC, other threads, part of a memop ([1], [2], out of line, in use), "
            "patches, patch sites",
        ),
    ),
    run=_run,
    arguments=(
        Argument(
            "PC|BLOCK",
            "an address in JIT code, or the number of a block, trace or object; default: $pc",
            optional=True,
            completes=Completable.BLOCK,
        ),
    ),
    options=(
        Option(
            "-n", "number of instructions, from PC or the beginning of the block", "N", Takes.COUNT
        ),
        Option(
            "--function",
            "the code of this function",
            "NAME|NUMBER",
            completes=Completable.FUNCTION,
        ),
    ),
    details=(
        "The guest instruction is shown next to the access [2] of its memop, and at the beginning "
        "of a function."
    ),
    example="jit-disas $pc",
)
