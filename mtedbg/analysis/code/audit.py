"""What is wrong with a runtime's metadata, or with what a JIT keeps of its code."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import Auditor, jits
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.audit import audit as findings_of
from mtedbg.errors import NoRuntimeError
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
    """The findings about every runtime, and about every JIT that can be compared with itself.

    Raises:
        NoRuntimeError: there is no runtime, and no such JIT.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found: list[Finding] = []
    auditors = [one.jit for one in jits(session) if isinstance(one.jit, Auditor)]
    try:
        runtimes = all_runtimes(session)
    except NoRuntimeError:
        if not auditors:
            raise
        runtimes = ()
    for runtime in runtimes:
        found += islice(findings_of(runtime), MOST + 1 - len(found))
    for one in auditors:
        found += islice(one.findings(), MOST + 1 - len(found))
    found.sort(key=lambda one: _ORDER.index(one.severity))
    return Audit(tuple(found), len(found) > MOST)
