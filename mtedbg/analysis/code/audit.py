"""What is wrong with a runtime's metadata."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.audit import audit as findings_of
from mtedbg.model.finding import Finding, Severity

if TYPE_CHECKING:
    from mtedbg.session import Session

MOST = 1 << 12
"""Findings that are looked for."""

_ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: the worst first.
        cut: whether there are more.
    """

    findings: tuple[Finding, ...]
    cut: bool

    def count(self, severity: Severity) -> int:
        """How many findings are of one severity."""
        return sum(one.severity is severity for one in self.findings)


def audit(session: Session) -> Audit:
    """The findings about every runtime.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found: list[Finding] = []
    for runtime in all_runtimes(session):
        found += islice(findings_of(runtime), MOST + 1 - len(found))
    found.sort(key=lambda one: _ORDER.index(one.severity))
    return Audit(tuple(found), len(found) > MOST)
