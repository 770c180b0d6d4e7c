"""`jit-audit`: what is wrong with the code map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, Takes
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.code.audit import Audit
    from mtedbg.model.finding import Finding
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.code.audit import audit

    return answer(audit(session), arguments.n)


def answer(found: Audit, most: int | None = None) -> Answer:
    """The findings as rows, at most `most` of them."""
    from mtedbg.analysis.code.audit import MOST

    shown = found.findings[: MOST if most is None else max(1, min(most, MOST))]
    notes = tuple(_notes(found, len(shown)))
    return Answer(Table(tuple(map(_row, shown))), _headline(found), notes, incomplete=found.cut)


def _row(one: Finding) -> Row:
    return {
        "severity": one.severity.value,
        "what": one.what.value,
        "where": one.where,
        "detail": one.detail,
    }


def _notes(found: Audit, shown: int) -> Iterator[str]:
    from mtedbg.analysis.code.audit import MOST
    from mtedbg.commands._findings import left_out

    return left_out(COMMAND.name, len(found.findings), shown, most=MOST, cut=found.cut)


def _headline(found: Audit) -> str:
    from mtedbg.model.finding import Severity

    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    if not found.findings:
        return "the code map is consistent, and nothing was in flight"
    if not errors and not warnings:
        return "the code map is consistent; a change was in flight"
    words = [counted(errors, "error")] if errors else []
    words += [counted(warnings, "warning")] if warnings else []
    return f"the code map: {', '.join(words)}"


COMMAND = Command(
    name="jit-audit",
    summary="Checks the runtime's metadata for consistency, and shows changes in flight.",
    columns=(
        Column("severity", Kind.TEXT, "error, warning, info"),
        Column("what", Kind.TEXT, "unsorted, overlap, outside, dangling, checksum, in-flight…"),
        Column("where", Kind.TEXT, "the block, range, memop, table or thread concerned"),
        Column("detail", Kind.TEXT, "what was found"),
    ),
    run=_run,
    options=(Option("-n", "maximum number of findings", "N", Takes.COUNT),),
    details=(
        "error: the metadata contradicts itself, and answers based on it may be wrong. warning: "
        "something is missing, or one generation old. info: a change was in flight, as in a core "
        "that was dumped in the middle of one."
    ),
    example="jit-audit",
)
