"""`mte-tags`: the allocation tags around an address or over a length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option, Takes
from mtedbg.errors import UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.pointer import GRANULE, granule_of
from mtedbg.model.words import counted
from mtedbg.report import (
    HERE,
    NOT_HERE,
    Answer,
    Column,
    Continuation,
    Kind,
    Line,
    Row,
    Span,
    Table,
)

if TYPE_CHECKING:
    from mtedbg.analysis.tags.runs import Run
    from mtedbg.analysis.tags.span import TagSpan
    from mtedbg.session import Session

_NOT_TAGGED, _NOT_THERE = ".", "?"
_MATCH, _MISMATCH = "=", "x"


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.span import Form, tag_span

    pointer, length = arguments.addr, arguments.len
    if pointer is None:
        pointer, length = _going_on(arguments)
    listed = arguments.runs or arguments.json
    form = Form.GRANULES if arguments.granules else Form.RUNS if listed else Form.MAP
    return answer(tag_span(session, pointer, length, form), length)


def _going_on(arguments: Arguments) -> tuple[int, int | None]:
    if arguments.continuation is None:
        raise UsageError(
            f"{COMMAND.name} has not shown a range yet that it could continue after",
            f"give an address: `help {COMMAND.name}` has an example",
        )
    return arguments.continuation.pointer, arguments.continuation.length


def answer(found: TagSpan, length: int | None = None) -> Answer:
    """The tags as rows, and as a map where they are one.

    Args:
        found: the tags.
        length: bytes that were asked for; None for some lines around an address.
    """
    from mtedbg.analysis.tags.advice import next_step, unchecked
    from mtedbg.analysis.tags.span import Form

    is_map = found.form is Form.MAP
    rows = tuple(_row(found, run) for run in found.runs)
    return Answer(
        Table(rows, tuple(map_lines(found)) if is_map else ()),
        _verdict(found),
        (
            *next_step(found.memory_tag),
            *(_map_notes(found) if is_map else _list_notes(found)),
            *unchecked(found.pointer, found.memory_tag),
        ),
        incomplete=not is_map and found.reached < found.end,
        continuation=_continuation(found, length) if rows else None,
    )


def _row(found: TagSpan, run: Run) -> Row:
    has_tag = not isinstance(run.tag, Absent)
    return {
        "start": run.start,
        "end": run.end,
        "tag": run.tag,
        "owner": NOT_APPLICABLE if isinstance(run.tag, Absent) else found.owners[run.tag],
        "match": run.tag == found.pointer_tag if has_tag else NOT_APPLICABLE,
    }


def _verdict(found: TagSpan) -> str:
    """Whether the pointer fits the memory."""
    memory = found.memory_tag
    if isinstance(memory, Absent):
        return f"{found.address:#x}: {memory}"
    fits = "match" if found.pointer_tag == memory else "mismatch"
    tags = f"memory tag {memory}, pointer tag {found.pointer_tag}"
    return f"{found.address:#x}: {tags}: {fits}"


def _continuation(found: TagSpan, length: int | None) -> Continuation:
    """The next call goes on where this one ended, with the same pointer tag."""
    end = found.reached
    left = 0 if length is None else found.address + length - end
    goes_on = left if left > 0 else length or end - found.runs[0].start
    return Continuation(end | found.pointer ^ found.address, goes_on)


def _list_notes(found: TagSpan) -> Iterator[str]:
    if found.reached < found.end:
        yield (
            f"cut off after {counted(len(found.runs), 'row')}: "
            f"`{COMMAND.name} {found.reached:#x} LEN` continues"
        )


def _map_notes(found: TagSpan) -> Iterator[str]:
    from mtedbg.analysis.tags.span import LINE, MOST_LINES

    if found.reached < found.end:
        more = min(found.end - found.reached, MOST_LINES * LINE)
        yield (
            f"{found.end - found.reached:#x} bytes from {found.reached:#x} on are not shown: "
            f"`{COMMAND.name} {found.reached:#x} {more:#x}` continues, --runs lists every run"
        )
    yield from filter(None, (_legend(found), _whose(found)))


def _legend(found: TagSpan) -> str:
    """What the signs in the map mean that are no tags."""
    reasons: dict[str, set[str]] = {}
    for run in found.runs:
        if isinstance(run.tag, Absent):
            reasons.setdefault(_sign(run.tag), set()).add(str(run.tag))
    return ", ".join(f"{sign} {' or '.join(sorted(why))}" for sign, why in sorted(reasons.items()))


def _whose(found: TagSpan) -> str:
    """What the tags in the map stand for, where a runtime says it."""
    tags = sorted({run.tag for run in found.runs if not isinstance(run.tag, Absent)})
    whose = ((f"{tag:x}", found.owners[tag]) for tag in tags)
    return ", ".join(
        f"{sign} {owner if isinstance(owner, str) else f'core {owner}'}"
        for sign, owner in whose
        if not isinstance(owner, Absent)
    )


def _sign(tag: int | Absent) -> str:
    """One character for a granule."""
    if isinstance(tag, Absent):
        return _NOT_TAGGED if tag.reason is Reason.NOT_TAGGED else _NOT_THERE
    return f"{tag:x}"


def map_lines(found: TagSpan) -> Iterator[Line]:
    """The map: 16 granules a line, as HWASan and debuggerd draw it; ADDR's is marked."""
    from mtedbg.analysis.tags.span import LINE, line_of

    tags = {
        granule: run.tag for run in found.runs for granule in range(run.start, run.end, GRANULE)
    }
    for start in range(line_of(found.runs[0].start), found.reached, LINE):
        here = start == line_of(found.address)
        marked = granule_of(found.address) if here else None
        yield (
            HERE if here else NOT_HERE,
            Span(f"{start:#x} ", "address"),
            *_cells(found, tags, range(start, start + LINE, GRANULE), marked),
            *_matches(found, tags, range(start, start + LINE, GRANULE), marked),
        )


def _cells(
    found: TagSpan, tags: Mapping[int, int | Absent], line: range, marked: int | None
) -> Iterator[Span]:
    for granule in line:
        left = "[" if granule == marked else "]" if granule - GRANULE == marked else " "
        yield Span(left, "mark" if left != " " else "")
        tag = tags.get(granule)
        yield Span(" ") if tag is None else Span(_sign(tag), _role(found, tag, granule == marked))
    if marked == line[-1]:
        yield Span("]", "mark")


def _matches(
    found: TagSpan, tags: Mapping[int, int | Absent], line: range, marked: int | None
) -> Iterator[Span]:
    """A sign for each granule, as `hexdump -C` has a column of characters."""
    yield Span("|" if marked == line[-1] else " |", "dim")
    for granule in line:
        tag = tags.get(granule)
        if tag is None or isinstance(tag, Absent):
            yield Span(" ")
        elif tag == found.pointer_tag:
            yield Span(_MATCH, "tag-match")
        else:
            yield Span(_MISMATCH, _role(found, tag, granule == marked))
    yield Span("|", "dim")


def _role(found: TagSpan, tag: int | Absent, marked: bool) -> str:
    if isinstance(tag, Absent):
        return "dim"
    if tag == found.pointer_tag:
        return "tag-match"
    return "tag-mismatch" if marked else ""


COMMAND = Command(
    name="mte-tags",
    summary="The allocation tags around ADDR, or of the granules that LEN bytes at ADDR touch.",
    columns=(
        Column("start", Kind.ADDRESS, "first address of a run of equal tags"),
        Column("end", Kind.ADDRESS, "one past its last address"),
        Column("tag", Kind.TAG, "allocation tag, or why there is none"),
        Column("owner", Kind.TEXT, 'core id that the tag marks, or "shared"; needs a runtime'),
        Column("match", Kind.FLAG, "whether the tag is the pointer's"),
    ),
    run=_run,
    arguments=(
        Argument(
            "ADDR",
            "a pointer, whose tag is compared; default: continue after the last range shown",
            optional=True,
        ),
        Argument("LEN", "bytes; default: some lines around ADDR", Takes.SIZE, optional=True),
    ),
    options=(
        Option("--runs", "a row for each run of equal tags instead of the map"),
        Option("--granules", "a row for each granule of 16 bytes"),
    ),
    details=(
        "The map shows 16 granules per line, one hexadecimal digit each: => and [ ] mark ADDR, . "
        "is memory that is not tagged, ? is memory that cannot be read. In the column on the right "
        "= is a granule whose tag is the pointer's, x one with another."
    ),
    example="mte-tags $x0 256",
    goes_on=True,
)
