"""What the writer of a dead process's file says of the death: quoted, not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.report import Column, Kind, Report, Row, flat
from mtedbg.target import RecordReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtedbg.model.recorded import RecordedCall
    from mtedbg.session import Session

_CAUSES = ("cause", "memory error")
_MOST = 4
COLUMNS = (
    Column("about", Kind.TEXT, "what it is about"),
    Column("level", Kind.COUNT, "of the backtrace that belongs to it, 0 is the innermost"),
    Column("text", Kind.TEXT, "what it says; of a backtrace, function and offset"),
    Column("file", Kind.TEXT, "of a level, the file that is mapped there"),
)
CALL_COLUMNS = (
    Column("level", Kind.COUNT, "0 is the innermost"),
    Column("pc", Kind.ADDRESS, "where it is, or where it goes on"),
    Column("function", Kind.TEXT, "function and offset; where not known, offset in the file"),
    Column("file", Kind.TEXT, "the file that is mapped there"),
    Column("build_id", Kind.TEXT, "of that file", shown=False),
)


def has_testimony(session: Session) -> bool:
    """Whether there is any."""
    return isinstance(session.target, RecordReader)


def causes(session: Session) -> list[str]:
    """The causes that the writer names, as reasons."""
    target = session.target
    found = [*target.recorded_facts()] if isinstance(target, RecordReader) else []
    return [f"the system says: {one.text}" for one in found if one.about in _CAUSES][:_MOST]


def testimony(session: Session) -> Report:
    """Causes, where memory was allocated and freed, the abort message."""
    rows: list[Row] = []
    target = session.target
    for one in target.recorded_facts() if isinstance(target, RecordReader) else ():
        rows.append(
            {"about": one.about, "level": NOT_APPLICABLE, "text": one.text, "file": NOT_APPLICABLE}
        )
        rows += [
            {"about": one.about, "level": level, "text": place(call), "file": call.file}
            for level, call in enumerate(one.calls)
        ]
    return flat("testimony", session.info, COLUMNS, tuple(rows), listing=True)


def noted_calls(session: Session) -> Report:
    """The backtrace of the session's thread, as it was made where the process died."""
    target = session.target
    calls: Sequence[RecordedCall] = ()
    if isinstance(target, RecordReader):
        calls = target.recorded_calls(session.thread())
    rows: tuple[Row, ...] = tuple(
        {
            "level": level,
            "pc": call.pc,
            "function": place(call),
            "file": call.file,
            "build_id": call.build_id,
        }
        for level, call in enumerate(calls)
    )
    return flat("noted-calls", session.info, CALL_COLUMNS, rows, listing=True)


def place(call: RecordedCall) -> str:
    """Function and offset; without a name, the offset in the file."""
    if not call.function:
        return f"{call.offset:#x}"
    return f"{call.function}+{call.function_offset:#x}" if call.function_offset else call.function
