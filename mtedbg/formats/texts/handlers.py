"""Programs' own handlers and panics, and lines of nobody in particular.

Sources: Rust, library/std/src/panicking.rs (default_hook); lines of applications as issue trackers
quote them. What they do not say is left open.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer, nothing_more
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

_HEX = r"0x[0-9a-fA-F]{1,16}"
_INVALID = re.compile(
    rf"\b(SIG[A-Z]{{2,8}}) ?@ ?({_HEX}),? (?:invalid|bad|illegal|faulting) (read|write|"
    rf"access)\w* (?:to|at|of|from) ({_HEX})",
    re.IGNORECASE,
)
_PANIC = re.compile(
    r"(?:thread '(.{1,64}?)' (?:\(\d{1,10}\) )?)?panicked at (?:'(.{1,512}?)', )?(\S{1,256}"
    r":\d{1,9}(?::\d{1,6})?):?\s*$"
)
_ASSERTION = re.compile(r"^\s*assertion .{1,256}$")
_SIDE = re.compile(r"^\s*(left|right): ?`?(-?\d{1,24}|0x[0-9a-fA-F]{1,16}|.{1,128}?)`?,?\s*$")
_BACKTRACE = re.compile(r"^\s*(?:stack backtrace:|note: run with|\d{1,4}: \S)")


def _invalid(line: Line) -> Draft | None:
    found = _INVALID.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, "a program's own handler", rank=42)
    draft.raised(None, found[1].upper())
    draft.register("pc", int(found[2], 16))
    draft.frame(TextFrame(pc=int(found[2], 16)))
    draft.access = {"read": "load", "write": "store"}.get(found[3].lower(), "")
    draft.at_address(found[4])
    if line.pid is not None:
        draft.pid = line.pid
    return draft


def _panic(line: Line) -> Draft | None:
    found = _PANIC.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, "Rust", rank=25, tag_check=None)
    draft.thread = found[1] or ""
    draft.fact("place", found[3])
    draft.said(found[2] or "")
    if line.pid is not None:
        draft.pid, draft.tid = line.pid, line.tid if line.tid is not None else draft.tid
    return draft


def _panic_more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "panicked at" in text:
        return False
    if found := _SIDE.match(text):
        draft.fact(found[1], found[2])
        return True
    if _ASSERTION.match(text) or (not draft.message and text.strip()):
        draft.said(text.strip())
        return True
    return bool(_BACKTRACE.match(text))


INVALID = Writer(
    "a program's own handler", ("SIGSEGV @", "SIGBUS @", "SIGSEGV@"), _invalid, nothing_more, 10
)
PANIC = Writer("Rust", ("panicked at",), _panic, _panic_more, keep=30)
