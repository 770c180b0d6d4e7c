"""The cause as prose: where it was, its evidence, and other possible causes."""

from __future__ import annotations

from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import present
from mtedbg.model.cause import Cause, Hypothesis


@dataclass(frozen=True, slots=True)
class Reasons:
    """What `reasons.html` writes.

    Attributes:
        where: function and kind of code; empty where neither is known.
        because: what the cause rests on.
        hypotheses: likeliest first.
    """

    TEMPLATE: ClassVar[str] = "reasons.html"
    SHOWS_ALL: ClassVar[bool] = True

    where: str
    because: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]


def reasons(cause: Cause) -> Reasons:
    """The cause without its line, which is the headline of the page."""
    where = ", ".join(part for part in (cause.function, cause.code) if present(part))
    return Reasons(where, cause.reasons, cause.hypotheses)
