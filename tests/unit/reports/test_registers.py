"""The report of a thread's registers."""

from __future__ import annotations

from mtedbg.analysis.stacks.registers import registers
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.report import Answer, rows_of
from mtedbg.reports.registers import answer
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image
from tests.support.scenes import HEAP, NOP, session_at, tagged


def answer_of(session: Session) -> Answer:
    return answer(registers(session, session.current_thread()))


def test_registers_are_marked_where_they_point_to_tagged_memory():
    values = {"x1": tagged(HEAP, 3), "x2": tagged(HEAP, 11), "x3": 77, "pstate": 1 << 30}
    found = answer_of(session_at(NOP, values))
    rows = {row["register"]: row for row in rows_of(found.body)}
    assert (rows["x1"]["match"], rows["x2"]["match"]) == (False, True)
    assert (rows["x1"]["logical_tag"], rows["x1"]["allocation_tag"]) == (3, 11)
    assert not isinstance(rows["x3"]["points_to"], str)
    assert str(rows["pc"]["points_to"]).startswith("fake+")
    assert found.notes == ("tag mismatch: x1",)
    assert len(found.body.lines) == len(rows)
    written = ["".join(span.text for span in line) for line in found.body.lines]
    assert any("tag 3, memory 11: mismatch" in line for line in written)
    assert any("tag 11, memory 11: match" in line for line in written)


def test_guest_registers_have_no_tag():
    session = image().session()
    target = session.target
    assert isinstance(target, FakeTarget)
    assert isinstance(target.mappings, list)
    target.register_sets[1]["x0"] = HEAP
    target.tags[HEAP] = bytes([2])
    target.mappings.append(Region(HEAP, HEAP + 0x1000, "rw-", "", tagged=True))
    notes = answer_of(session).notes
    assert notes[0] == "tag mismatch: x0"
    assert "guest registers" in notes[1]


def test_registers_that_cannot_be_had_are_a_note():
    assert answer(Absent(Reason.NOT_DUMPED)).notes == ("registers: not dumped in this core",)
