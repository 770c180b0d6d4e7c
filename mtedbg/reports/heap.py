"""What may have gone wrong with heap memory, as a table of hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.cause import Hypothesis

NAME = "heap"
COLUMNS = (
    Column("rank", Kind.COUNT, "1 is the likeliest"),
    Column("guess", Kind.TEXT, "what may have happened"),
    Column("because", Kind.TEXT, "the evidence for it"),
)


def answer(hypotheses: Sequence[Hypothesis], whose: str = "") -> Answer:
    """The hypotheses about an access, likeliest first.

    Args:
        hypotheses: in this order.
        whose: what the pointer was found in, where it is not certain that it is the culprit's.
    """
    rows = tuple(_row(rank, one) for rank, one in enumerate(hypotheses, 1))
    doubt = f"if {whose} is the pointer of the faulting access, which is not certain"
    certain = "hypotheses, from tags and chunk headers: none is certain"
    return Answer(Table(rows), notes=(doubt, certain) if whose else (certain,))


def _row(rank: int, hypothesis: Hypothesis) -> Row:
    return {"rank": rank, "guess": hypothesis.what, "because": "; ".join(hypothesis.reasons)}
