"""What a program said when it ended itself: the C library and allocators keep the text.

Source: glibc 2.36, include/stdlib.h: `__abort_msg` points at struct abort_msg_s {unsigned int size;
char msg[]}, size counting the whole mapping; written by assert(), __libc_message (heap corruption)
and __fortify_fail. LLVM, compiler-rt/lib/scudo/standalone/report.cpp: the message is built on the
stack, after "Scudo ERROR: ". hardened_malloc, util.c: fatal_error() has a pointer to a constant.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip

if TYPE_CHECKING:
    from mtedbg.target import Target

SYMBOL = "__abort_msg"
MOST = 4096
"""Bytes of a message that are read."""

STACK = 1 << 14
"""Bytes of the stack in which an allocator's message is looked for."""

_HEADER = 4
_SMALLEST = 64
_PAGE, _MOST_DATA = 4096, 1 << 17
_LIBC = re.compile(r"/libc[.-][^/]*$")
_SCUDO = b"Scudo ERROR: "
_CONSTANTS = (
    "double free",
    "invalid free",
    "invalid unaligned free",
    "invalid unaligned malloc_usable_size",
    "detected write after free",
    "canary corrupted",
    "sized deallocation mismatch",
    "invalid realloc",
    "invalid uninitialized",
    "invalid malloc_usable_size",
    "invalid malloc_object_size",
)
"""How hardened_malloc's messages begin."""
_SLOTS = 256
_LONGEST_CONSTANT = 96


def abort_message(target: Target, sp: int = 0) -> str | Absent:
    """The message, in one line; absent where there is none, or it cannot be found.

    Args:
        target: whose.
        sp: stack pointer of the thread that ended the process, without tag; 0 where not known.
    """
    stack = _stack(target, sp) if sp else b""
    if found := _scudos(stack) or _constant(target, stack):
        return found
    pointer = target.symbol_address(SYMBOL)
    if isinstance(pointer, Absent):
        return _unnamed(target) or pointer
    word = target.read_memory(pointer, 8)
    if isinstance(word, Absent):
        return word
    start = strip(int.from_bytes(word, "little"))
    if not start:
        return Absent(Reason.NOT_APPLICABLE, "the C library recorded none")
    length = MOST
    while length >= _SMALLEST:
        data = target.read_memory(start, length)
        if not isinstance(data, Absent):
            text = _in_one_line(data[_HEADER:].split(b"\0", 1)[0])
            return text or Absent(Reason.NOT_APPLICABLE, "it is empty")
        length //= 2
    return Absent(Reason.UNREADABLE, f"the message at {start:#x}")


def _unnamed(target: Target) -> str:
    """The message that a C library without symbols has kept; empty where it has none.

    One of its variables points at the mapping of the message, and that begins with its own size.
    """
    regions = target.regions()
    known = () if isinstance(regions, Absent) else regions
    anonymous = [one for one in known if not one.name and one.dumped and one.perms[:2] == "rw"]
    for number, region in enumerate(known):
        if "w" not in region.perms or not _LIBC.search(region.name):
            continue
        after = known[number + 1] if number + 1 < len(known) else region
        places = [region, *([after] if after.start == region.end and not after.name else [])]
        for place in places:
            data = target.read_memory(place.start, min(place.end - place.start, _MOST_DATA))
            words = struct.iter_unpack("<Q", data) if isinstance(data, bytes) else iter(())
            pages = {word for (word,) in words if word and word % _PAGE == 0}
            for page in sorted(pages):
                there = any(one.start <= page < one.end for one in anonymous)
                if there and (text := _kept_at(target, page)):
                    return text
    return ""


def _kept_at(target: Target, start: int) -> str:
    data = target.read_memory(start, _SMALLEST * 4)
    if isinstance(data, Absent):
        return ""
    size = int.from_bytes(data[:_HEADER], "little")
    text, end, _ = data[_HEADER:].partition(b"\n\0")
    is_message = bool(end) and text.isascii() and text.decode().isprintable() and bool(text)
    return _in_one_line(text) if is_message and size % _PAGE == 0 and 0 < size < 1 << 20 else ""


def _stack(target: Target, sp: int) -> bytes:
    length = STACK
    while length >= _SMALLEST:
        data = target.read_memory(sp & ~7, length)
        if not isinstance(data, Absent):
            return data
        length //= 2
    return b""


def _scudos(stack: bytes) -> str:
    """Scudo's message on the stack; empty where there is none."""
    at = stack.find(_SCUDO)
    text = b"" if at < 0 else stack[at : at + MOST].split(b"\0", 1)[0].split(b"\n", 1)[0]
    return _in_one_line(text) if len(text) > len(_SCUDO) else ""


def _constant(target: Target, stack: bytes) -> str:
    """A message of hardened_malloc's that a slot of the stack points to; empty where none does."""
    regions = target.regions()
    if isinstance(regions, Absent):
        return ""
    constants = [one for one in regions if "hardened_malloc" in one.name and "w" not in one.perms]
    if not constants:
        return ""
    for (value,) in struct.iter_unpack("<Q", stack[: _SLOTS * 8]):
        if any(one.start <= value < one.end for one in constants):
            data = target.read_memory(value, _LONGEST_CONSTANT)
            text = b"" if isinstance(data, Absent) else data.split(b"\0", 1)[0]
            line = _in_one_line(text)
            if line.startswith(_CONSTANTS):
                return f"fatal allocator error: {line}"
    return ""


def _in_one_line(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "backslashreplace").split())
