"""HWAddressSanitizer: tags in the top byte that compiled code checks.

Source: LLVM, compiler-rt/lib/hwasan/hwasan_report.cpp.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import android_frame, registers, tag_row, with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import NOT_IN_TEXT, TextFrame
from mtedbg.model.fault import FaultKind

NAME = "HWASan"
_ERROR = re.compile(
    r"(?:==(\d{1,10})==)?\s?ERROR: HWAddressSanitizer: ([\w-]{3,40})(?: on (?:unknown )?address"
    r" (0x[0-9a-fA-F]{1,16})(?: at pc (0x[0-9a-fA-F]{1,16}))?(?: on thread (\S{1,12}))?"
    r"|; heap object \[(0x[0-9a-fA-F]{1,16}),(0x[0-9a-fA-F]{1,16})\) of size (\d{1,12}))?"
)
_ACCESS = re.compile(
    r"^\s*(READ|WRITE) of size (\d{1,12}) at (0x[0-9a-fA-F]{1,16})"
    r"(?: tags: ([0-9a-f]{1,2})/([0-9a-f]{1,2})(?:\(([0-9a-f]{1,2})\))? \(ptr/mem\))?(?: in "
    r"thread (\S{1,12}))?"
)
_TAGS = re.compile(r"^\s*tags: ([0-9a-f]{1,2})/([0-9a-f]{1,2})(?:\(([0-9a-f]{1,2})\))? \(ptr/mem\)")
_FRAME = re.compile(
    r"^\s*#(\d{1,3}) (0x[0-9a-fA-F]{1,16})\s{1,4}(?:in (\S.{0,1000}?) )?"
    r"(?:\((\S.{0,512}?)\+(0x[0-9a-fA-F]{1,16})\)|(\S{1,512}?:\d{1,9}(?::\d{1,6})?))"
    r"(?: \(BuildId: ([0-9a-f]{1,64})\))?\s*$"
)
_NAMED = re.compile(r"^\s*#(\d{1,3}) (0x[0-9a-fA-F]{1,16}) in (\S.{0,1000}?)\s*$")
_CAUSE = re.compile(r"^\s*Cause: (\S.{0,256})$")
_LOCATED = re.compile(r"is located (\d{1,12} bytes .{1,256}|in stack of thread \S+)")
_CHUNK = re.compile(r"is an? (\S+ \S+ heap chunk); size: (\d{1,12}) offset: (\d{1,12})")
_STACK = re.compile(
    r"^\s*(?:previously )?(allocated|freed|deallocated) (?:by thread (\S{1,12}) )?here:"
)
_END = re.compile(r"^\s*SUMMARY: HWAddressSanitizer")


def _start(line: Line) -> Draft | None:
    found = _ERROR.search(line.text)
    if found is None or "SUMMARY" in line.text:
        return None
    draft = Draft.at(line, NAME, rank=65, tag_bits=8, software=True)
    draft.tag_check = FaultKind.SYNCHRONOUS if found[2] == "tag-mismatch" else None
    draft.pid = int(found[1]) if found[1] else (line.pid if line.pid is not None else draft.pid)
    draft.fact("bug", found[2])
    draft.at_address(found[3] or found[6] or "")
    if found[4]:
        draft.register("pc", int(found[4], 16))
    if found[6]:
        draft.cause(f"{found[2]}: beyond the {found[8]} bytes at {found[6]}")
    draft.thread = found[5] or ""
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "ERROR: HWAddressSanitizer" in text or ("signal " in text and " (SIG" in text):
        return False
    if found := _ACCESS.match(text):
        draft.access = "load" if found[1] == "READ" else "store"
        draft.size = int(found[2])
        draft.at_address(found[3])
        _tags(draft, found[4], found[5], found[6])
        draft.thread = found[7] or draft.thread
        return True
    if found := _TAGS.match(text):
        _tags(draft, found[1], found[2], found[3])
        return True
    if _END.match(text):
        draft.ended = True
        return True
    if text.strip().startswith("Tags for short granules"):
        draft.section = "short"
        return True
    return _described(draft, text) or _listing(draft, text)


def _tags(draft: Draft, pointer: str | None, memory: str | None, short: str | None) -> None:
    if pointer and memory:
        draft.logical_tag, draft.allocation_tag = int(pointer, 16), int(memory, 16)
        if short:
            draft.fact("short granule", f"{int(memory, 16)} bytes of it are used, tag {short}")


def _described(draft: Draft, text: str) -> bool:
    if found := _CAUSE.match(text):
        draft.cause(found[1])
        draft.section = ""
    elif found := _STACK.match(text):
        done = "allocated" if found[1] == "allocated" else "freed"
        draft.stack(f"{done} by thread {found[2] or '?'}")
    elif found := _LOCATED.search(text):
        if draft.causes:
            words, stacks = draft.causes[-1]
            draft.causes[-1] = (f"{words}: {found[1]}", stacks)
        else:
            draft.cause(found[1])
    elif found := _CHUNK.search(text):
        draft.fact("chunk", f"{found[1]} of {found[2]} bytes, {found[3]} bytes into it")
    else:
        return False
    return True


def _listing(draft: Draft, text: str) -> bool:
    if found := _FRAME.match(text):
        function, offset = with_offset(found[3]) if found[3] else ("", NOT_IN_TEXT)
        draft.frame(
            TextFrame(
                function, offset, found[4] or "", int(found[5], 16) if found[5] else NOT_IN_TEXT,
                int(found[2], 16), found[7] or "", found[6] or "",
            )
        )  # fmt: skip
        return True
    if found := _NAMED.match(text):
        draft.frame(TextFrame(found[3], pc=int(found[2], 16)))
        return True
    if frame := android_frame(text):
        draft.frame(frame)
        return True
    if row := tag_row(text):
        if draft.section != "short":
            draft.row(row)
        return True
    if text.lstrip().startswith("Memory tags around"):
        draft.section = "tags"
        return True
    if present(draft.address) and registers(draft, text):
        return True
    return text.lstrip().startswith(
        ("Thread: T", "Registers where", "Invalid access", "Address 0x")
    )


WRITER = Writer(NAME, ("ERROR: HWAddressSanitizer",), _start, _more, keep=120)
