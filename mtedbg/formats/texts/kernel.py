"""What Linux on arm64 prints of a process that it kills, and of itself: dmesg without KASAN.

Sources: Linux, arch/arm64/kernel/traps.c (arm64_show_signal, die), arch/arm64/mm/fault.c
(mem_abort_decode, die_kernel_fault), arch/arm64/kernel/process.c (__show_regs); `unhandled level 3
permission fault` is what kernels before 4.19 print.
"""

from __future__ import annotations

import re

from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import SEGV_MTESERR, SIGSEGV
from mtedbg.formats.texts.draft import Draft, Writer, hexadecimal
from mtedbg.formats.texts.grammar import registers, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import Absent, present
from mtedbg.model.crash_text import TextFrame
from mtedbg.model.fault import FaultKind

NAME = "Linux kernel"
_USER = re.compile(
    r"(\S{1,64}?)\[(\d{1,10})\]: unhandled (?:exception|(?P<old>[a-z][\w ()-]{3,64}?) \((?"
    r"P<sig>\d{1,2})\)"
    r" at (?P<at>0x[0-9a-fA-F]{1,16}))(?:: (?P<kind>[^,\n]{1,48}))"
    r"?"
    r"(?:,? (?:ESR|esr):? (?P<esr>0x[0-9a-fA-F]{1,16}))?(?:, (?P<words>.{1,96}?))"
    r"?"
    r"(?: in (?P<file>\S{1,128}?)\[(?:(?P<offset>[0-9a-f]{1,16}),)?(?P<base>[0-9a-f]{1,16})"
    r"\+(?P<len>[0-9a-f]{1,16})\])?\s*$"
)
_OOPS = re.compile(r"Unable to handle kernel (.{1,64}?) at virtual address ([0-9a-fA-F]{1,16})\b")
_ESR = re.compile(r"\bESR:? = (0x[0-9a-fA-F]{1,16})\b")
_DIE = re.compile(r"Internal error: (.{1,64}?): ([0-9a-fA-F]{1,16}) \[#\d{1,4}\](.{0,64})")
_CPU = re.compile(
    r"CPU: \d{1,5}(?: UID: \d{1,10})? PID: (\d{1,10}) Comm: (\S.{0,32}?) (?:Tainted|Not tainted)"
)
_PLACE = re.compile(r"^\s*(pc|lr) : (?:\[<)?(\S+?)(?:>\])?(?: .{0,128})?$")
_SYMBOL = re.compile(
    r"^([A-Za-z_.][\w.$]{0,255}\+0x[0-9a-f]{1,8})(?:/0x[0-9a-f]{1,8})?(?: \[(\S{1,64}?)\])?$"
)
_FRAME = re.compile(
    r"^\s*(?:\[<[0-9a-f]{1,16}>\] ?)?([A-Za-z_.][\w.$]{0,255}\+0x[0-9a-f]{1,8})/0x[0-9a-f]{1,8}"
    r"(?: \[(\S{1,64}?)(?: [0-9a-f]{16,64})?\])?(?: \(\w\))?\s*$"
)
_INFO = re.compile(
    r"^\s*(?:Mem abort info:|Data abort info:|EC = |SET = |EA = |FSC = |ISV = |CM = |GCS = |Code: |"
    r"Hardware name:|pstate:|pstate |swapper pgtable|user pgtable|\[[0-9a-f]{16}\] (?:pgd|address)|"
    r"Modules linked in|Call trace:|Tainted: |sp : |Exception class|IL = )"
)
_TABLE = re.compile(r"^\s*\[([0-9a-f]{16})\] (pgd=\S+.{0,256}|address between .{1,64})$")
_END = re.compile(r"---\[ end trace|---\[ end Kernel panic")


def kernel_frame(text: str) -> TextFrame | None:
    """` example_release+0x50/0x690 [example_drv]`."""
    match = _FRAME.match(text)
    if match is None:
        return None
    function, offset = with_offset(match[1])
    return TextFrame(function, offset, match[2] or "")


def common(draft: Draft, text: str) -> bool:
    """Lines that all of the kernel's reports may have: who ran, registers."""
    if found := _CPU.search(text):
        draft.tid = int(found[1]) if not present(draft.tid) else draft.tid
        draft.process = draft.process or found[2]
        return True
    if found := _PLACE.match(text):
        symbol = _SYMBOL.match(text.split(" : ", 1)[1].strip())
        value = hexadecimal(found[2]) if re.fullmatch(r"[0-9a-f]{8,16}", found[2]) else None
        if value is not None:
            draft.register("pc" if found[1] == "pc" else "x30", value)
        elif symbol and found[1] == "pc" and not draft.told("pc"):
            draft.fact("pc", symbol[1])
            function, offset = with_offset(symbol[1])
            draft.frames[:0] = [TextFrame(function, offset, symbol[2] or "")]
            draft.seen.add("pc")
        return True
    return False


def _start(line: Line) -> Draft | None:
    text = line.text
    if found := _USER.search(text):
        return _user(line, found)
    if found := _OOPS.search(text):
        draft = Draft.at(line, NAME, rank=60, in_kernel=True, joinable=False)
        draft.address = int(found[2], 16)
        draft.fact("exception", f"unable to handle kernel {found[1]}")
        return draft
    if found := _DIE.search(text):
        draft = Draft.at(line, NAME, rank=60, in_kernel=True, joinable=False)
        _more(draft, line)
        return draft
    return None


def _user(line: Line, found: re.Match[str]) -> Draft:
    draft = Draft.at(line, NAME, rank=30)
    draft.thread, draft.tid = found[1], int(found[2])
    if found["esr"]:
        draft.syndrome = syndrome(int(found["esr"], 16))
        if draft.syndrome.tag_check:
            draft.signal, draft.code = SIGSEGV, SEGV_MTESERR
    if found["sig"]:
        draft.raised(found["sig"])
        draft.at_address(found["at"])
        draft.fact("exception", found["old"])
    draft.fact("exception", found["words"] or found["kind"])
    if found["file"]:
        offset = hexadecimal(found["offset"])
        draft.fact("mapping", f"{found['file']} {found['base']}+{found['len']}")
        if offset is not None:
            draft.frame(TextFrame(file=found["file"], file_offset=offset))
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _USER.search(text) or (_OOPS.search(text)):
        return False
    if "BUG: KASAN" in text:
        return False
    if found := _ESR.search(text):
        draft.syndrome = syndrome(int(found[1], 16))
        _of_syndrome(draft)
        return True
    if found := _DIE.search(text):
        if "die" in draft.seen:
            return False
        draft.seen.add("die")
        if isinstance(draft.syndrome, Absent) and found[1] == "Oops":
            draft.syndrome = syndrome(int(found[2], 16))
            _of_syndrome(draft)
        draft.fact("die", found[1])
        if "synchronous tag check fault" in found[1]:
            draft.tag_check = FaultKind.SYNCHRONOUS
        return True
    if _END.search(text):
        draft.ended = True
        return True
    if common(draft, text):
        return True
    if found := _TABLE.match(text):
        draft.fact("page table", found[2])
        return True
    if frame := kernel_frame(text):
        if (
            "pc" in draft.seen
            and len(draft.frames) == 1
            and draft.frames[0].function == frame.function
        ):
            return True
        draft.frame(frame)
        return True
    if _INFO.match(text):
        return True
    return registers(draft, text) or text.startswith("Kernel panic")


def _of_syndrome(draft: Draft) -> None:
    found = draft.syndrome
    if not present(found) or not draft.in_kernel:
        return
    draft.tag_check = FaultKind.SYNCHRONOUS if found.tag_check else None


WRITER = Writer(
    NAME, ("unhandled ", "Unable to handle kernel", "Internal error: "), _start, _more, keep=60
)
