"""The registers of a thread, and the tags of what they point to."""

from __future__ import annotations

from mtedbg.analysis.stacks.registers import Registers, registers
from mtedbg.analysis.tags.check import TagCheck
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image
from tests.support.scenes import HEAP, NOP, session_at, tagged


def registers_of(session: Session) -> Registers:
    found = registers(session, session.current_thread())
    assert isinstance(found, Registers)
    return found


def test_what_points_to_tagged_memory_is_checked():
    values = {"x1": tagged(HEAP, 3), "x2": tagged(HEAP, 11), "x3": 77, "pstate": 1 << 30}
    found = {one.name: one for one in registers_of(session_at(NOP, values)).all}
    assert list(found) == ["x1", "x2", "x3", "pc", "pstate"]
    assert (found["x1"].mismatches, found["x2"].mismatches) == (True, False)
    assert found["x1"].tags == TagCheck(HEAP, 3, 11)
    assert found["x3"].points_to == NOT_APPLICABLE
    assert str(found["pc"].points_to).startswith("fake+")
    assert found["pc"].tags == NOT_APPLICABLE


def test_the_registers_that_hold_the_guests_are_named():
    assert not registers_of(session_at()).guest
    assert "x0" in registers_of(image().session()).guest


def test_of_a_thread_whose_registers_cannot_be_had():
    session = Session(FakeTarget())
    assert registers(session, session.current_thread()) == Absent(Reason.UNREADABLE)
