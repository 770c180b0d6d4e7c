"""Mono's methods in a core of Debian's, by what its own handler wrote of the calls."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.mono import Mono
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits import code_pointers, mono
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.mono import Methods
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.session import Session
from tests.jits import engines
from tests.jits.engines import LIBRARIES, MONO_6, one_library
from tests.jits.frozen import (
    TERABYTES,
    answer_of,
    answers_of,
    calls_of,
    from_both_ends,
    only_jit,
    processor_time,
    provenance,
    session_of,
    session_of_core,
    with_memory,
)
from tests.support.compile import BUILT

NAME = "mono-6.12"
CALL = re.compile(r"^\s+at (\S+:\S+) <0x([0-9a-f]+)>", re.M)
"""A method, and how far into its code the call is: "at Boom:Deep <0x00030>"."""
WARM_S, COLD_S = 0.005, 0.3
DAMAGED_S = 20


@pytest.fixture(scope="module")
def session() -> Session:
    files = BUILT / "jits/mono-files"
    one_library(MONO_6, "usr/bin/mono-sgen", "jits/mono-sgen", files)
    one_library(MONO_6, f"{LIBRARIES}/libc.so.6", f"{LIBRARIES}/libc.so.6", files)
    return session_of(NAME, files, Budget(USUAL.scaled(1000)))


def same_as_said(session: Session, said: str) -> None:
    """The frames are those that it wrote, as far into their methods."""
    wanted = CALL.findall(said)
    assert len(wanted) == 4
    frames = [frame for frame in calls_of(session) if present(frame.place.jit)]
    assert len(frames) == len(wanted)
    for frame, (name, offset) in zip(frames, wanted, strict=True):
        pc = frame.pc if frame is frames[0] else frame.pc - 1  # of a call, as Mono counts
        place = code_at(session, pc)
        assert place.outcome is Outcome.RANGE
        assert present(place.block)
        assert pc - place.block.start == int(offset, 16)
        # Names of Mono's own classes are in the file of an assembly.
        assert place.function in (name, f"?:{name.partition(':')[2]}")
        assert str(place.version).startswith("Mono 6.12.0.")


def test_frames_are_those_that_it_wrote(session: Session) -> None:
    same_as_said(session, str(provenance(NAME)["said"]))
    functions = [frame.function for frame in calls_of(session)]
    assert functions[-1].startswith(("_start", "mono-sgen+"))
    assert sum(one.startswith("Boom:") for one in functions) == 3


def test_methods_are_found_from_both_ends(session: Session) -> None:
    listed = only_jit(session, Mono).blocks()
    assert not listed.cut
    assert len(listed.codes) > 20
    end = 0
    for one in listed.codes:
        assert present(one.block)
        assert one.block.start >= end
        end = one.block.end
        from_both_ends(session, one.block)
    assert code_at(session, end + 64).outcome is Outcome.CANNOT_TELL


def test_another_version_is_named_and_not_guessed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mono, "FORMS", {})
    (found,) = jits(Session(session.target))
    assert isinstance(found.jit, Absent)
    assert found.jit.reason is Reason.UNKNOWN_VERSION
    assert "Mono 6.12.0.199" in found.jit.detail


def test_without_its_program_its_version_is_not_known() -> None:
    (found,) = jits(session_of(NAME))
    assert isinstance(found.jit, Absent)
    assert found.jit.reason is Reason.UNKNOWN_VERSION


def test_terabytes_that_may_be_executed(session: Session, tmp_path: Path) -> None:
    """A damaged core may say so: all methods are found, and it takes as long."""
    core = with_memory(NAME, *TERABYTES, tmp_path)
    began = time.process_time()
    other = session_of_core(core, BUILT / "jits/mono-files", Budget(USUAL.scaled(1000)))
    same_as_said(other, str(provenance(NAME)["said"]))
    whole = only_jit(session, Mono).blocks()
    listed = only_jit(other, Mono).blocks()
    assert not listed.cut
    assert not {one.block for one in whole.codes} - {one.block for one in listed.codes}
    assert time.process_time() - began < DAMAGED_S


def test_what_was_not_searched_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    block = only_jit(session, Mono).blocks().codes[-1].block
    assert present(block)
    monkeypatch.setattr(code_pointers, "MOST_POINTERS", 1)
    other = Session(session.target)
    place = code_at(other, block.start)
    assert place.outcome is Outcome.CANNOT_TELL
    said = "1 addresses of code were looked at, and no more"
    assert said in place.notes
    assert only_jit(other, Mono).blocks().cut == said


def test_damage_is_an_answer_or_none_and_bounded(session: Session) -> None:
    whole = only_jit(session, Mono).methods
    pc = next(one.pc for one in calls_of(session) if one.function.startswith("Boom:Outer")) - 4
    right = whole.at(pc)
    assert right is not None
    assert right.name == "Boom:Outer"
    at = next(at for start, _, at in whole._known if start == right.start and whole._read(at))
    words, form = whole._words, whole.form
    method = words.pointer(at)
    owner = words.pointer(method + form.owner)
    structures = {
        "record": (at, 0x20),
        "method": (method, 0x20),
        "class": (owner, form.class_name + 16),
        "name": (words.pointer(method + form.name), 6),
    }
    heap = [(at // 4096 * 4096, at // 4096 * 4096 + 8192)]

    def ask(words: Words) -> Iterator[str]:
        one = Methods(CodePointers(words, whole.searched.runs, heap), form).at(pc)
        yield answer_of(one, pc, lambda: one == right)

    answers = answers_of(session, 61, structures, ask)
    assert answers["record none"] > 10
    assert answers["method none"] > 10
    assert answers["class True"] > 10
    assert answers["name False"] + answers["name none"] > 10


def test_time_of_an_answer(session: Session) -> None:
    target = session.target
    pc = next(iter(only_jit(session, Mono).methods.all())).start
    assert processor_time(lambda: code_at(Session(target), pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, Mono).at(pc)) < WARM_S


@pytest.mark.jits
def test_it_dies_anew(tmp_path: Path) -> None:
    dead = engines.mono(tmp_path)
    budget = Budget(USUAL.scaled(1000))
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root), budget=budget))
    same_as_said(session, dead.said)
