"""Hypotheses about memory that was given out, as a table."""

from __future__ import annotations

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.report import rows_of
from mtedbg.reports.heap import COLUMNS, answer

CHUNK = MemoryObject("glibc", 0x5000, 48, ObjectState.FREED, exact=False)
FREED = Hypothesis(
    "use after free",
    ("the memory has tag 0", "it is in a bin"),
    relation=Relation.USE_AFTER_FREE,
    strength=Strength.READ,
    object=CHUNK,
    offset=8,
)
BEYOND = Hypothesis("out of bounds", ("one tag in 15 matches by chance",))


def test_they_are_ranked_with_what_speaks_for_them():
    first, second = rows_of(answer((FREED, BEYOND)).body)
    assert first == {
        "rank": 1,
        "likelihood": "read",
        "guess": "use after free",
        "because": "the memory has tag 0; it is in a bin",
        "relation": "use-after-free",
        "allocator": "glibc",
        "object": 0x5000,
        "size": 48,
        "state": "freed",
        "offset": 8,
        "variable": NOT_APPLICABLE,
    }
    assert (second["rank"], second["likelihood"], second["object"]) == (
        2,
        "possible",
        NOT_APPLICABLE,
    )
    assert {column.key for column in COLUMNS} == first.keys() == second.keys()


def test_it_never_claims_certainty():
    certain = "hypotheses, from tags and the allocator's records: none is certain"
    assert answer((FREED,)).notes == (certain,)
    assert answer((FREED,), "x3").notes == (
        "if x3 is the pointer of the faulting access, which is not certain",
        certain,
    )
