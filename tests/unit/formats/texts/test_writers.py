"""Each writer's texts are read whole."""

from __future__ import annotations

from typing import Any

import pytest

from mtedbg.analysis.postmortem.crash_text import ExplainedCrash, explain
from mtedbg.formats.texts.writers import WRITERS
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.reports.crash_text import report
from tests.support.crash_texts import CASES, Case

OWN = ("frame", "frames", "stacks", "hidden", "boxed")


def only(text: str) -> ExplainedCrash:
    found = explain(text)
    assert len(found) == 1, [f"{one.text.source} {one.text.line}" for one in found]
    return found[0]


def row_of(found: ExplainedCrash) -> dict[str, Any]:
    row = to_object(report([found]))["rows"][0]
    assert isinstance(row, dict)
    return row


def is_as(found: ExplainedCrash, case: Case) -> None:
    row = row_of(found)
    keys = {key: value for key, value in case.expected.items() if key not in OWN}
    assert {key: row[key] for key in keys} == keys
    text, expected = found.text, case.expected
    if "frame" in expected:
        assert str(text.frames[0]) == expected["frame"]
    if "frames" in expected:
        assert len(text.frames) == expected["frames"]
    if "stacks" in expected:
        stacks = [stack for cause in text.causes for stack in cause.stacks]
        assert tuple(stack.about for stack in stacks) == expected["stacks"]
        assert all(stack.frames for stack in stacks)
    if "hidden" in expected:
        assert found.hidden is not None
        assert (found.hidden.register, found.hidden.offset) == expected["hidden"]
    if "boxed" in expected:
        assert bool(found.boxed) is expected["boxed"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_writer_says(case: Case) -> None:
    found = only(case.text)
    is_as(found, case)
    assert render_text(report([found]))


def test_every_writer_has_two_texts_at_least() -> None:
    told: dict[str, int] = {}
    for case in CASES:
        for crash in explain(case.text):
            told[crash.text.source] = told.get(crash.text.source, 0) + 1
    names = {writer.name for writer in WRITERS} | {
        "hardened_malloc",
        "LLDB on Apple",
        "Crashlytics",
    }
    few = {name: told.get(name, 0) for name in names if told.get(name, 0) < 2}
    # libsigchain's line is most often followed by that of libc, which names the crash.
    assert few == {"libsigchain": 1}
