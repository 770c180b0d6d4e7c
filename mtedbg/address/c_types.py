"""C's integer types on AArch64 Linux.

Source: Arm's "Procedure Call Standard for the Arm 64-bit Architecture" (AAPCS64), "Arm C and C++
language mappings": LP64, and a plain char is unsigned; ISO C 6.7.2 for the words.
"""

from __future__ import annotations

from collections.abc import Sequence

_NAMED = {
    "size_t": (8, False),
    "uintptr_t": (8, False),
    "ssize_t": (8, True),
    "ptrdiff_t": (8, True),
    "intptr_t": (8, True),
    **{f"uint{8 * size}_t": (size, False) for size in (1, 2, 4, 8)},
    **{f"int{8 * size}_t": (size, True) for size in (1, 2, 4, 8)},
}
_WORDS = frozenset(("char", "short", "int", "long", "signed", "unsigned"))


def integer(words: Sequence[str]) -> tuple[int, bool] | None:
    """Bytes of the integer type called so, and whether it is signed; None where it is none.

    Args:
        words: as they are written, in any order: `unsigned`, `long`.
    """
    if len(words) == 1 and words[0] in _NAMED:
        return _NAMED[words[0]]
    if not words or not _WORDS.issuperset(words):
        return None
    longs, rest = words.count("long"), set(words) - {"long"}
    signs, lengths = rest & {"signed", "unsigned"}, rest & {"char", "short"}
    repeated = len(words) != longs + len(rest)
    if repeated or longs > 2 or len(signs) > 1 or len(lengths) + bool(longs) > 1:
        return None
    if "char" in rest:
        return None if "int" in rest else (1, "signed" in signs)
    return 8 if longs else 2 if "short" in rest else 4, "unsigned" not in signs
