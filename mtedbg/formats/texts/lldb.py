"""What LLDB prints where a program stops, on Linux and on Apple's systems.

Sources: LLVM, lldb/source/Target/UnixSignals.cpp and Plugins/Process/Utility/LinuxSignals.cpp;
Plugins/Process/Utility/StopInfoMachException.cpp (EXC_ARM_MTE_TAG_FAULT).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import FATAL, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame
from mtedbg.model.fault import FaultKind

NAME, APPLE = "LLDB", "LLDB on Apple"
_STOP = re.compile(
    r"thread #(\d{1,6})(?:, name = '(.{0,64}?)')?(?:, queue = '(.{0,128}?)')?.{0,64}?"
    r"stop reason = (?:signal )?(SIG[A-Z]{2,8}|EXC_[A-Z_]{3,40}|[a-z]+ tag check fault)(.{0,512})$"
)
_BARE = re.compile(r"stop reason = (?:signal )?(SIG[A-Z]{2,8}|EXC_[A-Z_]{3,40})(.{0,512})$")
_ADDRESS = re.compile(r"(?:fault address|address)[=:]\s?(0x[0-9a-fA-F]{1,16})")
_LOGICAL = re.compile(r"logical tag[=:]\s?0x([0-9a-fA-F]{1,2})")
_ALLOCATION = re.compile(r"allocation tag[=:]\s?0x([0-9a-fA-F]{1,2})")
_EXC_CODE = re.compile(r"code=(\w{1,32})")
_PROCESS = re.compile(r"Process (\d{1,10}) stopped")
_MISMATCH = re.compile(
    r"MTE tag mismatch detected: pointer tag=(\d{1,2}|0x[0-9a-f]), address=(0x[0-9a-fA-F]{1,16})"
)
_FRAME = re.compile(
    r"^\s*\*?\s*frame #(\d{1,4}): (0x[0-9a-fA-F]{1,16}) (\S{1,256}?)`(.{1,512}?)"
    r"(?: at (\S{1,256}?:\d{1,9}(?::\d{1,9})?))?(?: \[opt\])?\s*$"
)
_REGISTER = re.compile(r"^\s*(x\d{1,2}|sp|pc|lr|fp|cpsr) = (0x[0-9a-fA-F]{1,16})\b")
_ARROW = re.compile(r"^\s*->\s+(0x[0-9a-f]{1,16}) <[+-]\d{1,9}>: (\S.{0,128})$")
_WORDS = {
    "address not mapped": (11, 1), "invalid permissions": (11, 2), "failed address bounds": (11, 3),
    "failed protection key": (11, 4), "async tag check fault": (11, 8),
    "sync tag check fault": (11, 9), "control protection fault": (11, 10),
    "illegal alignment": (7, 1), "illegal address": (7, 2),
    "illegal opcode": (4, 1), "illegal operand": (4, 2), "illegal trap": (4, 4),
}  # fmt: skip
_MACH = {"EXC_BAD_ACCESS": 11, "EXC_BAD_INSTRUCTION": 4, "EXC_CRASH": 6, "EXC_BREAKPOINT": 5}
TAG_CHECK, CANONICAL = 262, 263
"""EXC_ARM_MTE_TAGCHECK_FAIL and EXC_ARM_MTE_CANONICAL_FAIL: Mach exception codes of arm64."""


def _start(line: Line) -> Draft | None:
    found = _STOP.search(line.text)
    bare = None if found else _BARE.search(line.text)
    if found is None and bare is None:
        return None
    what = found[4] if found else bare[1]  # type: ignore[index]
    rest = found[5] if found else bare[2]  # type: ignore[index]
    if what.startswith("SIG") and what not in FATAL - {"SIGTRAP"}:
        return None
    if what in ("EXC_BREAKPOINT", "EXC_RESOURCE", "EXC_SOFTWARE"):
        return None
    draft = Draft.at(line, NAME, rank=45)
    if found:
        draft.thread = found[2] or found[3] or ""
    _what(draft, what, rest)
    return draft


def _what(draft: Draft, what: str, rest: str) -> None:
    if what.startswith("EXC_"):
        draft.writer = APPLE
        code = _EXC_CODE.search(rest)
        number = code[1] if code else ""
        draft.fact("exception", f"{what}{f' code {number}' if number else ''}")
        if what.startswith("EXC_ARM_MTE") or number in (
            f"{TAG_CHECK}",
            f"{CANONICAL}",
            "0x106",
            "0x107",
        ):
            draft.tag_check = FaultKind.SYNCHRONOUS
        elif what == "EXC_GUARD" and "MTE" not in rest:
            draft.tag_check = NOT_IN_TEXT
        else:
            draft.tag_check = None
        if what in _MACH:
            draft.raised(_MACH[what])
    else:
        words = next((pair for name, pair in _WORDS.items() if name in f"{what}{rest}"), None)
        if what.startswith("SIG"):
            draft.raised(None, what)
        if words:
            draft.raised(words[0])
            draft.coded(words[1])
    if address := _ADDRESS.search(rest):
        draft.at_address(address[1])
    for pattern, name in ((_LOGICAL, "logical_tag"), (_ALLOCATION, "allocation_tag")):
        if tag := pattern.search(rest):
            setattr(draft, name, int(tag[1], 16))


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "stop reason = " in text:
        return False
    if found := _PROCESS.search(text):
        return not draft.frames
    if found := _MISMATCH.search(text):
        draft.logical_tag = int(found[1], 0)
        draft.tag_check = FaultKind.SYNCHRONOUS
        draft.at_address(found[2])
        return True
    if found := _FRAME.match(text):
        if int(found[1]) != len(draft.frames):
            return True
        name, _, _ = found[4].partition("(") if found[5] else (found[4], "", "")
        plus = found[4].replace(" + ", "+").split(" at ")[0]
        function, offset = with_offset(plus)
        if found[5]:
            function = name.strip() if not isinstance(offset, int) else function
        draft.frame(
            TextFrame(function, offset, found[3], pc=int(found[2], 16), source=found[5] or "")
        )
        if found[1] == "0":
            draft.register("pc", int(found[2], 16))
        return True
    if found := _REGISTER.match(text):
        name = {"lr": "x30", "fp": "x29", "cpsr": "pstate"}.get(found[1], found[1])
        draft.register(name, int(found[2], 16))
        return True
    if found := _ARROW.match(text):
        draft.fact("instruction", " ".join(found[2].split()))
        return True
    return present(draft.signal) and text.startswith("(lldb)") and text.strip() == "(lldb)"


WRITER = Writer(NAME, ("stop reason = ",), _start, _more, keep=60)
