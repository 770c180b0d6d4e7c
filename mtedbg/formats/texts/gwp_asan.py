"""GWP-ASan outside of tombstones: LLVM's own report on standard error.

Source: LLVM, compiler-rt/lib/gwp_asan/optional/segv_handler_posix.cpp.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import with_offset
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

NAME = "GWP-ASan"
_BEGIN = re.compile(r"GWP-ASan detected a memory error")
_ERROR = re.compile(
    r"^\s*([A-Z][\w ]{2,32}?) at (0x[0-9a-fA-F]{1,16}) \((.{1,128}?)\) by thread (\S{1,20}) here:"
)
_STACK = re.compile(r"^\s*0x[0-9a-fA-F]{1,16} was (de)?allocated by thread (\S{1,20}) here:")
_FRAME = re.compile(
    r"^\s*#(\d{1,3}) (\S.{0,512}?)\((\S{0,512}?)\+(0x[0-9a-f]{1,16})\)(?: \[(0x[0-9a-f]{1,"
    r"16})\])?\s*$"
)


def _start(line: Line) -> Draft | None:
    if not _BEGIN.search(line.text):
        return None
    draft = Draft.at(line, NAME, rank=60, tag_check=None)
    if line.pid is not None:
        draft.pid = line.pid
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if _BEGIN.search(text):
        return False
    if "End GWP-ASan report" in text:
        draft.ended = True
        return True
    if found := _ERROR.match(text):
        draft.at_address(found[2])
        draft.cause(f"[GWP-ASan]: {found[1]}, {found[3]}")
        draft.thread = found[4]
        return True
    if found := _STACK.match(text):
        draft.stack(f"{'freed' if found[1] else 'allocated'} by thread {found[2]}")
        return True
    if found := _FRAME.match(text):
        name, offset = with_offset(f"{found[3]}+{found[4]}")
        pc = int(found[5], 16) if found[5] else None
        frame = (
            TextFrame(name, offset, found[2])
            if found[3]
            else TextFrame(file=found[2], file_offset=int(found[4], 16))
        )
        draft.frame(
            frame
            if pc is None
            else TextFrame(frame.function, frame.function_offset, frame.file, frame.file_offset, pc)
        )
        return True
    return False


WRITER = Writer(NAME, ("GWP-ASan detected",), _start, _more, keep=40)
