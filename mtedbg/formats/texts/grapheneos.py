"""GrapheneOS's log viewer: the form in which most public reports of memory tagging come.

Source: GrapheneOS, frameworks/base, services/…/server/ext/TombstoneHandler.java and the system's
log viewer: lines of `name: value`, then a backtrace of `file (function+offset, pc offset)`.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.debuggerd import CAUSE
from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import registers, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.formats.texts.messages import last_words
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "GrapheneOS"
RANK = 55
_TYPE = re.compile(r"^\s*type: (?:native )?crash\s*$", re.IGNORECASE)
_SIGNAL = re.compile(
    r"^\s*signal: (\d{1,3}) \((\w{2,16})\)(?:, code (-?\d{1,9})(?: \((\w{2,24})\))?)?"
    r"(?:, faultAddr (-{4,}|(?:0x)?[0-9a-fA-F]{1,16}))?(?:, (?:access: )?(read|write))?"
)
_FRAME = re.compile(
    r"^\s*(\S.{0,512}?) \((?:(.{1,1024}), )?pc (?:0x)?([0-9a-fA-F]{1,16})\)\s*(?:\(BuildId: "
    r"(\w+)\))?$"
)
_FIELD = re.compile(r"^\s*([A-Za-z]{2,20}): (\S.{0,1024}?)\s*$")
_STACK = re.compile(r"^\s*(de)?alloc\w* ?(?:by|bt|backtrace|stack)?.{0,24}?(\d{1,10})?:\s*$", re.I)
_FACTS = {
    "osVersion": "build", "uid": "uid", "processUptime": "uptime", "flags": "flags",
    "kernelVersion": "kernel", "installer": "installer",
}  # fmt: skip


def _start(line: Line) -> Draft | None:
    text = line.text
    if not _TYPE.match(text) and not _SIGNAL.match(text):
        return None
    draft = Draft.at(line, NAME, rank=RANK)
    draft.weak = not _SIGNAL.match(text)
    _more(draft, line)
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _TYPE.match(text):
        return not draft.frames and not present(draft.signal) and not draft.process
    if found := _SIGNAL.match(text):
        if present(draft.signal):
            return False
        draft.weak = False
        draft.raised(found[1], found[2])
        draft.coded(found[3], found[4] or "")
        draft.at_address(found[5] or "")
        if found[6]:
            draft.access = "store" if found[6] == "write" else "load"
        return True
    if text.strip() == "backtrace:":
        draft.section = "frames"
        return True
    if _STACK.match(text) and draft.causes:
        draft.stack("freed" if text.strip().lower().startswith("de") else "allocated")
        return True
    if found := _FIELD.match(text):
        return _field(draft, found[1], found[2])
    if found := _FRAME.match(text):
        function, offset = with_offset(found[2] or "") if found[2] else ("", NOT_IN_TEXT)
        draft.frame(
            TextFrame(function, offset, found[1], int(found[3], 16), build_id=found[4] or "")
        )
        return True
    return registers(draft, text) or not text.strip()


def _field(draft: Draft, name: str, value: str) -> bool:
    if name == "threadName":
        draft.thread = value
    elif name == "MTE":
        draft.check_mode = value
    elif name == "cmdline":
        draft.process = draft.process or value
        draft.fact("command line", value)
    elif name == "package":
        package = value.split(",")[0]
        draft.process = draft.process or package.split(":")[0]
        draft.fact("package", value)
    elif name == "abortMessage":
        draft.said(value)
        last_words(draft, value)
    elif name.lower() in ("cause", "causes") and CAUSE.match(f"Cause: {value}"):
        draft.cause(value)
    elif name in _FACTS:
        draft.fact(_FACTS[name], value)
    else:
        return False
    return True


WRITER = Writer(NAME, ("type: crash", "type: native crash", "signal: "), _start, _more, keep=40)
