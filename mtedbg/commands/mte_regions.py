"""`mte-regions`: the tagged mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, Takes
from mtedbg.dataclass import replace
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent
from mtedbg.model.memory import size_text
from mtedbg.model.pointer import GRANULE
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Document, Kind, Row, Scalar, Table

if TYPE_CHECKING:
    from mtedbg.analysis.tags.regions import TaggedMapping, TaggedMappings
    from mtedbg.session import Session

_ENDING = ".svg"
_HOLE = "absent"


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.regions import tagged_mappings

    path: str | None = arguments.picture
    if path is not None and not path.lower().endswith(_ENDING):
        raise UsageError(f"{COMMAND.name}: the picture is SVG", f"call the file {path}{_ENDING}")
    found = answer(tagged_mappings(session, everything=arguments.all, figure=path is not None))
    if path is None or found.figure is None:
        return found
    from mtedbg.render.svg import render_svg

    return replace(found, documents=(Document(path, render_svg(found.figure, found.headline)),))


def answer(found: TaggedMappings) -> Answer:
    """The mappings as rows, with the map of owners where it was made."""
    return Answer(
        Table(tuple(map(_row, found.mappings))),
        _headline(found),
        tuple(_notes(found)),
        figure=found.cell_map,
    )


def _row(one: TaggedMapping) -> Row:
    region = one.region
    return {
        "start": region.start,
        "end": region.end,
        "perms": region.perms,
        "name": region.name,
        "tagged": region.tagged,
        "dumped": one.dumped,
        "histogram": _histogram(one),
    }


def _histogram(one: TaggedMapping) -> Mapping[str, Scalar] | Absent:
    """Granules by tag; the first hole's reason where there is nothing else."""
    hole = next(map(_explained, one.holes), None)
    counts: dict[str, Scalar] = {str(tag): one.tags[tag] for tag in sorted(one.tags)}
    if hole is None:
        return counts
    if not counts:
        return hole
    detail = f", {hole.detail}" if hole.detail else ""
    return counts | {_HOLE: Absent(hole.reason, f"{counted(one.holes.total(), 'granule')}{detail}")}


def _explained(hole: Absent) -> Absent:
    """The same, with what to do about it."""
    from mtedbg.analysis.tags.regions import OUT_OF_TIME

    if hole == OUT_OF_TIME:
        return replace(hole, detail=f"{hole.detail}: --all reads all")
    return hole


def _headline(found: TaggedMappings) -> str:
    count, tags = len(found.mappings), found.tags
    if not count:
        return "no tagged mappings"
    if not tags and not any(one.region.tagged is True for one in found.mappings):
        return f"{counted(count, 'mapping')} may be tagged"
    size = size_text((tags.total() + found.holes.total()) * GRANULE)
    what = f"{counted(count, 'tagged mapping')}, {size}"
    if not tags:
        return what
    marked = tags.total() - tags[0]
    return f"{what}; {marked} of {tags.total()} granules read have a tag other than 0"


def _notes(found: TaggedMappings) -> Iterator[str]:
    from mtedbg.analysis.tags.regions import OUT_OF_TIME

    if unread := found.holes[OUT_OF_TIME]:
        yield f"{size_text(unread * GRANULE)} were not read for lack of time: use --all"
    if found.closed:
        yield (
            f"{counted(found.closed, 'mapping')} without read access: whether tagged is not known"
        )
    if found.cell_map and found.cell_map.left_out:
        yield f"the picture leaves out the {counted(found.cell_map.left_out, 'smallest mapping')}"


COMMAND = Command(
    name="mte-regions",
    summary="The tagged mappings, and how many granules have which tag.",
    columns=(
        Column("start", Kind.ADDRESS, "first address"),
        Column("end", Kind.ADDRESS, "one past the last address"),
        Column("perms", Kind.TEXT, "permissions"),
        Column("name", Kind.TEXT, "file or pseudo name, empty for anonymous memory"),
        Column("tagged", Kind.FLAG, "whether it is mapped with PROT_MTE", shown=False),
        Column("dumped", Kind.FLAG, "of a core: whether its bytes are in it"),
        Column(
            "histogram", Kind.LIST, "granules (of 16 bytes) by tag", "granules by tag", whole=True
        ),
    ),
    run=_run,
    options=(
        Option("--all", "no time limit in a live process; default: two seconds"),
        Option(
            "--picture",
            "draw which core owns which memory, one colour per core, to this SVG file",
            "FILE",
            Takes.FILE,
        ),
    ),
    example="mte-regions --picture owners.svg",
)
