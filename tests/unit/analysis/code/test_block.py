"""Who is asked which code holds a PC, and who is believed."""

from __future__ import annotations

import pytest

from mtedbg.analysis.code import block
from mtedbg.analysis.code.block import code_at
from mtedbg.dataclass import replace
from mtedbg.decode.code.jit_interface import SYMBOL
from mtedbg.errors import LayoutError, NoRuntimeError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace, HeldBlock, HeldRange
from mtedbg.model.foreign_code import CodeSource
from mtedbg.session import Session
from tests.support.elf_object import DESCRIPTOR, ObjectFile, interface
from tests.support.fake import FakeTarget
from tests.support.runtime_image import Image, image

CODE = 0x7F0000001000
HELD = HeldBlock(1, "ELF object", CODE, CODE + 0x100, noun="object")


def with_interface(made: Image) -> Session:
    target = made.target()
    target.memory |= interface([ObjectFile(CODE, symbols={"f": (0, 8)}).build()])
    target.symbols[SYMBOL] = DESCRIPTOR
    return Session(target)


def test_a_place_in_the_code_map() -> None:
    here = image()
    start = here.places["baseline"]
    found = code_at(here.session(), start + 0x14)
    assert (found.source, found.outcome) == (CodeSource.DEBUG_ROOT, Outcome.RANGE)
    assert present(found.block)
    assert (found.block.number, found.block.tier, found.block.start) == (2, "Baseline", start)
    assert present(found.range)
    assert (found.range.kind, found.range.start, found.range.symbol) == (
        "Function",
        start,
        NOT_APPLICABLE,
    )
    assert (found.function, found.memop) == ("main", 1)


def test_a_place_in_an_object() -> None:
    found = code_at(with_interface(image()), CODE + 4)
    symbol = HeldRange("symbol", CODE, CODE + 8, "f")
    assert found == CodePlace(CODE + 4, CodeSource.JIT_INTERFACE, Outcome.RANGE, HELD, symbol, "f")
    unnamed = code_at(with_interface(image()), CODE + 8)
    assert unnamed == CodePlace(CODE + 8, CodeSource.JIT_INTERFACE, Outcome.BLOCK_NO_RANGE, HELD)


def test_what_nobody_knows_is_what_the_first_says() -> None:
    found = code_at(with_interface(image()), 0x1234)
    assert (found.source, found.outcome) == (CodeSource.DEBUG_ROOT, Outcome.NOT_JIT)
    assert not found.is_known


def test_room_for_code_is_known() -> None:
    here = image()
    found = code_at(here.session(), here.places["baseline"] + 0x200)
    assert found.is_known
    assert found.outcome is Outcome.SEGMENT_PADDING


def test_a_source_that_knows_the_pc_is_the_last_that_is_asked(monkeypatch) -> None:
    def never(_session: Session, _pc: int) -> CodePlace:
        raise AssertionError

    monkeypatch.setattr(block, "SOURCES", (*block.SOURCES[:-1], never))
    assert code_at(with_interface(image()), CODE).is_known
    with pytest.raises(AssertionError):
        code_at(with_interface(image()), 0x1234)


def test_a_block_without_a_name_is_named_by_the_next_that_has_one(monkeypatch) -> None:
    symbol = HeldRange("symbol", CODE + 8, CODE + 16, "g")
    block_of_map = HeldBlock(1, "line", CODE + 8, CODE + 16, noun="line")
    named = CodePlace(
        CODE + 8, CodeSource.PERF_MAP, Outcome.RANGE, block_of_map, symbol, "g", notes=("a map",)
    )
    monkeypatch.setattr(block, "SOURCES", (*block.SOURCES[:-1], lambda *_: named))
    assert code_at(with_interface(image()), CODE + 8) == CodePlace(
        CODE + 8,
        CodeSource.JIT_INTERFACE,
        Outcome.RANGE,
        HELD,
        symbol,
        "g",
        notes=("named by the perf map",),
    )
    nameless = replace(named, range=NOT_APPLICABLE, function=NOT_APPLICABLE)
    monkeypatch.setattr(block, "SOURCES", (*block.SOURCES[:-1], lambda *_: nameless))
    assert code_at(with_interface(image()), CODE + 8).outcome is Outcome.BLOCK_NO_RANGE


def test_a_hole_in_the_first_does_not_hide_the_second(monkeypatch) -> None:
    hole = Absent(Reason.NOT_DUMPED)
    unread = CodePlace(CODE, CodeSource.DEBUG_ROOT, Outcome.METADATA_NOT_DUMPED, hole)
    monkeypatch.setattr(block, "SOURCES", (lambda *_: unread, *block.SOURCES[1:]))
    assert code_at(with_interface(image()), CODE).source is CodeSource.JIT_INTERFACE
    assert code_at(with_interface(image()), 0x1234) == unread


def test_without_a_source_it_says_what_is_missing() -> None:
    with pytest.raises(NoRuntimeError):
        code_at(Session(FakeTarget()), CODE)
    damaged = image().with_root(0, 1)
    with pytest.raises(LayoutError):
        code_at(damaged.session(), CODE)
    (note,) = code_at(with_interface(damaged), CODE).notes
    assert note.startswith("debug root at")
