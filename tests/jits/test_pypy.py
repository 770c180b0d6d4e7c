"""PyPy's traces in a core of Debian's, by what PyPy itself logs of their addresses."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.pypy import PyPy
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits import pypy
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.pypy import Traces
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.session import Session
from tests.jits import engines
from tests.jits.engines import LIBRARIES, PYPY_3, one_library
from tests.jits.frozen import (
    TERABYTES,
    answer_of,
    answers_of,
    calls_of,
    only_jit,
    processor_time,
    provenance,
    session_of,
    session_of_core,
    with_memory,
)
from tests.support.compile import BUILT

NAME = "pypy-7.3.19"
LOGGED = re.compile(
    r"^(?:Loop \d+ \((?P<name>\w+);(?P<file>[^:]+):(?P<line>\d+)|bridge).*\n"
    r" +gc table: (?P<start>0x\w+)\n(?: +.*\n)*? +end: (?P<end>0x\w+)$",
    re.M,
)
"""A loop or a bridge with its first and its last address."""
WARM_S, COLD_S = 0.005, 0.3
DAMAGED_S = 20


@pytest.fixture(scope="module")
def session() -> Session:
    files = BUILT / "jits/pypy-files"
    for name in ("libpypy3.11-c.so", "libc.so.6"):
        one_library(PYPY_3, f"{LIBRARIES}/{name}", f"{LIBRARIES}/{name}", files)
    return session_of(NAME, files, Budget(USUAL.scaled(1000)))


def logged(said: str) -> list[re.Match[str]]:
    found = [*LOGGED.finditer(said)]
    assert len(found) == len(re.findall("has address", said)) >= 3
    return found


def same_as_logged(session: Session, said: str) -> None:
    """Every trace from both ends; a loop's function, its file, and the line where it begins."""
    wanted = logged(said)
    listed = only_jit(session, PyPy).blocks().codes
    spans = [(one.block.start, one.block.end) for one in listed if present(one.block)]
    assert spans == sorted((int(one["start"], 16), int(one["end"], 16)) for one in wanted)
    for one in wanted:
        start, end = int(one["start"], 16), int(one["end"], 16)
        for pc in (start, end - 4):
            place = code_at(session, pc)
            assert place.outcome is Outcome.RANGE
            assert present(place.block)
            assert (place.block.start, place.block.end) == (start, end)
            if one["name"] is not None:
                assert place.function == one["name"]
                assert present(place.line)
                assert place.line.file == one["file"]
                assert f"the function begins at {one['file']}:{one['line']}" in place.notes


def test_traces_are_those_that_it_logged(session: Session) -> None:
    same_as_logged(session, str(provenance(NAME)["said"]))


def test_the_backtrace_goes_through_a_trace(session: Session) -> None:
    """To the end; x29 is of no use in PyPy's traces."""
    functions = [frame.function for frame in calls_of(session)]
    assert functions[0].startswith(("kill", "libc.so.6+"))
    assert functions[1].startswith("inner at /jits/pypy.py [trace, PyPy 7.3.19]")
    assert functions[-1].startswith(("_start", "pypy3.11+"))
    assert len(functions) > 30


def test_what_traces_call_is_no_trace(session: Session) -> None:
    start = min(one.start for one in only_jit(session, PyPy).traces.all())
    place = code_at(session, start - 64)
    assert place.outcome is Outcome.CANNOT_TELL
    assert "PyPy 7.3.19" in str(place.version)


def test_another_version_is_named_and_not_guessed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pypy, "FORMS", {})
    (found,) = jits(Session(session.target))
    assert isinstance(found.jit, Absent)
    assert found.jit.reason is Reason.UNKNOWN_VERSION
    assert "PyPy 7.3.19 of Python 3.11" in found.jit.detail


def test_terabytes_that_may_be_executed(session: Session, tmp_path: Path) -> None:
    """A damaged core may say so: the answers are the same, and take as long."""
    core = with_memory(NAME, *TERABYTES, tmp_path)
    began = time.process_time()
    other = session_of_core(core, BUILT / "jits/pypy-files", Budget(USUAL.scaled(1000)))
    same_as_logged(other, str(provenance(NAME)["said"]))
    assert time.process_time() - began < DAMAGED_S


def test_damage_is_an_answer_or_none_and_bounded(session: Session) -> None:
    whole = only_jit(session, PyPy).traces
    frame = calls_of(session)[1]
    pc = frame.pc - 4
    trace = whole.at(pc)
    assert trace is not None
    right = whole.functions(trace, pc)
    assert [one.name for one in right] == ["inner"]
    node, data = next((at, own) for at, key, own in whole._nodes() if key == trace.start)
    number = whole._numbers(trace, pc - trace.start)[0]
    code = next(
        at - whole.form.number
        for at in range(*_page_of(whole, number))
        if whole._code(at - whole.form.number) is not None
    )
    structures = {
        "node": (node, 0x18),
        "data": (data, 16),
        "map": (trace.map[0], 8 * trace.map[1]),
        "code": (code, whole.form.whole),
        "frame": (frame.registers["sp"], whole.form.frame),
    }
    pages = {at // 4096 for at in (*(at for at, _, _ in whole._nodes()), code)}
    heaps = [(4096 * page, 4096 * (page + 2)) for page in sorted(pages)]

    def ask(words: Words) -> Iterator[str]:
        found = Traces(CodePointers(words, whole.searched.runs, heaps), whole.form)
        one = found.at(pc)
        yield answer_of(one, pc, lambda: one is not None and found.functions(one, pc) == right)
        yield "left" if found.unwound(frame.registers) else "not left"

    answers = answers_of(session, 51, structures, ask)
    assert answers["node none"] > 10
    assert answers["map False"] + answers["map none"] > 10
    assert answers["code False"] > 10
    assert answers["frame not left"] > 10


def _page_of(whole: Traces, number: int) -> tuple[int, int, int]:
    """Words of the page that has the object of a function, by its number."""
    at = next(at for at in whole.searched.places(number) if whole._code(at - whole.form.number))
    return at, at + 8, 8


def test_time_of_an_answer(session: Session) -> None:
    target = session.target
    pc = only_jit(session, PyPy).traces.all()[0].start + 8
    assert processor_time(lambda: code_at(Session(target), pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, PyPy).at(pc)) < WARM_S


@pytest.mark.jits
def test_it_dies_anew(tmp_path: Path) -> None:
    dead = engines.pypy(tmp_path)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    same_as_logged(session, dead.said)
    functions = [frame.function for frame in calls_of(session)]
    assert functions[1].startswith("inner at /jits/pypy.py [trace, PyPy 7.3.19]")
    assert len(functions) > 30
