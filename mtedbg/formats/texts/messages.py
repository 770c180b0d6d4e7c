"""Last words of a process: what allocators and C libraries say before they abort.

Sources: LLVM's compiler-rt/lib/scudo/standalone/report.cpp; hardened_malloc's h_malloc.c and
util.c; bionic's heap_tagging and libc/bionic/malloc_tagged_pointers.h; glibc's malloc.c.
"""

from __future__ import annotations

import re

from mtedbg.formats.texts.draft import Draft

SCUDO = re.compile(r"Scudo (ERROR|WARNING): (.{1,512}?)'?\s*$")
HARDENED = re.compile(r"fatal allocator error: ([a-z][\w ()/,-]{2,80}?)\s*'?\s*$")
TRUNCATED = re.compile(r"Pointer tag for (0x[0-9a-fA-F]{1,16}) was truncated")
GLIBC = re.compile(
    r"(?:free|malloc|realloc|calloc|munmap_chunk|malloc_consolidate|corrupted size vs\. prev_size)"
    r"(?:\(\)|): [a-z][\w ()/,.<>=_-]{3,80}|corrupted (?:double-linked list|size vs\. prev_size)"
    r"|double free or corruption \(\w+\)|\*\*\* stack smashing detected \*\*\*"
)
_ADDRESS = re.compile(r"address (0x[0-9a-fA-F]{1,16})")


def last_words(draft: Draft, text: str) -> bool:
    """Whether `text` has an allocator's words; takes what they say."""
    if found := SCUDO.search(text):
        draft.fact("allocator", "Scudo")
        draft.cause(f"Scudo: {found[2]}")
        if address := _ADDRESS.search(found[2]):
            draft.fact("object", address[1])
        return True
    if found := HARDENED.search(text):
        draft.fact("allocator", "hardened_malloc")
        draft.cause(f"hardened_malloc: {found[1]}")
        return True
    if found := TRUNCATED.search(text):
        draft.fact("allocator", "bionic")
        draft.fact("object", found[1])
        draft.fact("truncated", found[1])
        draft.cause(
            f"free() of {found[1]}, a pointer whose tag was cut off: boxed, compressed, or kept in "
            "fewer bits"
        )
        return True
    return False
