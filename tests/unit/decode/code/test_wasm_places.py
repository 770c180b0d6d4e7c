"""wasmtime's map from code to its module, in both of its forms, whole and damaged."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest

from mtedbg.decode.code.wasm_places import position_at
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from tests.support.fake import FakeTarget

AT = 0x10000
ENTRIES = [
    (16 * number, None if number % 5 == 0 else 9 + 7 * (number ^ 1)) for number in range(300)
]
"""Offsets in the code, and positions, which go back and forth."""


def leb(value: int, *, signed: bool = False) -> bytes:
    made = b""
    while True:
        byte, value = value & 0x7F, value >> 7
        done = value == (-1 if byte & 0x40 else 0) if signed else not value
        made += bytes([byte | (0 if done else 0x80)])
        if done:
            return made


def older() -> bytes:
    offsets = [offset for offset, _ in ENTRIES]
    positions = [0xFFFF_FFFF if one is None else one for _, one in ENTRIES]
    return struct.pack(f"<I{2 * len(ENTRIES)}I", len(ENTRIES), *offsets, *positions)


def newer() -> bytes:
    directory, data = b"", b""
    pieces = [ENTRIES[at : at + 128] for at in range(0, len(ENTRIES), 128)]
    for piece in pieces:
        code, position = piece[0][0], 0
        directory += struct.pack("<2I", code, len(data))
        for offset, one in piece:
            data += leb(2 * (offset - code) + (one is None))
            code = offset
            if one is not None:
                data += leb(one - position, signed=True)
                position = one
    return struct.pack("<2I", len(ENTRIES), len(pieces)) + directory + data


def asked(data: bytes, offset: int) -> int | Absent:
    return position_at(Words(FakeTarget(memory={AT: data})), AT, len(data), offset)


@pytest.mark.parametrize("made", [older(), newer()], ids=["older", "newer"])
def test_every_entry_is_found_from_its_first_offset_to_its_last(made: bytes) -> None:
    for offset, position in ENTRIES:
        for within in (offset, offset + 15):
            assert asked(made, within) == (NOT_APPLICABLE if position is None else position)


def test_another_form_is_not_guessed() -> None:
    found = asked(newer()[:4] + struct.pack("<I", 77) + newer()[8:], 40)
    assert isinstance(found, Absent)
    assert found.reason is Reason.UNKNOWN
    assert asked(b"", 0) == NOT_APPLICABLE


@pytest.mark.parametrize("made", [older(), newer()], ids=["older", "newer"])
def test_damage_is_an_answer_or_a_refusal(made: bytes) -> None:
    chance = random.Random(len(made))
    for _ in range(200):
        data = bytearray(made)
        width = chance.choice((1, 2, 4))
        at = chance.randrange(len(data) - width)
        data[at : at + width] = chance.randbytes(width)
        with suppress(HoleError):
            found = asked(bytes(data), chance.randrange(16 * len(ENTRIES)))
            assert isinstance(found, (int, Absent))
