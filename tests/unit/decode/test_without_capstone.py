"""Instructions where capstone cannot be had: a debugger's own Python may lack it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.decode.code import instruction
from mtedbg.model.instruction import MemoryAccess

LDR_X0_X0 = 0xF9400000


@pytest.fixture(params=["raise ImportError", "raise OSError('libcapstone.so: wrong ELF class')"])
def no_capstone(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    (tmp_path / "capstone.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "capstone", raising=False)
    instruction._disassembler.cache_clear()
    yield
    instruction._disassembler.cache_clear()


def test_the_word_stands_for_the_text(no_capstone: None) -> None:
    decoded = instruction.decode_word(LDR_X0_X0, 0x1000)
    assert decoded.text == ".word 0xf9400000"
    assert isinstance(decoded.access, MemoryAccess)
