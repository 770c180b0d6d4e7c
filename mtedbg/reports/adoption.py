"""What an adopter of the debug root has to mend, for `mtedbg adopt-check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Report, Table

if TYPE_CHECKING:
    from mtedbg.session import Session

NAME = "adopt-check"
FINDING_COLUMNS = (
    Column("verdict", Kind.TEXT, "wrong, missing or slow; optional: nothing to mend, may be told"),
    Column("root", Kind.TEXT, "the runtime whose debug root it is"),
    Column("what", Kind.TEXT, "what is so"),
    Column("then", Kind.TEXT, "what does not work because of it, or what to do"),
)


def adoption(session: Session) -> tuple[Report, int]:
    """A row for each thing to mend, and for each that may be told; how many are to be mended."""
    from mtedbg.analysis.code.adoption import Verdict
    from mtedbg.analysis.code.adoption import adoption as advice_for

    # The optional ones last, also where there are several roots.
    found = sorted(advice_for(session), key=lambda one: one.verdict is Verdict.OPTIONAL)
    count = sum(one.verdict is not Verdict.OPTIONAL for one in found)
    answer = Answer(
        Table(tuple(one._asdict() for one in found)),
        _headline(session, count, len(found) - count),
    )
    return Report(NAME, session.info, FINDING_COLUMNS, answer), count


def _headline(session: Session, count: int, optional: int) -> str:
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return "no debug root can be used"
    names = ", ".join(one.name or "one without a name" for one in runtimes)
    said = f"{counted(len(runtimes), 'debug root')} ({names}): {counted(count, 'thing')} to mend"
    return said + (f", {optional} optional not told" if optional else "")
