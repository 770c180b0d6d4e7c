"""Host code around the PC."""

from __future__ import annotations

from mtedbg.analysis.code.disassembly import AFTER, BEFORE, disassembly
from mtedbg.model.absent import Absent, Reason
from mtedbg.report import rows_of
from mtedbg.reports.host_code import answer
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.scenes import CODE, NOP, target_at

PC = CODE + 4 * 16


def test_the_address_is_marked_and_symbols_are_headings() -> None:
    target = target_at()
    target.symbols = {"first": CODE, "second": PC}
    found = disassembly(Session(target), PC + 2)
    assert [one.is_marked for one in found].index(True) == BEFORE
    body = answer(PC + 2, found).body
    rows = rows_of(body)
    assert len(rows) == BEFORE + 1 + AFTER
    assert (rows[BEFORE]["address"], rows[BEFORE]["bytes"]) == (PC, f"{NOP:08x}")
    assert [row["mark"] for row in rows].count("=>") == 1
    text = ["".join(span.text for span in line) for line in body.lines]
    assert text[0] == "<first+0x28>:"
    assert text[BEFORE + 1 : BEFORE + 3] == ["<second>:", f"=> {PC:#x}  {NOP:08x}  nop"]
    assert text[-1].endswith("????????  <not mapped>"), "code ends after the marked instruction"


def test_where_there_is_no_code_at_all_that_is_said_once() -> None:
    found = answer(0x5002, disassembly(Session(FakeTarget()), 0x5002))
    assert (rows_of(found.body), found.notes) == ((), ("code at 0x5002: not mapped",))


def test_near_address_0() -> None:
    assert disassembly(Session(FakeTarget()), 4)[0].line.address == 0


def test_where_the_pc_is_not_known() -> None:
    found = answer(Absent(Reason.NOT_RECORDED), ())
    assert found.notes == ("the PC is not known: not recorded",)
