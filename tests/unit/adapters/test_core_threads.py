"""Threads, registers, signals and expressions of synthetic cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.errors import ExpressionError, NoTargetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import SignalInfo, Thread
from mtedbg.session import Session
from tests.support.elf_core import Core, ThreadNotes

NOT_RECORDED = Absent(Reason.NOT_RECORDED)
NO_SIGINFO = Absent(Reason.NOT_RECORDED, "no NT_SIGINFO in this core")


def opened(folder: Path, core: Core) -> CoreTarget:
    return CoreTarget(core.write(folder))


def test_threads_are_in_the_order_of_the_core(tmp_path: Path) -> None:
    threads = [ThreadNotes(7, control=0x7FFF3), ThreadNotes(5), ThreadNotes(100, control=0)]
    target = opened(tmp_path, Core(threads=threads))
    assert target.threads() == [
        Thread(1, 7, "", True, tagged_addr_ctrl=0x7FFF3, blocked=0),
        Thread(2, 5, "", False, tagged_addr_ctrl=NOT_RECORDED, blocked=0),
        Thread(3, 100, "guilty", False, tagged_addr_ctrl=0, blocked=0),
    ]


def test_registers_and_thread_pointer(tmp_path: Path) -> None:
    values = {"x0": 1, "x30": 2, "sp": 3, "pc": 4, "pstate": 5}
    target = opened(tmp_path, Core(threads=[ThreadNotes(registers=values, tls=0x1234)]))
    registers = target.registers(target.threads()[0])
    assert not isinstance(registers, Absent)
    assert len(registers) == 35
    assert {name: registers[name] for name in values} == values
    assert registers["tpidr"] == 0x1234


def test_the_signal_keeps_the_tag(tmp_path: Path) -> None:
    threads = [ThreadNotes(siginfo=(11, 9, 0x0300_0000_0000_1238)), ThreadNotes(101)]
    target = opened(tmp_path, Core(threads=threads))
    first, second = target.threads()
    assert target.signal(first) == SignalInfo(11, 9, 0x0300_0000_0000_1238)
    assert target.signal(second) == NOT_APPLICABLE


def test_a_signal_that_was_sent_has_no_address(tmp_path: Path) -> None:
    target = opened(tmp_path, Core(threads=[ThreadNotes(siginfo=(6, -6, 0x64))]))
    assert target.signal(target.threads()[0]) == SignalInfo(6, -6, NOT_APPLICABLE, 0x64)


def test_without_siginfo_the_number_is_left(tmp_path: Path) -> None:
    """As in the guest cores that QEMU's user mode writes."""
    target = opened(tmp_path, Core(threads=[ThreadNotes(signal=11)]))
    assert target.signal(target.threads()[0]) == SignalInfo(11, NO_SIGINFO, NO_SIGINFO)


def test_the_pac_mask_is_believed_only_where_it_can_be(tmp_path: Path) -> None:
    for mask, expected in ((0x007F_0000_0000_0000, 0x007F_0000_0000_0000), (0xFFFF, 0)):
        target = opened(tmp_path, Core(threads=[ThreadNotes(pac_mask=mask)]))
        assert target.info().pac_mask == expected


@pytest.mark.parametrize(
    ("auxv", "expected"),
    [
        ({16: 1, 29: 0b1}, True),
        ({29: 0b111}, True),
        ({16: 1, 29: 0b110}, False),
        ({16: 1 << 63, 26: 1 << 18}, False),  # a kernel before AT_HWCAP3
        ({3: 0x1000}, NOT_RECORDED),
        ({}, NOT_RECORDED),
    ],
)
def test_whether_the_top_bits_of_a_fault_address_are_defined(
    tmp_path: Path, auxv: dict[int, int], expected: bool | Absent
) -> None:
    assert opened(tmp_path, Core(auxv=auxv)).info().has_mte_far == expected


def test_a_core_without_notes_still_has_memory(tmp_path: Path) -> None:
    from tests.support.elf_core import Load

    target = opened(tmp_path, Core([Load(0x1000, b"abcd")], threads=[], process=None))
    assert target.threads() == []
    assert target.read_memory(0x1000, 4) == b"abcd"
    assert target.remarks == (
        "the core has no thread notes: registers and the signal are not known",
    )
    with pytest.raises(NoTargetError, match="the target has no threads"):
        Session(target).current_thread()
    assert target.info().pid == NOT_RECORDED


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("16", 16),
        ("0x10", 16),
        ("$x0", 0x0300_0000_0000_1000),
        (" $x0 + 0x10 - 1", 0x0300_0000_0000_100F),
        ("$w0", 0x1000),
        ("$lr", 7),
        ("-1", (1 << 64) - 1),
        ("$tpidr+8", 0x28),
    ],
)
def test_expressions(tmp_path: Path, expression: str, value: int) -> None:
    registers = {"x0": 0x0300_0000_0000_1000, "x30": 7}
    target = opened(tmp_path, Core(threads=[ThreadNotes(registers=registers, tls=0x20)]))
    assert target.evaluate(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "the expression is empty or too long"),
        ("1" * 5000, "the expression is empty or too long"),
        ("$nope", "no register $nope"),
        ("nope", "no symbol or variable 'nope' here: its program guilty is not used or not here"),
        ("0x", "'0x' is not an integer constant"),
        ("12ab", "'12ab' is not an integer constant"),
        ("1 2", "cannot read '1 2' at '2'"),
        ("x0[3]", "no symbol or variable 'x0' here"),
        ("(1", "cannot read '(1' at its end"),
        ("1 +", "cannot read '1 +' at its end"),
        ("\x1b[2J", "cannot read"),
    ],
)
def test_expressions_that_are_none(tmp_path: Path, expression: str, message: str) -> None:
    target = opened(tmp_path, Core())
    with pytest.raises(ExpressionError) as raised:
        target.evaluate(expression)
    assert raised.value.message.startswith(message)
    assert raised.value.next_step
