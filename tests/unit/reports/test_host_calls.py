"""The report of the host's call chain."""

from __future__ import annotations

from mtedbg.analysis.code.symbolize import Symbolized
from mtedbg.analysis.stacks.host_calls import FrameKind, HostCalls, HostFrame
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.process import Symbol
from mtedbg.report import rows_of
from mtedbg.reports.host_calls import answer

PROGRAM = Region(0x1000, 0x3000, "r-x", "/bin/program", tagged=False)
LEAF = HostFrame(0x1000, FrameKind.HOST, Symbolized(PROGRAM, symbol=Symbol("leaf", 0)))
MAYBE = HostFrame(0x2000, FrameKind.HYPOTHESIS, Symbolized(PROGRAM, symbol=Symbol("f", 0x20)))


def test_frames_are_rows_and_lines():
    found = answer(HostCalls((LEAF, MAYBE), "x29 is 0"))
    assert [(row["level"], row["kind"], row["function"]) for row in rows_of(found.body)] == [
        (0, "host", "leaf"),
        (1, "guess", "f+0x20"),
    ]
    assert ["".join(span.text for span in line) for line in found.body.lines] == [
        "#0   0x1000  leaf",
        "#1   0x2000  f+0x20  (guess)",
    ]
    assert found.notes[0] == "the chain ends: x29 is 0"
    assert "x30" in found.notes[1]


def test_a_chain_that_ends_as_it_should_needs_no_note():
    assert answer(HostCalls((LEAF,))).notes == ()


def test_registers_that_cannot_be_had_are_a_note():
    assert answer(Absent(Reason.NOT_DUMPED)).notes == ("registers: not dumped in this core",)
