"""Apple's crash reports in their text form.

Source: Apple, "Examining the fields in a crash report", "Understanding the exception types in a
crash report"; XNU, osfmk/mach/arm/exception.h (EXC_ARM_MTE_TAGCHECK_FAIL 0x106,
EXC_ARM_MTE_CANONICAL_FAIL 0x107), osfmk/mach/vm_types.h (kGUARD_EXC_MTE_SYNC_FAULT 200,
…ASYNC_USER_FAULT 201, …ASYNC_KERN_FAULT 202, kGUARD_EXC_MTE_SOFT_MODE 0x100000).
"""

from __future__ import annotations

import re

from mtedbg.formats.esr import syndrome
from mtedbg.formats.texts.draft import Draft, Writer, hexadecimal
from mtedbg.formats.texts.grammar import tag_row, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame
from mtedbg.model.fault import FaultKind

NAME = "Apple"
TAG_CHECK_CODES = (0x106, 0x107)
_SYNC, _ASYNC = "MTE_SYNC_FAULT", ("MTE_ASYNC_USER_FAULT", "MTE_ASYNC_KERN_FAULT")
_FLAVOURS = {200: _SYNC, 201: _ASYNC[0], 202: _ASYNC[1]}
_FIELD = re.compile(r"^\s*([A-Za-z][A-Za-z ]{2,28}):\s{1,24}(\S.{0,1024}?)\s*$")
_TYPE = re.compile(r"^(EXC_[A-Z_]{3,24})(?: \((SIG[A-Z]{2,8}|[\w ]{1,32})\))?")
_SUBTYPE = re.compile(
    r"(EXC_ARM_\w{3,32}|KERN_\w{3,32}|GUARD_\w{3,48}|EXC_[A-Z]\w{3,32})(?: at "
    r"(0x[0-9a-fA-F]{1,16}))?"
)
_PROCESS = re.compile(r"^(\S.{0,128}?) \[(\d{1,10})\]$")
_CRASHED = re.compile(
    r"^\s*Thread (\d{1,6}) (?:name:.{0,128}|Crashed(?::: {0,2}(.{0,128}))?:?\s*$|Crashed:: ?"
    r"(.{0,128}))"
)
_OTHER = re.compile(r"^\s*Thread (\d{1,6})(?:::.{0,128})?:\s*(?:.{0,128})$")
_FRAME = re.compile(
    r"^\s*(\d{1,4})\s{1,4}(\S.{0,64}?)\s{1,40}(0x[0-9a-fA-F]{6,16}) (\S.{0,1000}?)\s*$"
)
_REGISTER = re.compile(
    r"(?<!\w)(x\d{1,2}|fp|lr|sp|pc|cpsr|far|esr): (0x[0-9a-fA-F]{8,16})(?: \((.{1,64}?)\)"
    r"(.{0,128})?)?"
)
_REGION = re.compile(
    r"^\s*--->\s{1,4}(\S.{0,48}?)\s{2,}([0-9a-f]{6,16}-[0-9a-f]{6,16})\s{1,4}(\[.{1,12}?\])?(.{0,96})$"
)
_MESSAGE = re.compile(r"flavor=(0x[0-9a-fA-F]{1,16})")
_OFFSET = re.compile(r"offset=(0x[0-9a-fA-F]{1,16})")
_FACTS = {
    "hardware model": "device", "os version": "build", "identifier": "package",
    "version": "version",
    "incident identifier": "incident", "date/time": "time", "parent process": "parent",
    "path": "executable", "code type": "abi", "role": "role", "coalition": "coalition",
    "mte malloc size class": "size class",
}  # fmt: skip


def _start(line: Line) -> Draft | None:
    found = _FIELD.match(line.text)
    if found is None:
        return None
    name = found[1].strip().lower()
    if name == "process" and not _PROCESS.match(found[2]):
        return None
    if name == "exception type" and not _TYPE.match(found[2]):
        return None
    if name not in ("incident identifier", "process", "exception type"):
        return None
    draft = Draft.at(line, NAME, rank=57, weak=name != "exception type")
    _more(draft, line)
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if draft.section == "others" and (_FRAME.match(text) or not text.strip()):
        return True
    if (found := _CRASHED.match(text)) and "rashed" in text:
        draft.section = "frames"
        draft.fact("thread number", found[1])
        draft.thread = (found[2] or found[3] or "").removeprefix("Dispatch queue:").strip()
        return True
    if "crashed with ARM Thread State" in text:
        draft.section = "registers"
        return True
    if text.lstrip().startswith("Binary Images:"):
        draft.ended = present(draft.signal) or bool(draft.told("exception"))
        return True
    if found := _FIELD.match(text):
        taken = _field(draft, found[1].strip().lower(), found[2])
        if taken is not None:
            return taken
    return _listing(draft, text)


def _listing(draft: Draft, text: str) -> bool:
    if draft.section == "frames" and (found := _FRAME.match(text)):
        place, _, source = found[4].partition(" (")
        function, offset = with_offset(place.replace(" + ", "+"))
        if hexadecimal(function) is not None and function.startswith("0x"):
            function, offset = "", NOT_IN_TEXT
        draft.frame(
            TextFrame(function, offset, found[2], pc=int(found[3], 16), source=source.rstrip(")"))
        )
        return True
    if draft.section == "registers":
        rows = _REGISTER.findall(text)
        for name, value, kind, rest in rows:
            _register(draft, name, int(value, 16), f"{kind}{rest}")
        if rows:
            return True
    if _OTHER.match(text):
        draft.section = "others"
        return True
    if found := _REGION.match(text):
        draft.fact("region", f"{found[1].strip()} {found[2]}")
        return True
    if row := tag_row(text):
        draft.row(row)
        return True
    if draft.section == "message" and text.strip():
        return False
    return not text.strip() or text.strip().startswith(
        ("REGION TYPE", "MTE Page Tags", "Address Range")
    )


def _register(draft: Draft, name: str, value: int, rest: str) -> None:
    draft.register({"lr": "x30", "fp": "x29", "cpsr": "pstate"}.get(name, name), value)
    if name == "far":
        draft.at_address(f"{value:x}")
    elif name == "esr" and not present(draft.syndrome):
        draft.syndrome = syndrome(value)
        if "Tag Check" in rest or draft.syndrome.tag_check:
            draft.tag_check = FaultKind.SYNCHRONOUS
        if "byte" in rest and draft.syndrome.tag_check:
            draft.access = "store" if "write" in rest else "load"
            draft.size = 1 if rest.strip().startswith("byte") or " byte " in rest else draft.size


def _field(draft: Draft, name: str, value: str) -> bool | None:
    if name in ("process", "incident identifier", "exception type"):
        if name in draft.seen or (name != "exception type" and "exception type" in draft.seen):
            return False
        draft.seen.add(name)
    if name == "process" and (found := _PROCESS.match(value)):
        draft.process, draft.pid = found[1], int(found[2])
    elif name == "exception type" and (found := _TYPE.match(value)):
        draft.weak = False
        draft.fact("exception", found[1])
        if found[2] and found[2].startswith("SIG"):
            draft.raised(None, found[2])
    elif name in ("exception subtype", "exception message"):
        guarded(draft, value)
        if found := _SUBTYPE.search(value):
            subtype(draft, found[1], found[2])
    elif name == "exception codes":
        codes(draft, [part.strip() for part in value.split(",")])
    elif name == "termination reason":
        terminated(draft, value)
    elif name == "mtestate":
        draft.check_mode = value
    elif name == "vm region info":
        draft.fact("memory", value)
    elif name in ("asi", "application specific information"):
        draft.said(value)
    elif name in _FACTS:
        draft.fact(_FACTS[name], value)
    else:
        return None
    return True


def subtype(draft: Draft, name: str, address: str | None) -> None:
    """EXC_ARM_MTE_TAGCHECK_FAIL and its like."""
    draft.fact("subtype", name)
    if name.startswith("EXC_ARM_MTE"):
        draft.tag_check = FaultKind.SYNCHRONOUS
    elif name.startswith(("KERN_", "EXC_ARM_DA")) and draft.tag_check is NOT_IN_TEXT:
        draft.tag_check = None
    draft.at_address(address or "")
    if "CANONICAL" in name:
        draft.note("a tagged pointer to memory that has no tags (canonical tag check)")


def guarded(draft: Draft, value: str) -> None:
    """The form of EXC_GUARD: `offset=0x…, flavor=0x000000c8 (GUARD_EXC_MTE_SYNC_FAULT)`."""
    found = _MESSAGE.search(value)
    flavour = int(found[1], 16) if found else 0
    name = next((one for one in (_SYNC, *_ASYNC) if one in value), "") or _FLAVOURS.get(
        flavour & 0xFFFF, ""
    )
    if not name:
        return
    draft.tag_check = FaultKind.SYNCHRONOUS if name == _SYNC else FaultKind.ASYNCHRONOUS
    draft.fact("subtype", f"GUARD_EXC_{name}")
    if flavour & 0x100000 or "SOFT_MODE" in value:
        draft.killed = False
        draft.note("soft mode: the fault was reported, and the process went on")
    if name == _ASYNC[1]:
        draft.note("it was the kernel that accessed the process's memory")
    if found := _OFFSET.search(value):
        draft.at_address(found[1])


def codes(draft: Draft, values: list[str]) -> None:
    """The Mach exception's codes: kind, address."""
    numbers = [hexadecimal(value) if value.lower().startswith("0x") else None for value in values]
    if numbers and numbers[0] in TAG_CHECK_CODES:
        draft.tag_check = FaultKind.SYNCHRONOUS
        if len(numbers) > 1 and numbers[1]:
            draft.at_address(f"{numbers[1]:x}")


def terminated(draft: Draft, value: str) -> None:
    """`Namespace MTE_FAIL, Code 262`."""
    draft.fact("termination", value)
    if "MTE_FAIL" in value and draft.tag_check is NOT_IN_TEXT:
        draft.tag_check = FaultKind.SYNCHRONOUS


WRITER = Writer(
    NAME, ("Incident Identifier:", "Process: ", "Exception Type:"), _start, _more, keep=200
)
