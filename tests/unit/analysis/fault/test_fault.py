"""The fault that a thread stopped on, as a fact."""

from __future__ import annotations

from mtedbg.analysis.fault.fault import IMPRECISE, Granule, fault
from mtedbg.analysis.fault.words import headline, remarks
from mtedbg.analysis.interrupted import InterruptedFault
from mtedbg.dataclass import replace
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.fault import FaultKind
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.scenes import HEAP, THREES, session_at, tagged

SYNC, ASYNC = 9, 8


def stopped(code: int, raw: int, text: str = "str x1, [x16]", **registers: int) -> Session:
    return session_at(assemble([text])[0], registers, SignalInfo(11, code, raw))


def test_a_synchronous_fault():
    pointer = tagged(THREES - 4, 3)
    session = stopped(SYNC, pointer, x16=pointer)
    met = fault(session, session.current_thread())
    assert (met.tag_check, met.is_imprecise) == (FaultKind.SYNCHRONOUS, False)
    assert met.accesses
    assert (met.pointer, met.pointer_tag, met.memory_tag) == (pointer, 3, 11)
    assert met.granules == (Granule(THREES - 16, 11), Granule(THREES, 3))
    assert met.at.span == (THREES - 4, THREES + 4)
    assert met.suspects == ()
    assert list(remarks(met)) == []


def test_nothing_is_claimed_of_an_instruction_that_is_not_there():
    session = stopped(SYNC, tagged(HEAP, 3), x16=tagged(HEAP, 3))
    met = fault(session, session.current_thread())
    other = replace(met, accesses=False)
    unread = replace(other, at=replace(met.at, instruction=Absent(Reason.NOT_DUMPED)))
    assert "does not access this address" in next(remarks(other))
    assert next(remarks(unread)).startswith("the instruction at the PC cannot be read")


def test_an_asynchronous_fault_tells_no_address():
    session = stopped(ASYNC, 0, x16=tagged(HEAP, 3))
    met = fault(session, session.current_thread())
    assert met.is_imprecise
    assert (met.address, met.access, met.pointer) == (IMPRECISE, IMPRECISE, NOT_APPLICABLE)
    assert [suspect.name for suspect in met.suspects] == ["x16"]


def test_a_signal_that_was_sent():
    session = session_at(signal=SignalInfo(6, -6, HEAP))
    met = fault(session, session.current_thread())
    assert (met.tag_check, met.raw_address) == (None, NOT_APPLICABLE)
    assert headline(met) == "SIGABRT SI_TKILL, sent"


def test_what_is_said_of_a_fault_in_whose_handler_the_thread_is():
    session = stopped(SYNC, tagged(HEAP, 3), x16=tagged(HEAP, 3))
    met = fault(session, session.current_thread())
    before = InterruptedFault(
        SignalInfo(11, SYNC, HEAP), {}, "signal frame at 0x10", False, 5, evidence=("this says so",)
    )
    met = replace(met, interrupted=before, later=name_signal(SignalInfo(6, -6, HEAP)))
    assert headline(met).endswith("; in its handler: SIGABRT SI_TKILL")
    assert list(remarks(met)) == [
        "the thread is in the handler of this fault: its registers are those in the signal frame"
        " at 0x10, memory tags are as they are now",
        "this says so",
        "at the fault the memory's tag was 5",
    ]


def test_it_is_asked_once_a_stop():
    session = stopped(SYNC, tagged(HEAP, 3), x16=tagged(HEAP, 3))
    first = fault(session, session.current_thread())
    assert fault(session, session.current_thread()) is first
    session.invalidate()
    assert fault(session, session.current_thread()) is not first
