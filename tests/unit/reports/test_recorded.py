"""What the system recorded of a death, as reports."""

from __future__ import annotations

from mtedbg.analysis.postmortem.recorded import recorded_calls, recorded_facts
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.recorded import RecordedCall, RecordedFact
from mtedbg.report import rows_of
from mtedbg.reports import recorded_calls as calls_report
from mtedbg.reports import recorded_facts as facts_report
from mtedbg.session import Session
from tests.support.fake import FakeTarget

NAMED = RecordedCall(0x1010, "main", 16, "/bin/a", 0x110, "abcd")
AT_THE_START = RecordedCall(0x1000, "main", 0, "/bin/a", 0x100, "abcd")
NAMELESS = RecordedCall(0x2020, "", 0, "/lib/b.so", 0x220, "")


def test_a_place_is_function_and_offset_or_the_offset_in_the_file():
    assert [one.place for one in (NAMED, AT_THE_START, NAMELESS)] == ["main+0x10", "main", "0x220"]


def test_a_fact_is_followed_by_its_backtrace():
    facts = (RecordedFact("cause", "null"), RecordedFact("freed by", "thread 7", (NAMED, NAMELESS)))
    rows = rows_of(facts_report.answer(facts).body)
    assert [(row["about"], row["level"], row["text"], row["file"]) for row in rows] == [
        ("cause", NOT_APPLICABLE, "null", NOT_APPLICABLE),
        ("freed by", NOT_APPLICABLE, "thread 7", NOT_APPLICABLE),
        ("freed by", 0, "main+0x10", "/bin/a"),
        ("freed by", 1, "0x220", "/lib/b.so"),
    ]


def test_a_backtrace():
    rows = rows_of(calls_report.answer((NAMED, NAMELESS)).body)
    assert [(row["level"], row["pc"], row["function"], row["build_id"]) for row in rows] == [
        (0, 0x1010, "main+0x10", "abcd"),
        (1, 0x2020, "0x220", ""),
    ]


def test_a_core_has_nothing_of_the_kind():
    session = Session(FakeTarget())
    nothing = Absent(Reason.NOT_RECORDED)
    assert recorded_facts(session) == nothing
    assert recorded_calls(session, session.current_thread()) == nothing
