"""What the drawings of an HTML report share: places in per cent, so that text keeps its size.

A drawing is as wide as its box, or 2, 8, 32 or 128 times as wide by the choice above it: radio
buttons and CSS, no script.
"""

from __future__ import annotations

from collections.abc import Iterable

from mtedbg.render.html_body import scrolling, text

_ZOOMS = (1, 2, 8, 32, 128)


def percent(value: float) -> str:
    """A place or a length, as SVG has it."""
    return f"{100 * value:.4f}".rstrip("0").rstrip(".") + "%"


def label(x: float, y: int, words: str, style: str = "") -> str:
    """Text that stays inside of the drawing: it ends at what is far right."""
    anchor = ' text-anchor="end"' if x > 0.85 else ' text-anchor="middle"' if x > 0.15 else ""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{percent(x)}" y="{y}"{anchor}{kind}>{text(words)}</text>'


def drawing(name: str, height: int, shapes: Iterable[str], title: str, *, zoom: bool = True) -> str:
    """An SVG in a box that scrolls, below its choice of widths.

    Args:
        name: of the drawing in the page, a word.
        height: in pixels.
        shapes: what is drawn.
        title: what it shows, for those who hear the page.
        zoom: whether to offer other widths.
    """
    svg = (
        f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" height="{height}" role="img">'
        f"<title>{text(title)}</title>{''.join(shapes)}</svg>"
    )
    return f'<div class="zoom">{_choice(name) if zoom else ""}{scrolling(svg, title)}</div>'


def _choice(name: str) -> str:
    # The buttons stand before the box, so that CSS finds it behind the one that is chosen.
    buttons = []
    for times in _ZOOMS:
        mark = f"{name}-{times}"
        chosen = " checked" if times == 1 else ""
        buttons.append(
            f'<input type="radio" name="{name}" id="{mark}" class="zoom{times}"{chosen}>'
            f'<label for="{mark}">{times}&times;</label> '
        )
    return "".join(buttons)


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """What the colours mean: pieces of SVG of 12 by 12 pixels, and words."""
    items = "".join(
        f'<span><svg viewBox="0 0 12 12" aria-hidden="true">{sample}</svg>{text(words)}</span>'
        for sample, words in entries
    )
    return f'<p class="legend">{items}</p>'
