"""Hypotheses about heap memory as a table."""

from __future__ import annotations

from mtedbg.model.cause import Hypothesis
from mtedbg.report import rows_of
from mtedbg.reports.heap import answer

FREED = Hypothesis("use after free", ("the memory has tag 0", "it is in a bin"))
BEYOND = Hypothesis("out of bounds", ("one tag in 15 matches by chance",))


def test_they_are_ranked_with_what_speaks_for_them():
    assert rows_of(answer((FREED, BEYOND)).body) == (
        {
            "rank": 1,
            "guess": "use after free",
            "because": "the memory has tag 0; it is in a bin",
        },
        {"rank": 2, "guess": "out of bounds", "because": "one tag in 15 matches by chance"},
    )


def test_it_never_claims_certainty():
    certain = "hypotheses, from tags and chunk headers: none is certain"
    assert answer((FREED,)).notes == (certain,)
    assert answer((FREED,), "x3").notes == (
        "if x3 is the pointer of the faulting access, which is not certain",
        certain,
    )
