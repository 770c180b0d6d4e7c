"""All threads of a dead process in short."""

from __future__ import annotations

from mtedbg.analysis.postmortem.threads import thread_states
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.report import rows_of
from mtedbg.reports.threads import answer
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.scenes import OTHER, runtime_at


def test_they_say_what_they_were_about():
    found = answer(thread_states(runtime_at(OTHER, 0), 64), 3)
    assert [row["doing"] for row in rows_of(found.body)[:2]] == [
        "SIGSEGV SEGV_MTESERR, a stale pair at memop 1, translated code",
        "thunk",
    ]
    assert found.notes == ()


def test_those_that_are_not_shown_are_counted():
    states = thread_states(runtime_at(OTHER, 0), most=1)
    assert [one.thread.number for one in states] == [1]
    assert answer(states, 3).notes == ("and 2 more threads",)


def test_a_thread_without_registers_or_a_place():
    target = FakeTarget()
    (lost,) = thread_states(Session(target), 64)
    assert lost.pc == Absent(Reason.NOT_RECORDED)
    assert lost.place == Absent(Reason.NOT_RECORDED)
    target.register_sets[1] = {"pc": 0x5000}
    (nowhere,) = thread_states(Session(target), 64)
    assert (nowhere.pc, nowhere.place) == (0x5000, Absent(Reason.UNKNOWN))
    (row,) = rows_of(answer((nowhere,), 1).body)
    assert (row["guest"], row["doing"]) == (NOT_APPLICABLE, NOT_APPLICABLE)
