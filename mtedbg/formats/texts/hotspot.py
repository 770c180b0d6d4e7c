"""The Java VM's error report, hs_err_pid.log, and its beginning on standard output.

Source: OpenJDK, src/hotspot/share/utilities/vmError.cpp, os/posix/signals_posix.cpp
(print_siginfo), os_cpu/linux_aarch64/os_linux_aarch64.cpp (print_context).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame

NAME = "Java VM"
_BEGIN = re.compile(r"fatal error has been detected by the Java Runtime Environment")
_SIGNAL = re.compile(
    r"#\s+(SIG[A-Z]{2,8}) \(0x[0-9a-f]{1,4}\) at pc=(0x[0-9a-fA-F]{1,16}), pid=(\d{1,10}), "
    r"tid=(0x[0-9a-f]{1,16}|\d{1,10})"
)
_INTERNAL = re.compile(r"#\s+Internal Error \((.{1,256}?)\), pid=(\d{1,10}), tid=(\d{1,10})")
_SIGINFO = re.compile(
    r"siginfo: ?si_signo[:=] ?(\d{1,3})(?: \((\w{2,16})\))?, ?si_code[:=] ?(-?\d{1,9})(?: "
    r"\((\w{2,24})\))?"
    r"(?:, ?si_addr[:=] ?(0x[0-9a-fA-F]{1,16}))?(?:, ?si_pid[:=] ?(\d{1,10}))"
    r"?"
)
_REGISTER = re.compile(r"(?<!\w)(R\d{1,2}|SP|PC|LR|pc|sp|lr|FP)\s?=\s?(0x[0-9a-fA-F]{1,16})")
_FRAME = re.compile(
    r"^\s*#?\s*(?:[CVvJjA])\s{1,3}(?:\d{1,9}\s.{0,64}?)?\[(\S{1,512}?)\+(0x[0-9a-fA-F]{1,16})\](?:\s{1,4}(\S.{0,512}?))?\s*$"
)
_JAVA = re.compile(
    r"^\s*#?\s*[Jj]\s{1,3}(?:\d{1,9}\s)?(.{0,16}?[\w.$/]{3,256}\(.{0,256}?\)\S{0,64})"
)
_THREAD = re.compile(r"^Current thread \((0x[0-9a-f]{1,16})\):\s{1,3}(\S.{0,96}?)\s*(?:\[|$)")
_FACTS = (
    ("jvm", re.compile(r"^# JRE version: (.{1,256})$")),
    ("command line", re.compile(r"^Command Line: (.{1,1024})$")),
    ("host", re.compile(r"^Host: (.{1,256})$")),
    ("uptime", re.compile(r"^Time: (.{1,128})$")),
)
_SECTIONS = re.compile(
    r"^(?:#|-{8,}|Registers:|Stack: |Native frames|Java frames|Top of Stack|Instructions|"
    r"Register to)"
)


def _start(line: Line) -> Draft | None:
    if not _BEGIN.search(line.text) and not _SIGINFO.search(line.text):
        return None
    draft = Draft.at(line, NAME, rank=50)
    _more(draft, line)
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "Fatal error in " in text:
        return False  # V8's: its lines begin like these
    if _BEGIN.search(text):
        if "begin" in draft.seen:
            return False
        draft.seen.add("begin")
        return not present(draft.signal)
    if found := _SIGINFO.search(text):
        if "siginfo" in draft.seen or (present(draft.signal) and draft.signal != int(found[1])):
            return False
        draft.seen.add("siginfo")
        draft.raised(found[1], found[2] or "")
        draft.coded(found[3], found[4] or "")
        draft.at_address(found[5] or "")
        if found[6]:
            draft.fact("sender", f"process {found[6]}")
        return True
    if found := _SIGNAL.search(text):
        draft.raised(None, found[1])
        draft.register("pc", int(found[2], 16))
        draft.pid, draft.tid = int(found[3]), int(found[4], 0)
        return True
    if found := _INTERNAL.search(text):
        draft.said(found[1])
        draft.tag_check = None
        draft.pid, draft.tid = int(found[2]), int(found[3])
        return True
    return _other(draft, text)


def _other(draft: Draft, text: str) -> bool:
    if text.lstrip().startswith("# Problematic frame"):
        draft.section = "problematic"
        return True
    if text.lstrip().startswith("Native frames"):
        draft.frames.clear()
        draft.section = "frames"
        return True
    if found := _FRAME.match(text):
        function, offset = with_offset(found[3] or "") if found[3] else ("", NOT_IN_TEXT)
        draft.frame(TextFrame(function, offset, found[1], int(found[2], 16)))
        return True
    if draft.section and (found := _JAVA.match(text)):
        draft.frame(TextFrame(found[1].strip()))
        return True
    names = {"SP": "sp", "PC": "pc", "LR": "x30", "FP": "x29", "sp": "sp", "pc": "pc", "lr": "x30"}
    rows = _REGISTER.findall(text)
    for name, value in rows:
        draft.register(names.get(name, name.lower().replace("r", "x")), int(value, 16))
    if rows:
        return True
    if found := _THREAD.match(text):
        draft.thread = found[2].strip()
        return True
    for about, pattern in _FACTS:
        if found := pattern.match(text):
            draft.fact(about, found[1])
            return True
    return bool(_SECTIONS.match(text))


WRITER = Writer(
    NAME,
    ("by the Java Runtime Environment", "siginfo: si_signo", "siginfo:si_signo"),
    _start,
    _more,
    keep=400,
)
