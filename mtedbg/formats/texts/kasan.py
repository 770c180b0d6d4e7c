"""KASAN's reports, of tags that hardware checks and of tags that software checks.

Source: Linux, mm/kasan/report.c, report_tags.c, report_hw_tags.c, report_sw_tags.c. A report of
hardware tags has no size ("Write at addr"), one of software tags has ("Write of size 8 at addr");
generic KASAN has no tags at all.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft, Writer
from mtedbg.formats.texts.grammar import registers
from mtedbg.formats.texts.kernel import common, kernel_frame
from mtedbg.formats.texts.lines import Line
from mtedbg.model.absent import present
from mtedbg.model.crash_text import TagRow
from mtedbg.model.fault import FaultKind

NAME = "KASAN"
_BUG = re.compile(r"BUG: KASAN: ([a-z][\w-]{2,40})(?: in (\S{1,256}))?(?: \[(\S{1,64}?)\])?")
_ACCESS = re.compile(
    r"\b(Read|Write|Free)(?: of size (\d{1,12}))?(?: at| of) addr ([0-9a-fA-F]{16}) by task "
    r"(.{1,64}?)(?:/(\d{1,10}))?\s*$"
)
_TAGS = re.compile(r"Pointer tag: \[([0-9a-f]{1,2})\], memory tag: \[([0-9a-f]{1,2})\]")
_ASYNC = re.compile(r"Asynchronous (?:fault|mode)")
_OBJECT = re.compile(r"The buggy address belongs to the object at ([0-9a-f]{16})")
_CACHE = re.compile(r"which belongs to the cache (\S{1,64}) of size (\d{1,9})")
_INSIDE = re.compile(
    r"located (\d{1,12}) bytes (inside of|to the right of|to the left of|after|before)"
)
_REGION = re.compile(
    r"^\s*((?:freed |allocated )?(?:\d{1,9}|of)\S* ?(?:\w+ )?)?(\d{1,9})?-byte region "
    r"\[([0-9a-f]{16}), ([0-9a-f]{16})\)"
)
_ROW = re.compile(r"^\s*(>?)\s?([0-9a-f]{16}): ((?:[0-9a-f]{2} ?){1,32})\s*$")
_STACK = re.compile(r"^\s*(Allocated|Freed) by task (\d{1,10})(?: on cpu .{1,64})?:?\s*$")
_PAGE = re.compile(
    r"buggy address belongs to the (physical page|variable|virtual mapping.{0,64}|stack.{0,64}):?"
)
_END = re.compile(r"^={20,}\s*$|Disabling lock debugging|^\s*Kernel panic")
_GRANULE = 16
_HARDWARE = ("do_tag_check_fault", "mte_check_tfsr", "kasan_report_async")
_SOFTWARE = (
    "__hwasan_",
    "kasan_brk_handler",
    "bug_brk_handler",
    "kasan_handler",
    "kasan_check_range",
)
_OWN = (
    "dump_backtrace", "show_stack", "dump_stack", "print_", "kasan_", "__kasan_", "end_report",
    "__do_kernel_fault", "do_bad_area", "do_tag_check_fault", "do_mem_abort", "el1",
    "do_translation",
    "notify_", "brk_handler", "do_debug_exception", "report_", "__hwasan_", "early_brk64",
    "bug_brk_handler", "call_break_hook", "do_el1_brk",
)  # fmt: skip


def _start(line: Line) -> Draft | None:
    found = _BUG.search(line.text)
    if found is None:
        return None
    draft = Draft.at(line, NAME, rank=70, in_kernel=True, tag_bits=8, joinable=False)
    draft.cause(f"{found[1].replace('-', ' ')}{f' in {found[2]}' if found[2] else ''}")
    draft.fact("module", found[3])
    return draft


def _more(draft: Draft, line: Line) -> bool:
    text = line.text
    if "BUG: KASAN" in text or ("Unable to handle kernel" in text and draft.frames):
        return "Unable to handle kernel" in text and False
    if found := _ACCESS.search(text):
        if present(draft.address):
            return False
        draft.address = int(found[3], 16)
        draft.access = {"Read": "load", "Write": "store"}.get(found[1], "")
        draft.size = int(found[2]) if found[2] else draft.size
        draft.software = bool(found[2])
        draft.process = found[4]
        draft.tid = int(found[5]) if found[5] else draft.tid
        return True
    if found := _TAGS.search(text):
        draft.logical_tag, draft.allocation_tag = int(found[1], 16), int(found[2], 16)
        draft.tag_check = FaultKind.SYNCHRONOUS
        return True
    if _ASYNC.search(text):
        draft.tag_check = FaultKind.ASYNCHRONOUS
        return True
    if _END.search(text):
        draft.ended = present(draft.address) or draft.tag_check is FaultKind.ASYNCHRONOUS
        return True
    return _object(draft, text) or _listing(draft, text)


def _object(draft: Draft, text: str) -> bool:
    if found := _OBJECT.search(text):
        draft.fact("object", f"0x{found[1]}")
    elif found := _CACHE.search(text):
        draft.fact("cache", f"{found[1]}, objects of {found[2]} bytes")
    elif found := _INSIDE.search(text):
        draft.fact("place", f"{found[1]} bytes {found[2]}")
        if "freed" in text:
            draft.fact("freed", "yes")
    elif found := _REGION.match(text):
        freed = "freed " if "freed" in text else "allocated " if "allocated" in text else ""
        size = re.search(r"(\d{1,9})-byte", text)
        words = f"a {freed}{size[1] if size else '?'}-byte region at 0x{found[3]}"
        if place := draft.told("place"):
            draft.causes = draft.causes or [("", [])]
            first, stacks = draft.causes[0]
            draft.causes[0] = (f"{first}, {place} {words}".strip(", "), stacks)
        draft.fact("region", words)
    elif found := _PAGE.search(text):
        draft.fact("belongs", found[1])
    elif found := _STACK.match(text):
        draft.stack(f"{found[1].lower()} by task {found[2]}")
    else:
        return False
    return True


def _listing(draft: Draft, text: str) -> bool:
    if found := _ROW.match(text):
        tags = bytes.fromhex(found[3].replace(" ", ""))
        start = int(found[2], 16)
        here = None
        if found[1] and present(draft.address):
            at = ((draft.address | 0xFF << 56) - start) // _GRANULE
            here = at if 0 <= at < len(tags) else None
        draft.row(TagRow(start, tags, here))
        return True
    if common(draft, text):
        return True
    if text.strip().startswith("Call trace:"):
        draft.section = "trace"
        return True
    if frame := kernel_frame(text):
        name = frame.function
        if any(one in name for one in _HARDWARE):
            draft.fact("checked by", "hardware")
            draft.software = False
        elif any(one in name for one in _SOFTWARE):
            draft.fact("checked by", "software")
            draft.software = draft.told("checked by") == "software"
        if draft.section == "stack" or not name.startswith(_OWN) or draft.frames:
            draft.frame(frame)
        return True
    if registers(draft, text) or not text.strip():
        return True
    return text.strip().startswith(
        ("Hardware name", "Memory state", "page:", "flags:", "raw:", "^")
    )


WRITER = Writer(NAME, ("BUG: KASAN",), _start, _more, keep=60)
