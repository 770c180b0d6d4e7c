"""What a front end is told of a thread, in one object."""

from __future__ import annotations

import json

from mtedbg.model.process import SignalInfo
from mtedbg.reports.stop_context import moment
from mtedbg.session import Session
from tests.support.scenes import CODE, THREES, session_at, tagged

LDR_X0_X16 = 0xF9400200
SIGSEGV, SEGV_MTESERR = 11, 9


def at_a_fault() -> Session:
    pointer = tagged(THREES, 4)
    signal = SignalInfo(SIGSEGV, SEGV_MTESERR, pointer)
    return session_at(LDR_X0_X16, {"x16": pointer}, signal)


def test_a_fault_and_the_tags_around_it() -> None:
    told = moment(at_a_fault())
    assert (told["fault"]["logical_tag"], told["fault"]["size"]) == (4, 8)
    lines = told["context"].splitlines()
    assert lines[0].startswith("tag check fault (synchronous): load of 8 bytes")
    (marked,) = [line for line in lines if line.startswith("=>")]
    assert f"{THREES & ~0xFF:#x}" in marked
    assert "[3]" in marked
    assert sum(line.split()[0].startswith("0x") for line in lines if line.startswith("   ")) == 2


def test_a_thread_without_a_fault_or_a_runtime() -> None:
    told = moment(session_at())
    assert (told["thread"]["number"], int(told["pc"], 16) >= CODE) == (1, True)
    assert (told["frame"], told["block"], told["memop"]) == (None,) * 3
    assert told["fault"]["signal"] is None
    assert told["context"] == ""


def test_it_is_json() -> None:
    told = json.loads(json.dumps(moment(at_a_fault())))
    assert told["schema"] == "mtedbg/moment/1"
    assert set(told["target"]) == {"kind", "tag_source"}


def test_colour_is_in_the_text_alone() -> None:
    plain, coloured = moment(at_a_fault()), moment(at_a_fault(), color=True)
    assert "\x1b" in coloured["context"]
    assert "\x1b" not in plain["context"]
    assert {**plain, "context": ""} == {**coloured, "context": ""}
