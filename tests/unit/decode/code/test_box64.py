"""Memory that was made to look like many of box64's blocks, none of which fits."""

from __future__ import annotations

import struct

import pytest

from mtedbg.decode.jits import box64
from mtedbg.decode.jits.box64 import MOST_UNFIT, MOST_UNFIT_LISTED, Blocks
from mtedbg.model.absent import Absent, Reason

CODE, RECORDS, COUNT = 0x7000_0000, 0x7800_0000, MOST_UNFIT_LISTED + 1
RECORD = 0x80


def blocks() -> tuple[Blocks, list[int]]:
    """Each word of code points to a record that points back and has nothing else."""
    code = b"".join(struct.pack("<Q", RECORDS + number * RECORD) for number in range(COUNT))
    headers: list[int] = []

    def read(address: int, length: int) -> bytes:
        if address < RECORDS:
            return code[address - CODE : address - CODE + length]
        at = CODE + (address - RECORDS) // RECORD * 8
        headers.extend([at] * (length == RECORD))
        return struct.pack("<2Q", at + 8, at).ljust(length, b"\0")[:length]

    return Blocks(read, [(CODE, CODE + 8 * COUNT)]), headers


def test_some_before_a_pc_are_enough() -> None:
    made, headers = blocks()
    found = made.at(CODE + 8 * COUNT - 4)
    assert isinstance(found, Absent)
    assert found.reason is Reason.UNKNOWN_VERSION
    assert len(headers) == MOST_UNFIT


def test_a_list_ends_and_says_so() -> None:
    made, headers = blocks()
    assert len(list(made.all())) == len(headers) == MOST_UNFIT_LISTED
    assert made.is_cut


def test_a_list_of_a_part_of_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box64, "MOST_BYTES", 8 * 10)
    made, headers = blocks()
    assert len(list(made.all())) == len(headers) == 10
    assert made.is_cut
