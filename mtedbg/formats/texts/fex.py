"""FEX-Emu's messages of faults that it cannot handle.

Source: FEX, FEXCore/Source/Utils/ArchHelpers/Arm64.cpp ("Unhandled JIT SIGBUS"),
Source/Tools/LinuxEmulation/LinuxSyscalls/SignalDelegator.cpp, FEXCore's LogManager (levels).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer, nothing_more
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

NAME = "FEX"
_UNHANDLED = re.compile(
    r"Unhandled JIT (SIG[A-Z]{2,8})(?: (\w[\w ]{0,24}?))?: (?:(?:Host )?PC: (?:0x)?"
    r"([0-9a-fA-F]{1,16}))?"
    r"(?: Instruction: (?:0x)?([0-9a-fA-F]{1,8}))"
    r"?"
)
_CRASH = re.compile(
    r"(?:FEX|Guest|JIT)\b.{0,48}?\b(SIG[A-Z]{2,8})\b.{0,48}?(?:RIP|PC)[:= ]\s?"
    r"(0x[0-9a-fA-F]{1,16})"
    r"(?:.{0,48}?(?:fault address|address|addr)[:= ]\s?(0x[0-9a-fA-F]{1,16}))?(?:.{0,24}?"
    r"code[:= ]\s?(-?\d{1,9}))?"
)


def _start(line: Line) -> Draft | None:
    if found := _UNHANDLED.search(line.text):
        draft = Draft.at(line, NAME, rank=52)
        draft.raised(None, found[1])
        draft.said(line.text.strip())
        if found[3]:
            draft.register("pc", int(found[3], 16))
            draft.frame(TextFrame(pc=int(found[3], 16)))
        if found[4]:
            draft.fact("instruction", f"0x{found[4]}{f' ({found[2]})' if found[2] else ''}")
        draft.fact("in", "translated code")
        return draft
    found = _CRASH.search(line.text)
    if found is None or "FEX" not in line.text:
        return None
    draft = Draft.at(line, NAME, rank=52)
    draft.raised(None, found[1])
    draft.fact("guest pc", found[2])
    draft.at_address(found[3] or "")
    draft.coded(found[4])
    return draft


WRITER = Writer(NAME, ("Unhandled JIT SIG", "FEX"), _start, nothing_more, keep=20)
