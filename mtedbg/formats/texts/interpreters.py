"""Crash handlers of interpreters: CPython's faulthandler, Ruby's, Julia's.

Sources: CPython, Modules/faulthandler.c and Python/traceback.c; Ruby, signal.c (check_reserved_
signal) and error.c (rb_bug); Julia, src/signal-handling.c (jl_critical_error: signal and code).
None of the first two writes a code.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import SIGNAL_WORDS, is_handlers
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

PYTHON, RUBY, JULIA = "Python", "Ruby", "Julia"
_SIGNALS = SIGNAL_WORDS | {"Bus Error": "SIGBUS", "Floating-point exception": "SIGFPE"}
_WORDS = "|".join(_SIGNALS)
_PYTHON = re.compile(rf"Fatal Python error: ({_WORDS})\s*$")
_THREAD = re.compile(
    r"^\s*(?:Current thread|Thread) (0x[0-9a-fA-F]{1,16})(?: \[(.{1,64}?)\])? ?"
    r"\(most recent call first\):"
)
_FILE = re.compile(r'^\s*File "(.{1,512}?)", line (\d{1,9})(?: in (\S.{0,256}))?$')
_RUBY = re.compile(
    rf"^(?:(\S.{{0,256}}?:\d{{1,9}}): )?\[BUG\] ({_WORDS})(?: at (0x[0-9a-fA-F]{{1,16}}))?"
)
_RUBY_FRAME = re.compile(
    r"^(\S.{0,512}?)\(([\w~?.@]{1,512})\+(0x[0-9a-fA-F]{1,16})\) \[(0x[0-9a-fA-F]{1,16})\]"
)
_JULIA = re.compile(
    r"^(?:\[(\d{1,10})\] )?signal \((\d{1,3})(?:\.(-?\d{1,9}))?\): ([A-Z][\w ,.-]{2,64})$"
)
_JULIA_FRAME = re.compile(r"^(\S.{0,512}?) at (\S.{0,512}?):(\d{1,9})(?: \[inlined\])?$")
_JULIA_UNKNOWN = re.compile(r"^unknown function \(ip: (0x[0-9a-fA-F]{1,16})\)")
_JULIA_RAW = re.compile(r"^(\S.{0,512}?) at (/\S{1,512}|\(unknown line\))(?: \(unknown line\))?$")


def _start(line: Line) -> Draft | None:
    text = line.text
    if found := _PYTHON.search(text):
        draft = Draft.at(line, PYTHON, rank=30)
        draft.raised(None, _SIGNALS[found[1]])
    elif found := _RUBY.match(text.strip()):
        draft = Draft.at(line, RUBY, rank=30)
        draft.raised(None, _SIGNALS[found[2]])
        draft.at_address(found[3] or "")
        draft.fact("place", found[1])
    elif found := _JULIA.match(text.strip()):
        draft = Draft.at(line, JULIA, rank=30)
        draft.raised(found[2])
        if found[3]:
            draft.coded(found[3])
        draft.pid = int(found[1]) if found[1] else draft.pid
    else:
        return None
    if line.pid is not None:
        draft.pid = line.pid
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text.rstrip()
    if draft.writer == PYTHON:
        return _python(draft, text)
    return _ruby(draft, text) if draft.writer == RUBY else _julia(draft, text)


def _python(draft: Draft, text: str) -> bool:
    if _PYTHON.search(text):
        return False
    if found := _THREAD.match(text):
        current = "Current" in text and not draft.frames
        draft.section = "frames" if current else "others"
        if current:
            draft.thread = found[2] or ""
        return True
    if found := _FILE.match(text):
        if draft.section == "frames":
            draft.frame(TextFrame(found[3] or "", source=f"{found[1]}:{found[2]}"))
        return draft.section in ("frames", "others")
    return text.strip() in ("", "<no Python frame>", "...")


def _ruby(draft: Draft, text: str) -> bool:
    if "[BUG]" in text:
        return False
    if found := _RUBY_FRAME.match(text.strip()):
        name = found[2]
        if is_handlers(draft, name, found[1]):
            return True
        draft.frame(TextFrame(name, int(found[3], 16), found[1].strip(), pc=int(found[4], 16)))
        return True
    if text.startswith("ruby ") and not draft.told("version"):
        draft.fact("version", text)
        return True
    return text.startswith(("-- ", "c:"))


def _julia(draft: Draft, text: str) -> bool:
    if _JULIA.match(text.strip()):
        return False
    if text.startswith("in expression starting at "):
        draft.fact("place", text.removeprefix("in expression starting at "))
        return True
    if text.startswith("Allocations: "):
        draft.ended = True
        return True
    if found := _JULIA_FRAME.match(text):
        draft.frame(TextFrame(found[1], source=f"{found[2]}:{found[3]}"))
        return True
    if found := _JULIA_UNKNOWN.match(text):
        draft.frame(TextFrame(pc=int(found[1], 16)))
        return True
    if found := _JULIA_RAW.match(text):
        file = "" if found[2].startswith("(") else found[2]
        draft.frame(TextFrame(found[1], NOT_IN_TEXT, file))
        return True
    return False


WRITER = Writer(PYTHON, ("Fatal Python error: ", "[BUG] ", "signal ("), _start, _more, keep=4)
