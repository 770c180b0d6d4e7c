"""The line that a dying process on Android writes itself, and ART's longer form of it.

Source: AOSP, debuggerd/handler/debuggerd_handler.cpp (log_signal_summary); art/runtime/
runtime_common.cc (HandleUnexpectedSignalCommon).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import android_frame, registers
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present

NAME = "Android"
RANK = 40
_FATAL = re.compile(
    r"Fatal signal (\d{1,3}) \(([^)]{1,24})\)(?:, code (-?\d{1,9})(?: \(([^)]{1,64})\))?)?"
    r"(?:,? fault addr(?:ess)? (-{4,}|(?:0x)?[0-9a-fA-F]{1,16})\b)?(?: \((read|write)\))?"
    r"(?:.{0,24}? in tid (\d{1,10})(?: \((.{0,64}?)\))?)?(?:, pid (\d{1,10})(?: \((.{0,128}?)\))?)?"
    r"\s*$"
)
_SHORT = re.compile(r"Fatal signal (\d{1,3}) \((SIG\w{2,8})\)")
_TID = re.compile(r"in tid (\d{1,10})")
_THREAD = re.compile(r'^\s*Thread: (\d{1,10}) "(.{0,64}?)"')
_SENDER = re.compile(r"from pid (\d{1,10})(?:, uid (\d{1,10}))?")


def _start(line: Line) -> Draft | None:
    found = _FATAL.search(line.text) or _SHORT.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=RANK)
    draft.raised(found[1], found[2])
    if found.re is _SHORT:
        if tid := _TID.search(line.text):
            draft.tid = int(tid[1])
    else:
        sender = _SENDER.search(found[4] or "")
        draft.coded(found[3], (found[4] or "").split(" ")[0])
        if sender:
            draft.fact("sender", f"process {sender[1]}, user {sender[2]}")
        draft.at_address(found[5] or "")
        if found[6]:
            draft.access = "store" if found[6] == "write" else "load"
        draft.tid = int(found[7]) if found[7] else draft.tid
        draft.thread = found[8] or ""
        draft.pid = int(found[9]) if found[9] else draft.pid
        draft.process = found[10] or ""
    if line.pid is not None and not present(draft.pid):
        draft.pid = line.pid
    if draft.signal == 35:
        draft.killed = False
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "Fatal signal " in text:
        return False
    if found := _THREAD.match(text):
        draft.tid, draft.thread = int(found[1]), found[2]
        return True
    if text.lstrip().startswith(("Registers:", "Backtrace:", "OS: Linux", "Cmdline:")):
        return True
    if frame := android_frame(text):
        draft.frame(frame)
        return True
    return "pid:" not in text and registers(draft, text)


WRITER = Writer(NAME, ("Fatal signal ",), _start, _more, keep=40)
