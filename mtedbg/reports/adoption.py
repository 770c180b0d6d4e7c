"""What an adopter of the debug root has to mend, for `mtedbg adopt-check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Report, Table

if TYPE_CHECKING:
    from mtedbg.analysis.code.adoption import Advice
    from mtedbg.session import Session

NAME = "adopt-check"
FINDING_COLUMNS = (
    Column("verdict", Kind.TEXT, "wrong, missing or slow"),
    Column("root", Kind.TEXT, "the runtime whose debug root it is"),
    Column("what", Kind.TEXT, "what is so"),
    Column("then", Kind.TEXT, "what does not work because of it, or what to do"),
)


def adoption(session: Session) -> tuple[Report, int]:
    """A row for each thing to mend; and how many these are."""
    from mtedbg.analysis.code.adoption import adoption as advice_for

    found: tuple[Advice, ...] = tuple(advice_for(session))
    rows = tuple(one._asdict() for one in found)
    answer = Answer(Table(rows), _headline(session, len(rows)))
    return Report(NAME, session.info, FINDING_COLUMNS, answer), len(rows)


def _headline(session: Session, count: int) -> str:
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return "no debug root can be used"
    names = ", ".join(one.name or "one without a name" for one in runtimes)
    return f"{counted(len(runtimes), 'debug root')} ({names}): {counted(count, 'thing')} to mend"
