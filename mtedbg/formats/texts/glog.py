"""Crash handlers of C++ libraries of one family: glog's, Abseil's, folly's.

Sources: glog, src/signalhandler.cc (DumpSignalInfo, DumpStackFrameInfo); Abseil,
absl/debugging/failure_signal_handler.cc (WriteSignalMessage); folly,
folly/debugging/symbolizer/SignalHandler.cpp (dumpSignalInfo: a code that it has a name for is
written in words, any other as a number).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import FATAL_NUMBERS, is_handlers
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import TextFrame

GLOG, ABSEIL, FOLLY = "glog", "Abseil", "folly"
_GLOG = re.compile(
    r"\*\*\* (SIG[A-Z]{2,8}) (?:.{0,64}?)\(@(0x[0-9a-fA-F]{1,16})\) received by PID (\d{1,10})"
    r"(?: \(TID (?:(\d{1,10}) OR )?0x[0-9a-fA-F]{1,16}\))?(?: \(linux TID (\d{1,10})\))?"
)
_ABSEIL = re.compile(r"\*\*\* (?:(SIG[A-Z]{2,8})|[Ss]ignal (\d{1,3})) received at time=\d{1,12}")
_FOLLY = re.compile(
    r"\*\*\* Signal (\d{1,3})(?: \((SIG[A-Z]{2,8})\))? \((0x[0-9a-fA-F]{1,16})\) received by PID "
    r"(\d{1,10}) \(pthread TID 0x[0-9a-fA-F]{1,16}\)(?: \(linux TID (\d{1,10})\))?"
)
_FOLLY_CODE = re.compile(r"\(code: (?:(-?\d{1,9})|([a-z][a-z' -]{3,80}))\)")
_WORDS = {
    "address not mapped to object": "SEGV_MAPERR",
    "invalid permissions for mapped object": "SEGV_ACCERR",
    "invalid address alignment": "BUS_ADRALN",
    "nonexistent physical address": "BUS_ADRERR",
    "object-specific hardware error": "BUS_OBJERR",
}
_PC = re.compile(r"^\s*PC: @\s{1,24}(?:0x)?([0-9a-fA-F]{1,16})\s{1,4}(.{1,1000})$")
_FRAME = re.compile(r"^\s*@\s{1,24}(?:0x)?([0-9a-fA-F]{4,16})\s{1,24}(\S.{0,1000})$")
_SIZE = re.compile(r"^(?:\(unknown\)|\d{1,9})\s{2,8}(?=\S)")


def _start(line: Line) -> Draft | None:
    draft = _signalled(line)
    if draft is not None and present(draft.signal) and draft.signal not in FATAL_NUMBERS:
        return None  # Abseil's handler is told of SIGTERM too
    return draft


def _signalled(line: Line) -> Draft | None:
    text = line.text
    if found := _GLOG.search(text):
        draft = Draft.at(line, GLOG, rank=44)
        draft.raised(None, found[1])
        draft.at_address(found[2])
        draft.pid = int(found[3])
        if tid := found[4] or found[5]:
            draft.tid = int(tid)
        return draft
    if found := _FOLLY.search(text):
        draft = Draft.at(line, FOLLY, rank=44)
        draft.raised(found[1], found[2] or "")
        draft.at_address(found[3])
        draft.pid = int(found[4])
        draft.tid = int(found[5]) if found[5] else draft.tid
        if code := _FOLLY_CODE.search(text):
            draft.coded(code[1], _WORDS.get(code[2] or "", ""))
            draft.fact("code in words", code[2])
        return draft
    if found := _ABSEIL.search(text):
        draft = Draft.at(line, ABSEIL, rank=44)
        draft.raised(found[2], found[1] or "")
        if line.pid is not None:
            draft.pid = line.pid
        return draft
    if found := _PC.match(text):  # glog writes it before the signal
        draft = Draft.at(line, GLOG, rank=44, weak=True)
        _pc(draft, found)
        return draft
    return None


def _pc(draft: Draft, found: re.Match[str]) -> None:
    draft.register("pc", int(found[1], 16))
    draft.frame(TextFrame(_name(found[2]), pc=int(found[1], 16)))


def _name(text: str) -> str:
    """The function of a line, without the size of its frame, which Abseil writes before it."""
    name = _SIZE.sub("", text.strip())
    return "" if name == "(unknown)" else name


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if draft.weak:
        other = None if _PC.match(text) else _start(line)
        if other is None:
            return False
        frames, registers = draft.frames, draft.registers
        draft.take(other)
        draft.frames, draft.registers, draft.weak = frames, registers, False
        return True
    if " received by PID " in text or _ABSEIL.search(text):
        return False
    if found := _PC.match(text):
        if not draft.frames:
            _pc(draft, found)
        return True
    if found := _FRAME.match(text):
        if is_handlers(draft, _SIZE.sub("", found[2].strip())):
            return True
        pc, first = int(found[1], 16), draft.frames[:1]
        if first and first[0].pc == pc:
            del draft.frames[1:]  # what came before is the handler's own
        else:
            draft.frame(TextFrame(_name(found[2]), pc=pc))
        return True
    return False


WRITER = Writer(GLOG, (" received by PID ", " received at time=", "PC: @"), _start, _more, keep=20)
