"""The text of minidump-stackwalk, rust-minidump's and Breakpad's; Socorro's page made of it.

Source: rust-minidump, minidump-processor/src/process_state.rs (print); Breakpad,
src/processor/stackwalk_common.cc; Socorro, webapp/crashstats (report_index.html), whose table
loses its lines when a page is copied.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "minidump-stackwalk"
_REASON = re.compile(
    r"^\s*(?:\**)?Crash [Rr]eason:?\**\s*:?\s*(SIG[A-Z]{2,8}|[A-Z][\w ]{2,48}?)(?: ?/ ?(\S.{0,"
    r"64}?))?\s*$"
)
_ADDRESS = re.compile(r"^\s*(?:\**)?Crash [Aa]ddress:?\**\s*:?\s*(0x[0-9a-fA-F]{1,16})")
_THREAD = re.compile(r"^\s*Thread (\d{1,9})(?: (\S.{0,64}?))? \(crashed\)(?: - tid: (\d{1,10}))?")
_SOCORRO_THREAD = re.compile(r"^\s*Crashing Thread \((\d{1,9})\)(?:, Name: (\S.{0,64}?))?\s*$")
_SOCORRO_FRAME = re.compile(
    r"^(\S{1,256}) {1,8}(\S.{0,1000}?)(?: {1,8}(\S{1,512}:\d{1,9}))? {1,8}"
    r"(?:context|cfi|frame_pointer|scan|inlined|prewalked)$"
)
_OTHER = re.compile(r"^\s*Thread \d{1,9}\b|^Loaded modules:")
_FRAME = re.compile(r"^\s*(\d{1,3})  ?(\S.{0,1000}?)\s*$")
_MODULE = re.compile(
    r"^(.{1,512}?)!(.{1,1000}?)(?: \[(\S.{0,256}? : \d{1,9})\])?(?: \+ (0x[0-9a-f]{1,8}))?$"
)
_PLUS = re.compile(r"^(\S{1,512}) \+ (0x[0-9a-fA-F]{1,16})$")
_REGISTER = re.compile(r"(?<!\w)(x\d{1,2}|fp|lr|sp|pc) = (0x[0-9a-fA-F]{1,16})")
_FACTS = (
    ("system", re.compile(r"^\s*Operating system: (\S.{0,128}?)\s*$")),
    ("cpu", re.compile(r"^\s*CPU: (\S.{0,64}?)\s*$")),
    ("uptime", re.compile(r"^\s*Process uptime: (\S.{0,64}?)\s*$")),
)


def _start(line: Line) -> Draft | None:
    found = _REASON.match(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=46)
    draft.raised(None, found[1] if found[1].startswith("SIG") else "")
    what = (found[2] or "").strip()
    if re.fullmatch(r"[A-Z]{2,5}_[A-Z_]{3,16}", what):
        draft.coded(None, what)
    elif re.fullmatch(r"0x[0-9a-fA-F]{1,8}|-?\d{1,9}", what):
        draft.coded(int(what, 0))
    if not found[1].startswith("SIG"):
        draft.fact("exception", " / ".join(part for part in (found[1], what) if part))
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _REASON.match(text):
        return False
    if found := _ADDRESS.match(text):
        draft.at_address(found[1])
        return True
    if found := _THREAD.match(text):
        draft.section = "frames"
        draft.fact("thread number", found[1])
        draft.thread = found[2] or ""
        draft.tid = int(found[3]) if found[3] else draft.tid
        return True
    if found := _SOCORRO_THREAD.match(text):
        draft.section = "frames"
        draft.fact("thread number", found[1])
        draft.thread = found[2] or ""
        return True
    if _OTHER.match(text):
        draft.section = "others"
        return True
    rows = _REGISTER.findall(text)
    for name, value in rows if len(draft.frames) <= 1 and draft.section == "frames" else ():
        draft.register({"lr": "x30", "fp": "x29"}.get(name, name), int(value, 16))
    if rows or "Found by: " in text:
        return True
    if draft.section == "frames" and (found := _FRAME.match(text)):
        if int(found[1]) == len(draft.frames):
            draft.frame(_frame(found[2]))
        return True
    for about, pattern in _FACTS:
        if found := pattern.match(text):
            draft.fact(about, found[1])
            return True
    return draft.section == "others" and bool(_FRAME.match(text))


def _frame(text: str) -> TextFrame:
    if found := _SOCORRO_FRAME.match(text):
        function = "" if found[2].startswith("@0x") else found[2]
        return TextFrame(function, NOT_IN_TEXT, found[1], source=found[3] or "")
    if found := _MODULE.match(text):
        function, offset = (
            with_offset(f"{found[2]}+{found[4]}") if found[4] else (found[2], NOT_IN_TEXT)
        )
        return TextFrame(function, offset, found[1], source=(found[3] or "").replace(" : ", ":"))
    if found := _PLUS.match(text):
        return TextFrame(file=found[1], file_offset=int(found[2], 16))
    return TextFrame(text)


WRITER = Writer(NAME, ("Crash reason", "Crash Reason"), _start, _more, keep=60)
