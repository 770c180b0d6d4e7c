"""Signal frames: what is read of them, and that nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.decode.stack.signal_frame import SIZE, signal_frame, signal_frames
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.process import SignalInfo
from tests.support.fake import FakeTarget
from tests.support.signal_frames import (
    TAG_CHECK,
    TRANSLATION,
    signal_frame_bytes,
)

AT = 0x7F_0000
REGISTERS = {**{f"x{n}": n for n in range(31)}, "sp": AT + SIZE + 16, "pc": 0x1234, "pstate": 8}
HEAP = 0xFFFF_8000_0000
MTESERR = (11, 9, HEAP)


def target_with(data: bytes) -> FakeTarget:
    return FakeTarget(memory={AT: data})


def test_all_of_a_frame():
    data = signal_frame_bytes(
        REGISTERS, MTESERR, fault_address=HEAP, syndrome=TAG_CHECK, blocked=4, alternate=(16, 32)
    )
    found = signal_frame(target_with(data), AT)
    assert found is not None
    assert found.signal == SignalInfo(*MTESERR)
    assert found.informed
    assert dict(found.registers) == REGISTERS
    assert (found.blocked, found.alternate, found.syndrome) == (4, (16, 48), TAG_CHECK)
    assert found.record == AT + SIZE


def test_a_signal_that_was_sent():
    found = signal_frame(target_with(signal_frame_bytes(REGISTERS, (10, -6, 77))), AT)
    assert found is not None
    assert found.signal == SignalInfo(10, -6, NOT_APPLICABLE, 77)


@pytest.mark.parametrize(
    ("syndrome", "signal"),
    [
        (TAG_CHECK, (11, 9, HEAP)),
        (TRANSLATION, (11, 1, HEAP)),
        (0x9200000F, (11, 2, HEAP)),
        (0x92000021, (7, 1, HEAP)),
        (0x8200000F, (11, 2, HEAP)),
        (0x8A000000, (7, 1, HEAP)),
        (0x02000000, (4, 1, 0x1234)),
    ],
)
def test_a_handler_that_asked_for_no_siginfo(syndrome, signal):
    data = signal_frame_bytes(REGISTERS, fault_address=HEAP, syndrome=syndrome)
    found = signal_frame(target_with(data), AT)
    assert found is not None
    assert found.signal == SignalInfo(*signal)
    assert not found.informed


@pytest.mark.parametrize("old", [(11, 1, HEAP), (11, 9, HEAP + 16)])
def test_what_an_older_frame_left_there_is_not_believed(old):
    data = signal_frame_bytes(REGISTERS, old, fault_address=HEAP, syndrome=TAG_CHECK)
    found = signal_frame(target_with(data), AT)
    assert found is not None
    assert found.signal == SignalInfo(*MTESERR)
    assert not found.informed


def test_neither_siginfo_nor_syndrome():
    found = signal_frame(target_with(signal_frame_bytes(REGISTERS)), AT)
    assert found is not None
    assert isinstance(found.signal, Absent)


def test_a_frame_record_that_was_overwritten():
    data = signal_frame_bytes(REGISTERS, MTESERR)[:-16] + bytes(16)
    found = signal_frame(target_with(data), AT)
    assert found is not None
    assert found.record is None


@pytest.mark.parametrize("at", [128, 136, 592, 596])
def test_what_is_none(at):
    data = bytearray(signal_frame_bytes(REGISTERS, MTESERR))
    data[at] ^= 0x55
    assert signal_frame(target_with(bytes(data)), AT) is None


def test_a_frame_that_is_cut_off():
    assert signal_frame(target_with(signal_frame_bytes(REGISTERS, MTESERR)[: SIZE - 1]), AT) is None


def test_they_are_found_in_memory():
    one = signal_frame_bytes(REGISTERS, MTESERR)
    data = bytes(64) + one + bytes(32) + one
    found = list(signal_frames(target_with(data), AT, data))
    assert [frame.address for frame in found] == [AT + 64, AT + 96 + len(one)]


@given(st.binary(max_size=512), st.integers(584, 4600), st.integers(0, 4600))
def test_damaged_frames(noise, records, at):
    """Whatever is in it, an answer or none."""
    data = bytearray(signal_frame_bytes(REGISTERS, MTESERR, syndrome=TAG_CHECK))
    data[max(records, 600) : max(records, 600) + len(noise)] = noise
    data[at : at + 8] = noise[:8]
    target = target_with(bytes(data))
    for found in signal_frames(target, AT, bytes(data)):
        assert found.address == AT
