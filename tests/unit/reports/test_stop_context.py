"""What a front end is told of a thread, in one object."""

from __future__ import annotations

import json
from typing import Any

from mtedbg.model.process import SignalInfo
from mtedbg.reports.stop_context import stop_context
from mtedbg.session import Session
from tests.support.runtime_image import image
from tests.support.scenes import CODE, THREES, session_at, tagged

LDR_X0_X16 = 0xF9400200
SIGSEGV, SEGV_MTESERR = 11, 9


def at_a_fault() -> Session:
    pointer = tagged(THREES, 4)
    signal = SignalInfo(SIGSEGV, SEGV_MTESERR, pointer)
    return session_at(LDR_X0_X16, {"x16": pointer}, signal)


def context_of(session: Session, *, color: bool = False) -> dict[str, Any]:
    return stop_context(session, session.current_thread(), color=color)


def test_a_fault_and_the_tags_around_it() -> None:
    found = context_of(at_a_fault())
    assert (found["fault"]["logical_tag"], found["fault"]["size"]) == (4, 8)
    lines = found["context"].splitlines()
    assert lines[0].startswith("tag check fault (synchronous): load of 8 bytes")
    (marked,) = [line for line in lines if line.startswith("=>")]
    assert f"{THREES & ~0xFF:#x}" in marked
    assert "[3]" in marked
    assert sum(line.split()[0].startswith("0x") for line in lines if line.startswith("   ")) == 2


def test_a_thread_without_a_fault_or_a_runtime() -> None:
    found = context_of(session_at())
    assert (found["thread"]["number"], int(found["pc"], 16) >= CODE) == (1, True)
    assert (found["frame"], found["block"], found["memop"]) == (None,) * 3
    assert found["fault"]["signal"] is None
    assert found["context"] == ""


def test_it_is_json() -> None:
    found = json.loads(json.dumps(context_of(at_a_fault())))
    assert found["schema"] == "mtedbg/moment/1"
    assert set(found["target"]) == {"kind", "tag_source"}


def test_colour_is_in_the_text_alone() -> None:
    plain, coloured = context_of(at_a_fault()), context_of(at_a_fault(), color=True)
    assert "\x1b" in coloured["context"]
    assert "\x1b" not in plain["context"]
    assert {**plain, "context": ""} == {**coloured, "context": ""}


def test_translated_code() -> None:
    found = context_of(image().session())
    assert found["frame"]["in_jit"] is True
    assert (found["block"]["memop"], found["memop"]["id"]) == (1, 1)
    lines = found["context"].splitlines()
    assert any("in block" in line for line in lines)
    assert any("memop 1" in line for line in lines)


def test_what_cannot_be_answered_is_left_out() -> None:
    found = context_of(image().with_root(52, 0).session())  # a damaged debug root
    assert (found["frame"], found["block"], found["memop"]) == (None,) * 3
    assert found["fault"] is not None
