"""Hypothesis strategies of cases: differences that hypothesis can make small."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.oracle.case import Case
from tests.oracle.forms import Form
from tests.oracle.sequences import EDGES, case_of, signed_edges, steps_of

MOST_STEPS = 4
Draw = Callable[[st.SearchStrategy[int]], int]
_VALUES = st.sampled_from(EDGES) | st.integers(0, 2**64 - 1)


def _signed(bits: int) -> st.SearchStrategy[int]:
    top = 1 << (bits - 1)
    return st.sampled_from(signed_edges(bits)) | st.integers(-top, top - 1)


class _Drawn:
    """What hypothesis draws, as a source of numbers."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def value(self) -> int:
        return self._draw(_VALUES)

    def signed(self, bits: int) -> int:
        return self._draw(_signed(bits))


@st.composite
def sequences(draw: Draw, last: Form | None = None) -> Case:
    """One to MOST_STEPS forms. No flag is read, nor compared at the end, that is undefined.

    Args:
        last: the form that the sequence ends with; any where there is none.
    """
    source = _Drawn(draw)
    return case_of(source, steps_of(source, source.number(1, MOST_STEPS), last))


def tour(forms: tuple[Form, ...]) -> st.SearchStrategy[tuple[Case, ...]]:
    """A sequence for each of these forms."""
    return st.tuples(*(sequences(form) for form in forms))
