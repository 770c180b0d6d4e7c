"""Allocators' last words on standard error or in logcat, where nobody else quotes them.

Sources: those of `messages.py`.
"""

from __future__ import annotations

from mtedbg.formats.texts.draft import Draft, Writer, nothing_more
from mtedbg.formats.texts.lines import Line
from mtedbg.formats.texts.messages import last_words

NAMES = {"Scudo": "Scudo", "hardened_malloc": "hardened_malloc", "bionic": "Android"}


def _start(line: Line) -> Draft | None:
    if "Scudo WARNING" in line.text:
        return None
    draft = Draft.at(line, "", rank=35)
    if not last_words(draft, line.text):
        return None
    draft.writer = NAMES[draft.told("allocator")]
    draft.said(line.text)
    draft.tag_check = None
    if line.pid is not None:
        draft.pid = line.pid
    return draft


WRITER = Writer(
    "Scudo",
    ("Scudo ERROR: ", "fatal allocator error: ", "Pointer tag for 0x"),
    _start,
    nothing_more,
    keep=20,
)
