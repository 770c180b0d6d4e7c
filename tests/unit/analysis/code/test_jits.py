"""The seam for JITs whose own structures are read: who is asked, and what becomes of the answer."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from mtedbg.analysis.code import jits
from mtedbg.analysis.code.jits import Reader, guest_of, unknown_version, unwound
from mtedbg.analysis.code.symbolize import HOST, OF_NO_FILE, foreign_place, symbolize
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.dataclass import dataclass, field, replace
from mtedbg.functions import FUNCTIONS, NONE
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes, ForeignGuest
from mtedbg.model.memory import Region
from mtedbg.model.source import SourceLine
from mtedbg.render.text import render_text
from mtedbg.session import Session
from tests.support import answers
from tests.support.fake import FakeTarget

PROGRAM, CODE, DATA = 0x400000, 0x7F0000000000, 0x7F0000100000
REGIONS = [
    Region(PROGRAM, PROGRAM + 0x1000, "r-x", "/usr/bin/luajit", NOT_APPLICABLE),
    Region(CODE, CODE + 0x1000, "r-x", "", NOT_APPLICABLE),
    Region(DATA, DATA + 0x1000, "rw-", "", NOT_APPLICABLE),
]
TRACE = ForeignCode(
    CodeSource.LUAJIT,
    3,
    CodeSpan(CODE, CODE + 0x100),
    CodeSpan(CODE, CODE + 0x100, "fib"),
    kind="trace",
    noun="trace",
    line=SourceLine("fib.lua", 7),
    version="LuaJIT 2.1",
)


@dataclass
class Traces:
    """A JIT with one trace."""

    version: str = "LuaJIT 2.1"
    code: ForeignCode | None = TRACE
    asked: list[int] = field(default_factory=list)

    def at(self, pc: int) -> ForeignCode | None:
        self.asked.append(pc)
        return self.code if pc < CODE + 0x100 else None

    def blocks(self) -> ForeignCodes:
        return ForeignCodes(CodeSource.LUAJIT, (TRACE,))


class Translator(Traces):
    """One whose frames it knows itself, and that runs a guest."""

    def unwind(self, pc: int, registers):
        return {"pc": registers["x20"], "sp": registers["sp"] + 16, "x29": 0}

    def guest(self, pc: int, registers):
        return ForeignGuest(pc - CODE, {"rax": registers["x10"]})


@pytest.fixture
def made(monkeypatch):
    """Makes a session whose process has a JIT that `find` gives."""

    def make(found: object, regions: list[Region] = REGIONS, files: str = "luajit") -> Session:
        module = ModuleType("mtedbg.analysis.code.sources.made_here")
        module.find = lambda _session, _mapped: found
        monkeypatch.setitem(sys.modules, module.__name__, module)
        reader = Reader(CodeSource.LUAJIT, "made_here", files, "lj_symbol")
        monkeypatch.setattr(jits, "READERS", (reader,))
        return Session(FakeTarget(mappings=regions))

    return make


def row(session: Session, pc: int):
    (found,) = answers.ask(session, f"jit-block {pc:#x}").rows
    return found


def test_what_a_jit_knows_is_the_answer(made):
    session = made(Traces())
    found = row(session, CODE + 8)
    assert (found["outcome"], found["source"]) == ("range", "LuaJIT")
    assert (found["version"], found["line"]) == ("LuaJIT 2.1", "fib.lua:7")
    assert (found["function"], found["block"]["kind"], found["block"]["id"]) == ("fib", "trace", 3)
    report = answers.ask(session, f"jit-block {CODE + 8:#x}")
    assert report.headline == f"{CODE + 8:#x}: fib+0x8 in trace 3 (trace) of LuaJIT 2.1, fib.lua:7"


def test_a_version_without_a_layout_is_named(made):
    session = made(unknown_version("LuaJIT 2.0"))
    found = row(session, CODE + 8)
    assert (found["outcome"], found["source"]) == ("unknown-version", "LuaJIT")
    headline = answers.ask(session, f"jit-block {CODE + 8:#x}").headline
    assert headline.endswith("perhaps in code of LuaJIT 2.0: layout not known")


@pytest.mark.parametrize("pc", [PROGRAM + 8, DATA + 8])
def test_what_is_no_code_of_a_jit_is_that_whatever_could_not_be_read(made, pc):
    session = made(unknown_version("LuaJIT 2.0"))
    assert foreign_place(session, pc) is None


def test_where_nothing_was_damaged_nothing_is_called_that(made):
    missing = Absent(Reason.NOT_DUMPED, "its table")
    session = made(Traces(code=replace(TRACE, block=missing, symbol=missing)))
    assert row(session, CODE + 8)["outcome"] == "metadata-not-dumped"
    assert row(session, DATA + 8)["outcome"] == "not-jit"


@pytest.mark.parametrize("found", [Traces(), NOT_APPLICABLE], ids=["another JIT", "no JIT"])
def test_code_that_nobody_knows_is_not_said_to_be_no_jits(made, found):
    """Executable memory of no file: a JIT without a reader may have made what is there."""
    session = made(found)
    said = row(session, CODE + 0x200)
    assert (said["outcome"], said["source"]) == ("cannot-tell", "mappings")
    assert symbolize(session, CODE + 0x200).code == OF_NO_FILE
    assert symbolize(session, PROGRAM + 0x200).code == HOST


def test_a_process_without_the_jit_does_not_ask_it(made):
    session = made(Traces(), files="another")
    assert jits.jits(session) == ()
    session = made(NOT_APPLICABLE)
    assert jits.jits(session) == ()
    session = made(Traces(), files="another")
    session.target.symbols["lj_symbol"] = PROGRAM
    (found,) = jits.jits(session)
    assert found.mapped is None


def test_a_frame_is_named(made):
    session = made(Traces())
    place = symbolize(session, CODE + 8)
    assert str(place) == "fib at fib.lua:7 [trace 3, LuaJIT 2.1]"
    assert (place.function, place.code) == ("fib", "trace")
    assert not present(place.symbol)


def test_a_return_address_is_of_the_code_before_it(made):
    session = made(Traces())
    assert symbolize(session, CODE + 0x100, after_call=True).function == "fib"
    assert str(symbolize(session, CODE + 0x100)) == "r-x anonymous memory"


def test_only_who_knows_its_frames_unwinds_them(made):
    registers = {"sp": DATA, "x20": PROGRAM + 4, "x10": 42}
    session = made(Traces())
    assert unwound(session, CODE, registers) is None
    assert guest_of(session, CODE, registers) == NOT_APPLICABLE
    session = made(Translator())
    assert unwound(session, CODE, registers) == {"pc": PROGRAM + 4, "sp": DATA + 16, "x29": 0}
    assert guest_of(session, CODE + 4, registers) == ForeignGuest(4, {"rax": 42})
    assert unwound(session, CODE + 0x100, registers) is None


def test_its_code_is_listed(made):
    session = made(Traces())
    rows = answers.ask(session, "jit-blocks").rows
    (found,) = rows
    assert (found["source"], found["id"], found["base"], found["size"]) == (
        "LuaJIT",
        3,
        CODE,
        0x100,
    )
    assert (found["kind"], found["function"], found["line"]) == ("trace", "fib", "fib.lua:7")
    assert answers.ask(session, "jit-blocks --kind other").rows == ()
    assert len(answers.ask(session, "jit-blocks --function fib").rows) == 1


def test_its_instructions_are_shown_and_where_a_line_begins(made):
    session = made(Traces())
    session.target.memory[CODE] = bytes.fromhex("1f2003d5") * 0x40
    report = answers.ask(session, f"jit-disas {CODE:#x} -n 2")
    assert [one["instruction"] for one in report.rows] == ["nop", "nop"]
    assert report.headline.endswith("fib+0x0 in trace 3 (trace) of LuaJIT 2.1, fib.lua:7")
    assert "fib at fib.lua:7:" in render_text(report)


def test_the_pc_is_what_is_asked_about_where_nothing_is_said(made):
    session = made(Traces())
    session.target.register_sets[1] = {"pc": CODE + 8, "sp": DATA, "x29": 0}
    (found,) = answers.ask(session, "jit-block").rows
    assert found["function"] == "fib"


def test_a_guest_is_shown_as_its_translator_keeps_it(made):
    session = made(Translator())
    session.target.register_sets[1] = {
        "pc": CODE + 8, "sp": DATA, "x29": 0, "x10": 42, "x20": PROGRAM + 4,
    }  # fmt: skip
    (found,) = answers.ask(session, "guest-frame").rows
    assert (found["rip"], found["gregs"], found["in_jit"]) == (8, {"rax": 42}, True)


def test_the_number_of_its_block_for_conditions(made):
    session = made(Traces())
    (function,) = [one for one in FUNCTIONS if one.name == "_jit_block"]
    assert function.value(session, CODE + 8) == 3
    assert function.value(session, PROGRAM) == NONE


def test_frames_go_on_from_its_code(made):
    session = made(Translator())
    registers = {"pc": CODE + 8, "sp": DATA, "x29": 0, "x20": PROGRAM + 4}
    session.target.register_sets[1] = registers
    session.target.memory[PROGRAM] = bytes.fromhex("00000094") + bytes(12)
    names = [str(one.place) for one in host_calls(session, session.thread(1)).frames]
    assert names[0] == "fib at fib.lua:7 [trace 3, LuaJIT 2.1]"
    assert len(names) == 2


def test_a_jit_is_named_as_people_name_it(made):
    """Its name has no article, and what is a thing has one."""
    session = made(Traces(code=None))
    headline = answers.ask(session, f"jit-block {PROGRAM + 8:#x}").headline
    assert headline.endswith("not in code that LuaJIT describes")
    assert CodeSource.PERF_MAP.in_words == "the perf map"
