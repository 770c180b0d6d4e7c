"""What a program said when it ended itself: glibc keeps the text of a failed assertion.

Source: glibc 2.36, include/stdlib.h: `__abort_msg` points at struct abort_msg_s {unsigned int size;
char msg[]}, size counting the whole mapping; written by assert(), __libc_message (heap corruption)
and __fortify_fail.
"""

from __future__ import annotations

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.target import Target

SYMBOL = "__abort_msg"
MOST = 4096
"""Bytes of a message that are read."""

_HEADER = 4
_SMALLEST = 64


def abort_message(target: Target) -> str | Absent:
    """The message, in one line; absent where there is none, or libc's symbols are not here."""
    pointer = target.symbol_address(SYMBOL)
    if isinstance(pointer, Absent):
        return pointer
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
            text = data[_HEADER:].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
            return " ".join(text.split()) or Absent(Reason.NOT_APPLICABLE, "it is empty")
        length //= 2
    return Absent(Reason.UNREADABLE, f"the message at {start:#x}")
