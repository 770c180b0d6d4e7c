"""What may have gone wrong with memory that was given out, as a table of hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.cause import Hypothesis

NAME = "heap"
COLUMNS = (
    Column("rank", Kind.COUNT, "1 is the likeliest"),
    Column("likelihood", Kind.TEXT, '"read" in the process, likely, possible, or may be chance'),
    Column("guess", Kind.TEXT, "what may have happened"),
    Column("because", Kind.TEXT, "the evidence for it"),
    Column("relation", Kind.TEXT, "how the access was wrong: one word", shown=False),
    Column("allocator", Kind.TEXT, 'who gave the memory out; "stack", "global"', shown=False),
    Column("object", Kind.ADDRESS, "its first byte", shown=False),
    Column("size", Kind.SIZE, "bytes that its user may use", shown=False),
    Column("state", Kind.TEXT, "whether it may be used", shown=False),
    Column("offset", Kind.COUNT, "bytes from its first to the access, below 0 before", shown=False),
    Column("variable", Kind.TEXT, "its name, where it is a variable", shown=False),
)


def answer(hypotheses: Sequence[Hypothesis], whose: str = "") -> Answer:
    """The hypotheses about an access, likeliest first.

    Args:
        hypotheses: in this order.
        whose: what the pointer was found in, where it is not certain that it is the culprit's.
    """
    rows = tuple(_row(rank, one) for rank, one in enumerate(hypotheses, 1))
    doubt = f"if {whose} is the pointer of the faulting access, which is not certain"
    certain = "hypotheses, from tags and the allocator's records: none is certain"
    return Answer(Table(rows), notes=(doubt, certain) if whose else (certain,))


def _row(rank: int, hypothesis: Hypothesis) -> Row:
    one = hypothesis.object
    row: Row = {
        "rank": rank,
        "likelihood": hypothesis.strength.value,
        "guess": hypothesis.what,
        "because": "; ".join(hypothesis.reasons),
        "relation": hypothesis.relation.value,
    }
    if one is None:
        keys = ("allocator", "object", "size", "state", "offset", "variable")
        return {**row, **dict.fromkeys(keys, NOT_APPLICABLE)}
    return {
        **row,
        "allocator": one.allocator,
        "object": one.start,
        "size": one.size,
        "state": one.state.value,
        "offset": hypothesis.offset,
        "variable": one.name or NOT_APPLICABLE,
    }
