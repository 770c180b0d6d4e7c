"""AddressSanitizer's report of a signal that it does not know the cause of.

Source: LLVM, compiler-rt/lib/asan/asan_errors.cpp (ErrorDeadlySignal) and
sanitizer_common/sanitizer_symbolizer_report.cpp (ReportDeadlySignal). It writes no code.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

NAME = "AddressSanitizer"
_DEADLY = re.compile(
    r"==(\d{1,10})==ERROR: (\w{4,32}Sanitizer): (SEGV|BUS|ILL|FPE|ABRT|TRAP|stack-overflow) on "
    r"(?:unknown )?address (?:\(.{0,64}\)|(0x[0-9a-fA-F]{1,16}))"
    r"(?: \(pc (0x[0-9a-fA-F]{1,16}) bp \S{1,20} sp (0x[0-9a-fA-F]{1,16}) T(\d{1,9})\))?"
)
_ACCESS = re.compile(r"The signal is caused by a (READ|WRITE) memory access")
_FRAME = re.compile(r"^\s*#(\d{1,3}) (0x[0-9a-fA-F]{1,16}) (?:in )?\(?(\S.{0,1000}?)\)?$")
_SOURCE = re.compile(r"^(.{1,900}?) (\S{1,512}:\d{1,9})(?::\d{1,6})?$")
_END = re.compile(r"==\d{1,10}==ABORTING|^SUMMARY: ")


def _start(line: Line) -> Draft | None:
    found = _DEADLY.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=44)
    draft.pid = int(found[1])
    draft.raised(None, "SIGSEGV" if found[3] == "stack-overflow" else f"SIG{found[3]}")
    draft.at_address(found[4] or "")
    for name, value in (("pc", found[5]), ("sp", found[6])):
        if value:
            draft.register(name, int(value, 16))
    draft.thread = f"T{found[7]}" if found[7] else ""
    if found[3] == "stack-overflow":
        draft.tag_check = None
        draft.cause("stack overflow")
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _DEADLY.search(text):
        return False
    if found := _ACCESS.search(text):
        draft.access = "load" if found[1] == "READ" else "store"
        return True
    if (found := _FRAME.match(text)) and int(found[1]) == len(draft.frames):
        source = _SOURCE.match(found[3])
        name, offset = with_offset(source[1] if source else found[3])
        draft.frame(
            TextFrame(name, offset, source=source[2] if source else "", pc=int(found[2], 16))
        )
        return True
    if _END.search(text):
        draft.ended = "ABORTING" in text
        return True
    return text.startswith(f"=={draft.pid}==")


WRITER = Writer(NAME, ("Sanitizer: ",), _start, _more, keep=8)
