"""What is wrong with a runtime's metadata."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.decode.code.audit import audit as findings_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent
from mtedbg.model.finding import Finding, Severity
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

MOST = 1 << 12
"""Findings of a report."""

_ORDER = list(Severity)


def audit(
    session: Session, command: str, columns: tuple[Column, ...], most: int | None = None
) -> Report:
    """Every finding about every runtime, the worst first.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        most: findings at most.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found: list[Finding] = []
    for runtime in all_runtimes(session):
        found += islice(findings_of(runtime), MOST + 1 - len(found))
    cut = len(found) > MOST
    found.sort(key=lambda one: _ORDER.index(one.severity))
    shown = found[: MOST if most is None else max(1, min(most, MOST))]
    notes = [f"there are more than {MOST} findings: these are the first"] if cut else []
    if len(shown) < len(found) and not cut:
        notes.append(f"{len(found) - len(shown)} more: `{command}` shows them")
    rows = tuple(_row(one) for one in shown)
    return flat(
        command, session.info, columns, rows, tuple(notes), headline=_headline(found),
        listing=True, cut=cut,
    )  # fmt: skip


def has_findings(session: Session) -> bool:
    """Whether an audit finds anything; false where there is no runtime that can be audited."""
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            if next(findings_of(runtime), None) is not None:
                return True
        except LayoutError:
            continue
    return False


def _row(one: Finding) -> Row:
    return {
        "severity": one.severity.value,
        "what": one.what,
        "where": one.where,
        "detail": one.detail,
    }


def _headline(found: list[Finding]) -> str:
    if not found:
        return "the code map is consistent, and nothing was in flight"
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    if not counts[Severity.ERROR] and not counts[Severity.WARNING]:
        return "the code map is consistent; a change was in flight"
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    words = [f"{errors} error{'s' if errors > 1 else ''}"] if errors else []
    words += [f"{warnings} warning{'s' if warnings > 1 else ''}"] if warnings else []
    return f"the code map: {', '.join(words)}"
