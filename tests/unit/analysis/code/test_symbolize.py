"""What an address is in."""

from __future__ import annotations

import pytest

from mtedbg.analysis.code.symbolize import HOST, NOWHERE, InFile, Symbolized, symbolize
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.memory import Region
from mtedbg.model.process import Symbol
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

CODE, HEAP, GUARD = 0x40_0000, 0x50_0000, 0x60_0000
TEXT = Region(CODE, CODE + 0x2000, "r-x", "/opt/bin/fake (deleted)", tagged=False)
MAPPINGS = [
    TEXT,
    Region(HEAP, HEAP + 0x1000, "rw-", "", tagged=True),
    Region(GUARD, GUARD + 0x1000, "---", "", tagged=False),
]


def session(**more) -> Session:
    return Session(FakeTarget(mappings=MAPPINGS, **more))


def with_symbols() -> Session:
    return session(symbols={"_ZN6mtetso6Engine3runEv": CODE + 0x100, "next": CODE + 0x200})


def test_a_symbol_is_demangled() -> None:
    found = symbolize(with_symbols(), CODE + 0x123)
    assert found.symbol == Symbol("mtetso::Engine::run", 0x23)
    assert (found.code, found.function, found.name) == (HOST, *["mtetso::Engine::run"] * 2)
    assert str(found) == "mtetso::Engine::run+0x23"


def test_a_return_address_is_of_the_call_before_it() -> None:
    found = symbolize(with_symbols(), CODE + 0x200, after_call=True)
    assert str(found) == "mtetso::Engine::run+0x100"
    assert str(symbolize(with_symbols(), CODE + 0x200)) == "next"


def test_without_a_symbol_the_place_in_the_file() -> None:
    found = symbolize(session(), CODE + 0x40)
    assert found.file == InFile("fake (deleted)", 0x40)
    assert str(found) == found.function == "fake (deleted)+0x40"
    assert found.name == "fake (deleted)"
    assert str(symbolize(session(), CODE)) == "fake (deleted)+0x0"


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [(HEAP + 8, HOST, "rw- anonymous memory"), (GUARD, HOST, ""), (0x10, NOWHERE, "")],
)
def test_memory_without_a_name(address: int, code: str, words: str) -> None:
    found = symbolize(session(), address)
    assert (found.code, str(found), found.name) == (code, words, words)
    assert not present(found.function)
    assert (found.function == NOT_APPLICABLE) is (code == NOWHERE)


def test_where_mappings_are_not_known_nothing_is_said_to_be_unmapped() -> None:
    unknown = Absent(Reason.UNKNOWN)
    found = symbolize(Session(FakeTarget(mappings=unknown)), CODE)
    assert found == Symbolized(unknown, symbol=found.symbol)
    assert (found.code, str(found)) == (HOST, "")


def test_jit_code_by_its_block_and_guest() -> None:
    here = image()
    found = symbolize(here.session(), here.places["baseline"] + 0x14)
    assert present(found.jit)
    assert (found.code, found.function) == ("Function", "main")
    assert str(found) == found.jit.frame == found.name
    assert str(found).startswith("main [guest 0x")
    assert (found.symbol, found.file) == (NOT_APPLICABLE, NOT_APPLICABLE)


def test_it_is_asked_once_a_stop() -> None:
    here = image()
    asked = here.session()
    first = symbolize(asked, here.places["baseline"])
    reads = len(asked.target.reads)
    assert symbolize(asked, here.places["baseline"]) is first
    assert len(asked.target.reads) == reads
