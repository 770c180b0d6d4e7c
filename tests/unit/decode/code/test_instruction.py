"""The instruction at an address."""

from __future__ import annotations

import pytest

from mtedbg.decode.code.instruction import decode_word, instruction_at, is_undefined
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.instruction import AccessKind, Instruction, MemoryAccess
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget


def test_text_and_access():
    (word,) = assemble(["str x1, [x16]"])
    target = FakeTarget(memory={0x1000: b"\0\0\0\0" + word.to_bytes(4, "little")})
    found = instruction_at(target, 0x1004)
    assert isinstance(found, Instruction)
    assert (found.address, found.word, found.text) == (0x1004, word, "str x1, [x16]")
    assert isinstance(found.access, MemoryAccess)
    assert found.access.kind is AccessKind.STORE


def test_branch_targets_are_addresses():
    assert decode_word(0x14000004, 0x1000).text == "b #0x1010"


def test_what_no_assembler_writes_is_a_word():
    assert decode_word(0xFFFFFFFF, 0).text == ".word 0xffffffff"


@pytest.mark.parametrize(
    ("word", "undefined"),
    [(0, True), (0xFFFF, True), (0xFFFFFFFF, True), (0x14000004, False), (0xD4200000, False)],
)
def test_undefined_instructions(word, undefined):
    assert is_undefined(word) is undefined


def test_unreadable_code():
    assert instruction_at(FakeTarget(), 0x1000) == Absent(Reason.UNMAPPED)
