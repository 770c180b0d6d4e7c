"""Overlapping stretches by address."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.formats.spans import Spans

SPAN = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda one: (one[0], sum(one)))


@settings(deadline=None)
@given(st.lists(SPAN, max_size=30))
def test_the_last_that_holds_an_address(spans):
    found = Spans(spans)
    assert len(found) == len(spans)
    for address in range(85):
        holders = [n for n, (start, end) in enumerate(spans) if start <= address < end]
        assert found.at(address) == (holders[-1] if holders else None)
