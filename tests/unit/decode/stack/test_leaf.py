"""Functions without a frame, by words of GNU as."""

from __future__ import annotations

import pytest

from mtedbg.decode.stack.leaf import is_leaf

LOAD, RETURN = 0xF9400000, 0xD65F03C0  # ldr x0, [x0]; ret


@pytest.mark.parametrize(
    "word",
    [
        0xEB01001F,  # cmp x0, x1
        0xF100041F,  # cmp x0, #1
        0xB4000040,  # cbz x0, .+8
        0x54000041,  # b.ne .+8
        0x17FFFFFE,  # b .-8
        0xF90003E0,  # str x0, [sp]
        0xA9400440,  # ldp x0, x1, [x2]
        0xD503201F,  # nop
        0xD61F0200,  # br x16
    ],
    ids=hex,
)
def test_what_keeps_the_return_address(word: int) -> None:
    assert is_leaf([LOAD, word, RETURN])


@pytest.mark.parametrize(
    "word",
    [
        0xA9BF7BFD,  # stp x29, x30, [sp, #-16]!
        0xA8C17BFD,  # ldp x29, x30, [sp], #16
        0x94000001,  # bl .+4
        0xD63F0200,  # blr x16
        0xD10043FF,  # sub sp, sp, #16
        0x8B2063FF,  # add sp, sp, x0
        0x9100001F,  # mov sp, x0
        0xF81F0FE0,  # str x0, [sp, #-16]!
        0xF84107E0,  # ldr x0, [sp], #16
        0xF81F0FFE,  # str x30, [sp, #-16]!
        0xA9007801,  # stp x1, x30, [x0]
        0xAA0003FE,  # mov x30, x0
        0xF940001E,  # ldr x30, [x0]
    ],
    ids=hex,
)
def test_what_may_not(word: int) -> None:
    assert not is_leaf([LOAD, word, RETURN])
