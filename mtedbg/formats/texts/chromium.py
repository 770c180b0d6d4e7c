"""Chromium's and V8's own handlers.

Source: Chromium, base/debug/stack_trace_posix.cc (StackDumpSignalHandler: only MAPERR and ACCERR
have a name there, all else is "<unknown>"); V8, src/base/logging.cc.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import is_handlers
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "Chromium"
_SIGNAL = re.compile(
    r"Received signal (\d{1,3})(?: (<unknown>|[A-Z]{3,5}_[A-Z]{3,12}))? ?([0-9a-fA-F]{6,16})?\s*$"
)
_FATAL = re.compile(r"^#? ?(?:# )?Fatal error in (\S.{0,256}?)(?:, line (\d{1,9}))?\s*$")
_CHECK = re.compile(
    r"^#? ?# ?((?:Debug check|Check) failed: .{1,256}|unreachable code|unimplemented code)"
)
_FRAME = re.compile(r"^\s{0,8}#?(?:\d{1,3})? ?\[?(0x[0-9a-fA-F]{1,16})\]?")
_MODULE = re.compile(r"^\((\S{1,512})\+(0x[0-9a-f]{1,16})\)$")
_REGISTER = re.compile(r"(?<!\w)(x\d{1,2}|sp|pc|lr): ([0-9a-f]{16})")


def _start(line: Line) -> Draft | None:
    if found := _SIGNAL.search(line.text):
        draft = Draft.at(line, NAME, rank=48)
        draft.raised(found[1])
        if found[2] and found[2] != "<unknown>":
            draft.coded(None, found[2])
        draft.at_address(found[3] or "")
        if line.pid is not None:
            draft.pid = line.pid
        return draft
    if found := _FATAL.match(line.text):
        draft = Draft.at(line, "V8", rank=48, tag_check=None)
        draft.fact("place", f"{found[1]}{f':{found[2]}' if found[2] else ''}")
        draft.weak = True
        if line.pid is not None:
            draft.pid = line.pid
        return draft
    return None


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "Received signal " in text or "Fatal error in" in text:
        return False
    if found := _CHECK.match(text):
        draft.said(found[1])
        draft.weak = False
        return True
    if "[end of stack trace]" in text:
        draft.ended = True
        return True
    rows = _REGISTER.findall(text)
    for name, value in rows:
        draft.register({"lr": "x30"}.get(name, name), int(value, 16))
    if rows:
        return True
    if text.lstrip().startswith(("#", "[")) and (found := _FRAME.match(text)):
        name = text[found.end() :].strip()
        module = _MODULE.match(name)
        if is_handlers(draft, "" if module else name, module[1] if module else ""):
            return True
        draft.frame(
            TextFrame(
                "" if module or name == "<unknown>" else name,
                file=module[1] if module else "",
                file_offset=int(module[2], 16) if module else NOT_IN_TEXT,
                pc=int(found[1], 16),
            )
        )
        return True
    return text.strip() in ("#", "", "==== C stack trace ===============================")


WRITER = Writer(NAME, ("Received signal ", "Fatal error in "), _start, _more, keep=40)
