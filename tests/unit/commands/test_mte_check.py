"""The answer of mte-check."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.model.absent import Absent, Reason
from tests.support.answers import ask
from tests.support.scenes import HEAP, PAGE, TAGS, session_at, tagged


@given(st.integers(0, PAGE - 1), st.integers(0, 15))
def test_every_byte_has_the_tag_of_its_granule(offset, tag):
    report = ask(session_at(), f"mte-check {tagged(HEAP + offset, tag):#x}")
    memory = TAGS[offset // 16]
    assert report.rows == (
        {
            "address": HEAP + offset,
            "logical_tag": tag,
            "allocation_tag": memory,
            "match": tag == memory,
        },
    )
    assert report.headline.split(":")[0] == ("match" if tag == memory else "mismatch")


def test_no_tag_to_compare_with():
    report = ask(session_at(), f"mte-check {HEAP + PAGE:#x}")
    assert report.rows[0]["match"] == Absent(Reason.NOT_TAGGED)
    assert report.partial
    assert report.headline == "no memory tag to compare with: not tagged memory"
    assert report.notes == ("accesses there are not checked; `mte-regions` lists what is tagged",)
