"""box64's and box86's handler: where the host was, the guest, and the block of translated code.

Source: box64, src/libtools/signals.c (my_box64signalhandler).
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.lines import Line
from mtedbg.model.crash_text import TextFrame

NAME = "box64"
_SIGNAL = re.compile(
    r"(\d{1,10})\|(SIG[A-Z]{2,8}) @(0x[0-9a-fA-F]{1,16}) \((.{0,512}?)\) \((x(?:64|86)pc)"
    r"=(0x[0-9a-fA-F]{1,16}|\(nil\))"
    r"/(.{0,1024}?), [re]sp=(0x[0-9a-fA-F]{1,16}|\(nil\)"
    r")"
)
_ACCESS = re.compile(
    r"for accessing (0x[0-9a-fA-F]{1,16}|\(nil\)) \(code=(-?\d{1,9})(?:/prot=([0-9a-fA-F]{1,8}))?\)"
)
_BLOCK = re.compile(
    r"\bdb=(0x[0-9a-fA-F]{1,16}|\(nil\))(?:\((0x[0-9a-fA-F]{1,16}):(0x[0-9a-fA-F]{1,16})/(0x[0-9a-fA-F]{1,16}):(0x[0-9a-fA-F]{1,16})/(.{0,512}?):(\w{1,16}))?"
)
_GUEST = re.compile(r"\b(R(?:[A-D]X|[SD]I|[SB]P|\d{1,2})|R?[ES]FLAGS):\s?(0x[0-9a-fA-F]{1,16})")
_NATIVE = re.compile(r"(?<![\w])(x\d{1,2}|sp|pc|lr)\s?[:=]\s?(0x[0-9a-fA-F]{8,16})")


def _start(line: Line) -> Draft | None:
    found = _SIGNAL.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=52)
    draft.tid = int(found[1])
    draft.raised(None, found[2])
    pc = int(found[3], 16)
    draft.register("pc", pc)
    name = found[4].split("(")[0]
    draft.frame(TextFrame("" if name.startswith("???") else name, pc=pc))
    place = found[7].strip('"/ ')
    draft.fact("guest pc", f"{found[6]} {place}".strip())
    if access := _ACCESS.search(line.text):
        draft.at_address("0" if access[1] == "(nil)" else access[1])
        draft.coded(access[2])
        if access[3]:
            draft.fact("protection", f"0x{access[3]}, as box64 keeps it")
    if (block := _BLOCK.search(line.text)) and block[2]:
        draft.fact(
            "code block", f"{block[2]}:{block[3]} of the guest's {block[4]}:{block[5]}, {block[7]}"
        )
        if int(block[2], 16) <= pc < int(block[3], 16):
            draft.fact("in", "translated code")
    return draft


def _more(draft: Draft, line: Line) -> bool:
    if _SIGNAL.search(line.text):
        return False
    rows = _GUEST.findall(line.text)
    for name, value in rows:
        draft.fact(f"guest {name.lower()}", value)
    native = _NATIVE.findall(line.text)
    for name, value in native:
        draft.register({"lr": "x30"}.get(name, name), int(value, 16))
    return bool(rows or native or "NativeBT:" in line.text or "EmulatedBT:" in line.text)


WRITER = Writer(NAME, ("|SIG",), _start, _more, keep=40)
