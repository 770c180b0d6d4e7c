"""The text of an HTML report as a reader sees it, a line for each block of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_UNSEEN = frozenset(("style", "head", "footer"))
_INLINE = frozenset(
    ("a", "code", "strong", "span", "em", "tspan", "g", "rect", "path", "line", "polyline")
)
_VOID = frozenset(("meta", "link", "img", "input", "br", "hr"))
_CELLS = frozenset(("td", "th", "dd", "text", "title"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: list[str] = []
        self._as_it_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._as_it_is += tag == "pre"
        if tag in _UNSEEN or (self._unseen and tag not in _VOID):
            self._unseen.append(tag)
        elif tag in _CELLS:
            self.pieces.append(" " if tag in ("text", "title") else " | ")
        elif tag == "img" and not self._unseen:
            self.pieces.append(f"[picture: {dict(attrs).get('alt') or ''}]\n")
        elif tag not in _INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._as_it_is -= tag == "pre"
        if self._unseen and self._unseen[-1] == tag:
            self._unseen.pop()
        elif tag not in _INLINE and tag not in _CELLS and tag != "dt" and not self._unseen:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data if self._as_it_is else re.sub(r"\s+", " ", data))


def visible(page: str) -> str:
    """The text of a page: lines without spaces around, none empty; cells of a row side by side.

    What pictures show is their description. The footer, which has the version, is left out.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (
        re.sub(r"[ \t]+", " ", line).strip(" |") for line in "".join(reader.pieces).split("\n")
    )
    return "".join(f"{line}\n" for line in lines if line)
