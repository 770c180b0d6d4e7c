"""Names of signals and codes."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.formats.siginfo import code_name, name_signal, signal_name
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.fault import FaultKind
from mtedbg.model.process import SignalInfo


def test_names_are_those_of_this_linux():
    for known in signal.valid_signals():
        if isinstance(known, signal.Signals) and known.name not in ("SIGRTMIN", "SIGRTMAX"):
            # Some numbers have a second name: SIGIO and SIGPOLL.
            assert getattr(signal, signal_name(known.value)) == known


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [
        (11, 1, "SEGV_MAPERR"),
        (11, 2, "SEGV_ACCERR"),
        (11, 8, "SEGV_MTEAERR"),
        (11, 9, "SEGV_MTESERR"),
        (11, 10, "SEGV_CPERR"),
        (7, 1, "BUS_ADRALN"),
        (7, 5, "BUS_MCEERR_AO"),
        (4, 1, "ILL_ILLOPC"),
        (5, 1, "TRAP_BRKPT"),
        (5, 4, "TRAP_HWBKPT"),
        (8, 1, "FPE_INTDIV"),
        (31, 1, "SYS_SECCOMP"),
        (6, -6, "SI_TKILL"),
        (11, 0, "SI_USER"),
        (11, 0x80, "SI_KERNEL"),
        (11, 77, "si_code 77"),
        (2, 9, "si_code 9"),
        (99, 1, "si_code 1"),
    ],
)
def test_codes(number, code, name):
    assert code_name(number, code) == name


def test_a_sent_signal_has_no_fault_address():
    assert not name_signal(SignalInfo(11, -6, 0x1234)).addressed
    assert not name_signal(SignalInfo(11, 0x80, 0)).addressed
    assert name_signal(SignalInfo(7, 1, 0x1234)).addressed


def test_tag_checks():
    assert name_signal(SignalInfo(11, 9, 0)).tag_check is FaultKind.SYNCHRONOUS
    assert name_signal(SignalInfo(11, 8, 0)).tag_check is FaultKind.ASYNCHRONOUS
    assert name_signal(SignalInfo(7, 9, 0)).tag_check is None


def test_unknown_code():
    hole = Absent(Reason.NOT_RECORDED)
    named = name_signal(SignalInfo(11, hole, hole))
    assert (named.signal, named.code, named.tag_check) == ("SIGSEGV", "", None)


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(-(1 << 31), (1 << 31) - 1))
def test_every_number_has_a_name(number, code):
    named = name_signal(SignalInfo(number, code, 0))
    assert named.signal
    assert named.code
