"""The answer of mte-check."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.tags.check import check
from mtedbg.commands.mte_check import COMMAND
from mtedbg.model.absent import Absent, Reason
from tests.support.scenes import HEAP, PAGE, TAGS, session_at, tagged


@given(st.integers(0, PAGE - 1), st.integers(0, 15))
def test_every_byte_has_the_tag_of_its_granule(offset, tag):
    report = check(session_at(), COMMAND.name, COMMAND.columns, tagged(HEAP + offset, tag))
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
    report = check(session_at(), COMMAND.name, COMMAND.columns, HEAP + PAGE)
    assert report.rows[0]["match"] == Absent(Reason.NOT_TAGGED)
    assert report.partial
    assert report.headline == "no memory tag to compare with: not tagged memory"
    assert report.notes == ("accesses there are not checked; `mte-regions` lists what is tagged",)
