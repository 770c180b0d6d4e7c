"""The answer of mte-step: what it lists, what it marks as changed, what it remarks on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mtedbg.analysis.stepping import step
from mtedbg.analysis.stepping.handling import FaultPath, handling
from mtedbg.dataclass import replace
from mtedbg.decode.stack.registers import register_number
from mtedbg.errors import NoHardwareBreakpointError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.handling import Handling
from mtedbg.model.stop import Stop, StopKind
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support.answers import ask
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image
from tests.support.scripted import memop, phase, scripted


def go(target: FakeTarget, line: str = "mte-step") -> Report:
    return ask(Session(target), line)


def written(report: Report) -> list[str]:
    return ["".join(span.text for span in line) for line in report.answer.body.lines]


def test_where_a_thread_is():
    report = go(scripted(image(), signal=True), "mte-step --here")
    (row,) = report.rows
    assert (row["place"], row["phase"], row["thread"], row["memop"]) == (
        "signal",
        NOT_APPLICABLE,
        1,
        1,
    )
    assert row["next"] == "the program gets the signal: the handler begins"
    assert row["changes"] == []
    assert report.headline.startswith("thread 1: a fault, before its handler: memop 1, ")
    lines = written(report)
    assert any(line.startswith("  [2] ") for line in lines)
    assert lines[-1].split() == ["next", *str(row["next"]).split()]
    assert not any(line.startswith("*") for line in lines)


def test_the_phase_that_comes():
    made = image()
    target = scripted(made, signal=True)
    target.at(phase(made, "fault"), StopKind.BREAKPOINT)
    report = go(target)
    assert (report.rows[0]["place"], report.rows[0]["phase"]) == ("phase", "fault")
    assert report.headline.startswith("thread 1: before phase fault")
    assert report.notes == ()


def test_what_is_not_as_it_was_is_marked():
    made = image()
    target = scripted(made, memop(made) - 4)
    name = f"x{register_number(made.runtime(), 'address')}"
    before = target.register_sets[1][name]

    def arrive() -> Stop:
        target.register_sets[1].update({"pc": memop(made), name: before ^ 1 << 56})
        return Stop(StopKind.BREAKPOINT, 1, memop(made))

    target.happenings.append(arrive)
    report = go(target)
    changes = report.rows[0]["changes"]
    assert isinstance(changes, list)
    assert [change["what"] for change in changes if isinstance(change, Mapping)] == ["pointer"]
    (line,) = [line for line in written(report) if line.startswith("* ")]
    assert " → tag " in line
    assert line.split()[1:3] == ["pointer", f"{before & (1 << 56) - 1:#x}"]


@pytest.mark.parametrize("hardware", [True, False])
def test_a_critical_section_that_ran_as_one(hardware, monkeypatch):
    made = image()

    def strict(session: Session, here: FaultPath) -> Handling:
        now = handling(session, here)
        assert not isinstance(now.memop, Absent)
        record = replace(now.memop.memop, abort_address=memop(made) + 0x100)
        return replace(now, memop=replace(now.memop, memop=record))

    def refused() -> Stop:
        raise NoHardwareBreakpointError("no hardware breakpoints")

    monkeypatch.setattr(step, "handling", strict)
    target = scripted(made, memop(made) - 4)
    if not hardware:
        target.happenings.append(refused)
    target.at(memop(made) + 4 if hardware else phase(made, "fault"), StopKind.BREAKPOINT)
    (note,) = go(target).notes
    assert note.startswith("memop 1 is a critical section (rseq), which restarts")
    assert ("no hardware breakpoint" in note) is not hardware


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        (StopKind.BREAKPOINT, "breakpoint 7", "breakpoint 7"),
        (StopKind.INTERRUPTED, "", "interrupted"),
        (StopKind.SIGNAL, "SIGUSR1", "SIGUSR1"),
    ],
)
def test_what_came_between_is_said(kind, detail, said):
    made = image()
    target = scripted(made, signal=True)
    target.at(phase(made, "lookup") + 4, kind, detail)
    assert f"stopped before the next phase: {said}" in go(target).notes


def test_the_end_of_the_program():
    target = scripted(image(), signal=True)
    target.happenings.append(lambda: Stop(StopKind.EXITED, detail="exit status 3"))
    report = go(target)
    assert (report.headline, report.rows) == ("the program has ended: exit status 3", ())
