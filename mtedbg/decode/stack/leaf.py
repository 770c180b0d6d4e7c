"""Functions without a frame: all through them x30 is the return address, and sp the caller's.

By the words of the whole function: none of them may write x30 or sp. A word that might, by the
place of its registers, counts as one that does; so does whatever begins with a frame record.

Source: Arm ARM (DDI 0487) C4.1, the places of Rd, Rt, Rt2 and Rn.
"""

from __future__ import annotations

from collections.abc import Iterable

from mtedbg.decode.stack.return_address import is_call

LONGEST = 1 << 16
"""Bytes of a function that are looked at."""
_LINK, _STACK = 30, 31
_PAIR, _PAIR_VALUE = 0x3A000000, 0x28000000
_BRANCH = (
    (0x7C000000, 0x14000000),  # B, BL
    (0xFF000000, 0x54000000),  # B.cond
    (0xFFFFFC1F, 0xD61F0000),  # BR
    (0xFFFFFC1F, 0xD65F0000),  # RET
)
_INDEXED = (0x3B200000, 0x38000000)
"""Loads and stores of one register that may write their base."""


def is_leaf(words: Iterable[int]) -> bool:
    """Whether a function, by all of its instructions, leaves x30 and sp as they are."""
    return not any(map(_may_change, words))


def _may_change(word: int) -> bool:
    if is_call(word):
        return True
    if any(word & mask == value for mask, value in _BRANCH):
        return False
    target, base = word & 31, word >> 5 & 31
    if target == _LINK:
        return True
    if word & _PAIR == _PAIR_VALUE:  # of a pair, the second register; and sp as a base
        return word >> 10 & 31 == _LINK or base == _STACK
    if word & _INDEXED[0] == _INDEXED[1]:
        return base == _STACK
    # ADD and SUB with sp as the target; the other forms with 31 there write nothing.
    return target == _STACK and word & 0x1F000000 in (0x11000000, 0x0B000000) and not word >> 29 & 1
