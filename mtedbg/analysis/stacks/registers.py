"""The registers of a thread: which of them are tagged pointers, and whether their tags match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import describe, jit_place, region_at
from mtedbg.analysis.tags.span import tag_at
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.frame import GENERAL_REGISTERS
from mtedbg.model.pointer import logical_tag
from mtedbg.report import Column, Kind, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

COLUMNS = (
    Column("register", Kind.TEXT, "its name"),
    Column("value_raw", Kind.RAW, "what it holds, tag bits kept", heading="value"),
    Column("logical_tag", Kind.TAG, "bits 59:56 of what points to tagged memory", heading="tag"),
    Column("allocation_tag", Kind.TAG, "the tag of the memory that it points to", heading="memory"),
    Column("match", Kind.FLAG, "whether the two are the same"),
    Column("points_to", Kind.TEXT, "what is there"),
)
NAMES = (*(f"x{number}" for number in range(31)), "sp", "pc")
_NOT_A_POINTER = 1 << 12


def registers(session: Session) -> Report:
    """The registers of the session's thread, those that point to tagged memory marked."""
    values = session.target.registers(session.thread())
    if isinstance(values, Absent):
        return flat("registers", session.info, COLUMNS, notes=(f"registers: {values}",))
    rows = tuple(_row(session, name, values[name]) for name in NAMES if name in values)
    if "pstate" in values:
        rows += (_plain("pstate", values["pstate"]),)
    guests = _guest_registers(session, values.get("pc", 0))
    wrong = [str(row["register"]) for row in rows if row["match"] is False]
    notes = [f"tag mismatch: {', '.join(wrong)}"] if wrong else []
    if guests.intersection(wrong):
        notes.append("guest registers hold addresses without a tag: a memop's [1] puts it in")
    picture = tuple(_draw(row) for row in rows)
    return flat("registers", session.info, COLUMNS, rows, tuple(notes), picture, listing=True)


def _guest_registers(session: Session, pc: int) -> set[str]:
    """The host registers that hold the guest's, where the thread is in translated code."""
    found = jit_place(session, session.strip(pc))
    return (
        set() if found is None else {found[0].registers.get(one, "") for one in GENERAL_REGISTERS}
    )


def _plain(name: str, value: int) -> dict[str, int | str | Absent]:
    row: dict[str, int | str | Absent] = {column.key: NOT_APPLICABLE for column in COLUMNS}
    return row | {"register": name, "value_raw": value}


def _row(session: Session, name: str, value: int) -> Row:
    row = _plain(name, value)
    address = session.strip(value)
    if address < _NOT_A_POINTER or region_at(session, address) is None:
        return row
    row["points_to"] = describe(session, address) or NOT_APPLICABLE
    memory = tag_at(session, address)
    if not isinstance(memory, Absent):
        pointer = logical_tag(value)
        row |= {"logical_tag": pointer, "allocation_tag": memory, "match": pointer == memory}
    return row


def _draw(row: Row) -> Line:
    match, value = row["match"], row["value_raw"]
    assert isinstance(value, int)
    words, role = "", ""
    if not isinstance(match, Absent):
        words = f"tag {row['logical_tag']}, memory {row['allocation_tag']}: "
        words += "match" if match else "mismatch"
        role = "tag-match" if match else "tag-mismatch"
    there = row["points_to"]
    return (
        Span(f"{row['register']:<7}", "heading"),
        Span(f"{value:#018x}", "address"),
        Span(f"  {words:<30}" if words else "", role),
        Span(f"  {there}" if isinstance(there, str) else "", "dim"),
    )
