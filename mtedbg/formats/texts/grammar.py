"""Pieces that several writers share: registers, frames, tag maps."""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft
from mtedbg.model.absent import Absent
from mtedbg.model.crash_text import NOT_IN_TEXT, TagRow, TextFrame

FATAL = frozenset(
    ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGSTKFLT")
)
FATAL_NUMBERS = frozenset((4, 5, 6, 7, 8, 11, 16, 31))
SIGNAL_WORDS = {
    "Segmentation fault": "SIGSEGV",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Aborted": "SIGABRT",
    "Floating point exception": "SIGFPE",
}
"""Signals as strsignal(3) calls them."""
HEX = r"(?:0x)?[0-9a-fA-F]{1,16}"

_REGISTER = re.compile(
    r"(?<![\w/])(x\d{1,2}|fp|lr|sp|pc|pst|pstate|cpsr|esr|far)\s{0,3}[:= ]\s{0,3}"
    r"(?:0x)?([0-9a-fA-F]{8,16})(?![0-9a-zA-Z'])",
    re.IGNORECASE,
)
_BROKEN_FRAME = re.compile(r"#\d{1,3} {1,2}pc ")
_NAMES = {"lr": "x30", "fp": "x29", "pst": "pstate", "cpsr": "pstate"}
_ANDROID_FRAME = re.compile(r"#(\d{1,3})\s{1,8}pc\s{1,8}(?:0x)?([0-9a-fA-F]{1,16})(?:\s|$)")
_BUILD_ID = re.compile(r"\(BuildId: ([0-9a-fA-F]{1,64})\)$")
_MAP_OFFSET = re.compile(r"^\(offset 0x[0-9a-fA-F]{1,16}\)")
_PLUS = re.compile(r"^(.{1,1000}?)\+(0x[0-9a-fA-F]{1,16}|\d{1,12})$")
_TAG_ROW = re.compile(r"^\s{0,8}(?:=>)?\s{0,3}(0x[0-9a-fA-F]{1,16}):")
_TAG = re.compile(r"(\[?)([0-9a-f]{1,2}|\.{1,2})\]?")
_MOST_TAGS = 64
_HANDLERS = ("ignalHandler(", "handle_fatal_signal", "rb_vm_bugreport", "rb_bug_for_fatal_signal")
_TRAMPOLINES = ("__kernel_rt_sigreturn", "__restore_rt", "(unknown)", "<unknown>", "_sigtramp")


def is_handlers(draft: Draft, name: str, file: str = "") -> bool:
    """Whether a frame is a crash handler's own, or the kernel's behind it.

    What came before such a frame is the handler's too, and is forgotten.

    Args:
        draft: the crash.
        name: of the frame's function, as written.
        file: that the frame is in, where it has one.
    """
    if any(handler in name for handler in _HANDLERS):
        draft.frames.clear()
        draft.section = "handler"
        return True
    if draft.section != "handler":
        return False
    draft.section = "frames"
    return not name or name.startswith(_TRAMPOLINES) or "vdso" in file


def registers(draft: Draft, text: str) -> bool:
    """Takes the registers of a row; whether there were any."""
    found = False
    if _BROKEN_FRAME.search(text):
        return found
    for match in _REGISTER.finditer(text):
        name = match[1].lower()
        draft.register(_NAMES.get(name, name), int(match[2], 16))
        found = True
    return found


def android_frame(text: str) -> TextFrame | None:
    """`#00 pc 000000000003e320  /path (function+36) (BuildId: …)`."""
    at = text.find("#")
    match = _ANDROID_FRAME.match(text, at) if at >= 0 else None
    if match is None:
        return None
    rest = text[match.end() :].strip()
    build = _BUILD_ID.search(rest[-80:])
    if build is not None:
        rest = rest[: rest.rfind("(BuildId: ")].rstrip()
    file, rest = _file(rest)
    function, offset = with_offset(rest[1:-1] if rest.endswith(")") else rest[1:])
    return TextFrame(
        function, offset, file, int(match[2], 16),
        build_id="" if build is None else build[1].lower(),
    )  # fmt: skip


def _file(rest: str) -> tuple[str, str]:
    """The file, and what stands in parentheses behind it."""
    at = rest.find(" (") if not rest.startswith("(") else -1
    file, rest = (rest, "") if at < 0 and not rest.startswith("(") else (rest[: max(at, 0)], rest)
    rest = rest[at + 1 :] if at >= 0 else rest
    if found := _MAP_OFFSET.match(rest):
        rest = rest[found.end() :].lstrip()
    return file.strip(), rest


def with_offset(text: str) -> tuple[str, int | Absent]:
    """Name and offset, which may not be there, of `name+36` or `name+0x24`."""
    match = _PLUS.match(text.strip())
    if match is None:
        return text.strip(), NOT_IN_TEXT
    return match[1], int(match[2], 16) if match[2].startswith("0x") else int(match[2])


def tag_row(text: str) -> TagRow | None:
    """A row of a tag map: `=>0x76a2d3e700: 0  0 [4] 4`; granules without a tag end it."""
    match = _TAG_ROW.match(text)
    words = text[match.end() :].replace("[ ", "[").replace(" ]", "]") if match else ""
    found = [_TAG.fullmatch(word) for word in words.replace("[", " [").split()[: _MOST_TAGS + 1]]
    if match is None or not 0 < len(found) <= _MOST_TAGS or not all(found):
        return None
    start, tags, here = int(match[1], 16), bytearray(), None
    for one in found:
        assert one is not None
        if one[2].startswith("."):
            if tags:
                break
            start += 16
            continue
        if one[1]:
            here = len(tags)
        tags.append(int(one[2], 16))
    return TagRow(start, bytes(tags), here) if tags else None
