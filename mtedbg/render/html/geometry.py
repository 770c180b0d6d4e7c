"""Places in drawings, in per cent of the width: text keeps its size however wide one is."""

from __future__ import annotations

from mtedbg.dataclass import dataclass


def percent(value: float) -> str:
    """A place or a length, as SVG has it."""
    return f"{100 * value:.4f}".rstrip("0").rstrip(".") + "%"


@dataclass(frozen=True, slots=True)
class Label:
    """Text that stays inside of a drawing.

    Attributes:
        x: its place.
        y: pixels from above.
        words: what it says.
        style: its class; may be empty.
        anchor: which of its ends is at `x`: "end" far right, "middle", or empty for its beginning.
    """

    x: str
    y: int
    words: str
    style: str
    anchor: str


def label(x: float, y: int, words: str, style: str = "") -> Label:
    """A label at `x` (0 to 1), which ends there where that is far right."""
    anchor = "end" if x > 0.85 else "middle" if x > 0.15 else ""
    return Label(percent(x), y, words, style, anchor)
