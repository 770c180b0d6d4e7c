"""Capstone's library, called directly, against its package; and where neither can be had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import capstone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.decode.code import disassembler
from mtedbg.decode.code.disassembler import Disassembler, Line, Machine
from mtedbg.decode.code.guest_instruction import can_decode
from mtedbg.decode.code.instruction import decode_word, text_of
from mtedbg.model.instruction import MemoryAccess

LDR_X0_X0 = 0xF9400000
ADDRESS = 0x7FFF_FFFF_F000


def direct(machine: Machine) -> Disassembler:
    found = disassembler._by_library(machine)
    assert found is not None
    return found


@pytest.mark.parametrize("machine", Machine)
@given(code=st.binary(max_size=64))
def test_the_library_says_what_the_package_says(machine: Machine, code: bytes) -> None:
    package = disassembler._by_package(machine)
    assert [*direct(machine)(code, ADDRESS)] == [*package(code, ADDRESS)]


def test_instructions() -> None:
    code = bytes.fromhex("000040f9c0035fd6")
    assert [*direct(Machine.AARCH64)(code, 0x1000)] == [
        Line(0x1000, 4, "ldr", "x0, [x0]"),
        Line(0x1004, 4, "ret", ""),
    ]
    assert [one.text for one in direct(Machine.X86_64)(b"\x48\x8b\x07\xc3\x06", 0)] == [
        "mov rax, qword ptr [rdi]",
        "ret",
    ]


def test_the_package_is_not_imported_for_text(monkeypatch: pytest.MonkeyPatch) -> None:
    disassembler.disassembler.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "capstone"]:
        monkeypatch.delitem(sys.modules, name)
    assert text_of(LDR_X0_X0, 0) == "ldr x0, [x0]"
    assert "capstone" not in sys.modules


def test_another_version_is_asked_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disassembler, "_VERSION", 6)
    disassembler._library.cache_clear()
    try:
        assert disassembler._library() is None
        assert disassembler._by_library(Machine.AARCH64) is None
    finally:
        disassembler._library.cache_clear()
    assert capstone.cs_version()[0] == 5


@pytest.fixture(params=["raise ImportError", "raise OSError('libcapstone.so: wrong ELF class')"])
def no_capstone(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    (tmp_path / "capstone.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "capstone", raising=False)
    caches = (disassembler.disassembler, disassembler._library)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_the_word_stands_for_the_text(no_capstone: None) -> None:
    decoded = decode_word(LDR_X0_X0, 0x1000)
    assert decoded.text == ".word 0xf9400000"
    assert isinstance(decoded.access, MemoryAccess)
    assert not can_decode()
