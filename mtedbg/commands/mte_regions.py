"""`mte-regions`: the tagged mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.query.regions import regions

    return regions(session, COMMAND.name, COMMAND.columns, everything=arguments.all)


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
    options=(Option("--all", "count for more than two seconds on a live process"),),
    example="mte-regions --json",
)
