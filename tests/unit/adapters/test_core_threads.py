"""Threads, registers, signals and expressions of synthetic cores."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.errors import ExpressionError, NoTargetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import SignalInfo, Thread
from mtedbg.session import Session
from tests.support.elf_core import (
    ET_CORE,
    PT_NOTE,
    Core,
    ThreadNotes,
    file_header,
    note,
    program_header,
)

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


def test_the_thread_with_a_signal_died_wherever_it_stands(tmp_path: Path) -> None:
    """QEMU's user mode writes threads in the order that they began in: `pr_cursig` tells."""
    threads = [ThreadNotes(7, signal=0), ThreadNotes(5, signal=0), ThreadNotes(9, signal=11)]
    target = opened(tmp_path, Core(threads=threads))
    assert [thread.tid for thread in target.threads()] == [9, 7, 5]
    assert [thread.current for thread in target.threads()] == [True, False, False]
    assert target.signal(target.threads()[0]) == SignalInfo(11, NO_SIGINFO, NO_SIGINFO)
    assert target.signal(target.threads()[1]) == NOT_APPLICABLE


def test_of_threads_with_a_signal_the_first_died(tmp_path: Path) -> None:
    """The kernel notes the signal for each thread, and writes the one that died first."""
    target = opened(tmp_path, Core(threads=[ThreadNotes(7), ThreadNotes(5), ThreadNotes(9)]))
    assert [thread.tid for thread in target.threads()] == [7, 5, 9]


def test_without_any_signal_no_thread_is_moved(tmp_path: Path) -> None:
    """As in a core that GDB's gcore writes of a process that was not stopped by a signal."""
    threads = [ThreadNotes(7, signal=0), ThreadNotes(5, signal=0)]
    target = opened(tmp_path, Core(threads=threads))
    assert [thread.tid for thread in target.threads()] == [7, 5]
    assert target.signal(target.threads()[0]) == NOT_APPLICABLE


PRSTATUS = note(b"CORE", 1, b"\0" * 392)[:20]
OTHER_OWNER = note(b"XXXX", 1, b"\0" * 392)[:20]
LOST = "the NT_PRSTATUS of the thread that died is lost: its registers are not known"


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_lost_first_status_names_no_other_thread(tmp_path: Path, others: int) -> None:
    """Its siginfo is there: somebody died of it, and none of those that follow."""
    died = ThreadNotes(7, siginfo=(11, 9, 0x1238))
    alive = [ThreadNotes(50 + n, registers={"pc": 0x5000}) for n in range(others)]
    path = tmp_path / "core"
    path.write_bytes(Core(threads=[died, *alive]).build().replace(PRSTATUS, OTHER_OWNER, 1))
    target = CoreTarget(path)
    first, *rest = target.threads()
    assert (first.tid, first.current) == (0, True)
    assert target.registers(first) == Absent(
        Reason.NOT_RECORDED, "its NT_PRSTATUS is lost or damaged"
    )
    assert target.signal(first) == SignalInfo(11, 9, 0x1238)
    assert [(one.tid, one.current) for one in rest] == [(50 + n, False) for n in range(others)]
    assert all(target.signal(one) == NOT_APPLICABLE for one in rest)
    assert LOST in target.remarks


@pytest.mark.parametrize("length", [0, 3, 12, 33, 111])
def test_a_short_first_status_has_no_registers_of_another(tmp_path: Path, length: int) -> None:
    first = note(b"CORE", 1, ThreadNotes(7).notes()[20 : 20 + length])
    first += note(b"CORE", 0x53494749, struct.pack("<iiiiQ", 11, 0, 9, 0, 0x1238).ljust(128, b"\0"))
    second = ThreadNotes(5, registers={"pc": 0x5000}, signal=0).notes()
    notes = first + second
    path = tmp_path / "core"
    path.write_bytes(
        file_header(ET_CORE, 183, 1) + program_header(PT_NOTE, 0, 64 + 56, 0, len(notes), 0) + notes
    )
    target = CoreTarget(path)
    current = target.threads()[0]
    assert target.registers(current) == Absent(
        Reason.NOT_RECORDED, "its NT_PRSTATUS is lost or damaged"
    )
    assert target.signal(current) == SignalInfo(11, 9, 0x1238)


def test_vector_registers_are_in_a_note_of_their_own(tmp_path: Path) -> None:
    words = struct.pack("<64QII8x", *range(64), 0x9F, 0x00C0_0000)
    target = CoreTarget(Core(threads=[ThreadNotes(vectors=words)]).write(tmp_path))
    vectors = target.vectors(target.threads()[0])
    assert isinstance(vectors, Mapping)
    assert vectors["v0"] == 1 << 64
    assert vectors["v31"] == 63 << 64 | 62
    assert (vectors["fpsr"], vectors["fpcr"]) == (0x9F, 0x00C0_0000)
    for damaged in (None, words[:-9]):
        core = Core(threads=[ThreadNotes(vectors=damaged)]).write(tmp_path, "damaged")
        target = CoreTarget(core)
        assert isinstance(target.vectors(target.threads()[0]), Absent)
