"""Pointer arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.model.pointer import GRANULE, granule_span, logical_tag, strip, with_tag

pointers = st.integers(0, (1 << 64) - 1)


@given(st.integers(0, 1 << 56), st.integers(1, 1 << 12))
def test_granules_of_an_access_are_those_of_its_bytes(address, length):
    start, end = granule_span(address, length)
    touched = {(address + offset) // GRANULE for offset in range(length)}
    assert set(range(start // GRANULE, end // GRANULE)) == touched


@given(pointers, st.integers(0, 15))
def test_a_tag_is_put_in_and_found_again(pointer, tag):
    assert logical_tag(with_tag(pointer, tag)) == tag
    assert strip(with_tag(pointer, tag)) == strip(pointer)


@given(pointers)
def test_a_stripped_pointer_stays_stripped(pointer):
    mask = 0x7F_0000_0000_0000
    assert strip(strip(pointer, mask), mask) == strip(pointer, mask)


def test_user_and_kernel_halves():
    assert strip(0x0B34_FFFF_1234_5678, 0x7F << 48) == 0xFFFF_1234_5678
    assert strip(0xF0FF_8000_1234_5678) == 0xFFFF_8000_1234_5678
