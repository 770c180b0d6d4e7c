"""`mte-regions`: the tagged mappings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.errors import UsageError
from mtedbg.report import Answer, Column, Document, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session

_ENDING = ".svg"


def _run(session: Session, arguments: Arguments) -> Answer | Report:
    from mtedbg.analysis.tags.regions import regions

    path: str | None = arguments.picture
    if path is not None and not path.lower().endswith(_ENDING):
        raise UsageError(f"{COMMAND.name}: the picture is SVG", f"call the file {path}{_ENDING}")
    report = regions(
        session,
        COMMAND.name,
        COMMAND.columns,
        everything=arguments.all,
        figure=path is not None,
    )
    if path is None:
        return report
    from mtedbg.render.svg import render_svg

    answer = report.answer
    assert answer.figure is not None
    return replace(answer, documents=(Document(path, render_svg(answer.figure, answer.headline)),))


COMMAND = Command(
    name="mte-regions",
    summary="The tagged mappings, and how many granules have which tag.",
    columns=(
        Column("start", Kind.ADDRESS, "first address"),
        Column("end", Kind.ADDRESS, "one past the last address"),
        Column("perms", Kind.TEXT, "permissions"),
        Column("name", Kind.TEXT, "file or pseudo name, empty for anonymous memory"),
        Column("tagged", Kind.FLAG, "whether it is mapped with PROT_MTE", shown=False),
        Column("dumped", Kind.FLAG, "whether its bytes are in the core"),
        Column("histogram", Kind.LIST, "granules (of 16 bytes) by tag", "granules by tag"),
    ),
    run=_run,
    options=(
        Option("--all", "count as long as it takes on a live process; else two seconds"),
        Option("--picture", "draw who owns what, one colour a core, into this SVG file", "FILE"),
    ),
    example="mte-regions --picture owners.svg",
)
