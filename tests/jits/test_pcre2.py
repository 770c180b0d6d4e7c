"""PCRE2's machine code in cores under QEMU, by what the library says of its sizes."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.pcre2 import Pcre2
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.pcre2 import RegularExpressions
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import Absent, present
from mtedbg.model.code import Outcome
from mtedbg.session import Session
from tests.jits.engines import LIBRARIES, PROGRAMS
from tests.jits.frozen import (
    MOST_READS,
    TERABYTES,
    answer_of,
    answers_of,
    from_both_ends,
    only_jit,
    processor_time,
    session_of,
)
from tests.support.compile import BUILT, digest_of, link_once
from tests.support.packages import Packages, died, unpacked

PCRE2_46 = Packages("pcre2-13", {"libpcre2-8-0": "10.46", "libpcre2-dev": "10.46"})
PCRE2_42 = Packages("pcre2-12", {"libpcre2-8-0": "10.42"}, suite="bookworm")
SAID = re.compile(r"^pattern (\d+): (\d+) bytes", re.M)
DATE = "regular expression (year, month, day)"
WARM_S, COLD_S = 0.005, 0.3


def program() -> Path:
    """The program, with the header of one version: all have the same functions."""
    root, source = unpacked(PCRE2_46), PROGRAMS / "pcre.c"
    folder = BUILT / f"pcre2-{digest_of([source], [])}"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / "usr/include/pcre2.h", folder)
    link_once(
        folder / "pcre",
        [
            *("aarch64-linux-gnu-gcc", "-O1", "-g0", "-isystem", str(folder), str(source)),
            *(str(root / LIBRARIES / "libpcre2-8.so.0"), "-Wl,--allow-shlib-undefined"),
        ],
    )
    return folder / "pcre"


@pytest.fixture(scope="module", params=[PCRE2_46, PCRE2_42], ids=lambda one: one.name)
def dead(request: pytest.FixtureRequest, tmp_path_factory) -> tuple[Session, dict[int, int]]:
    """The session of its core, and the sizes of its expressions' code by their numbers."""
    folder = tmp_path_factory.mktemp("pcre2")
    root = unpacked(request.param)
    inside = folder / "pcre"
    shutil.copy(program(), inside)
    found = died(root, [os.path.relpath(inside, root)], folder / "cores")
    sizes = {int(number): int(size) for number, size in SAID.findall(found.output)}
    budget = Budget(USUAL.scaled(1000))  # more questions than one report has
    return Session(CoreTarget(str(found.core), str(inside), str(root), budget=budget)), sizes


def test_sizes_are_those_that_the_library_tells(dead: tuple[Session, dict[int, int]]) -> None:
    session, said = dead
    assert len(said) == 4
    codes = only_jit(session, Pcre2).blocks().codes
    sizes: Counter[str] = Counter()
    for one in codes:
        assert present(one.block)
        assert present(one.symbol)
        sizes[one.symbol.name] += one.block.end - one.block.start
    assert len(codes) == 4
    # The second was compiled twice; the last was given back.
    assert sizes[DATE] == said[1]
    assert sizes["regular expression"] == said[0] + said[2]


def test_code_is_found_from_both_ends(dead: tuple[Session, dict[int, int]]) -> None:
    session, _ = dead
    modes = []
    for one in only_jit(session, Pcre2).blocks().codes:
        from_both_ends(session, one.block)
        modes += [note for note in one.notes if note.startswith("compiled for")]
    assert sorted(modes) == [*["compiled for complete matches"] * 3, modes[-1]][:3] + [
        "compiled for partial matches, hard"
    ]


def test_it_died_in_a_function_that_its_code_had_called(
    dead: tuple[Session, dict[int, int]],
) -> None:
    session, _ = dead
    registers = session.target.registers(session.current_thread())
    assert not isinstance(registers, Absent)
    names = [code_at(session, registers[name]).function for name in ("pc", "x30")]
    assert DATE in names


def test_memory_that_was_given_back_is_no_code(dead: tuple[Session, dict[int, int]]) -> None:
    session, _ = dead
    codes = only_jit(session, Pcre2).blocks().codes
    first = min(one.block.start for one in codes if present(one.block))
    assert code_at(session, first - 64).outcome is Outcome.CANNOT_TELL


def test_damage_is_an_answer_or_none_and_bounded(dead: tuple[Session, dict[int, int]]) -> None:
    session, _ = dead
    whole = only_jit(session, Pcre2).code
    block = next(one for one in whole.all() if (whole.expression(one) or 0).groups[1])  # type: ignore[union-attr]
    pc = block.start + 64
    right = whole.expression(block)
    (functions, code) = next(
        (at, holder - 0x20)
        for at in whole.searched.places(block.start)
        for holder in [*whole.searched.places(at), *whole.searched.places(at - 16)]
        if whole._words.number(holder - 0x20 + 0x58) == 0x50435245
        or whole._words.number(holder - 0x20 + 0x50) == 0x50435245
    )
    structures = {
        "header": (block.start - 16, 16),
        "next": (block.end, 16),
        "functions": (functions, 0x40),
        "expression": (code, 0xB0),
    }

    def ask(words: Words) -> Iterator[str]:
        found = RegularExpressions(whole.searched.over(words))
        one = found.at(pc)
        yield answer_of(one, pc, lambda: one is not None and found.expression(one) == right)
        if next(asked) % 16 == 0:
            assert len([*found.all()]) <= 8

    asked = count(1)
    answers = answers_of(session, 41, structures, ask, 10 * MOST_READS)
    assert answers["header none"] > 10
    assert answers["next none"] > 10
    assert answers["expression True"] > 10


def test_other_memory_does_not_hide_it(dead: tuple[Session, dict[int, int]]) -> None:
    """Another JIT may have reserved much more, at lower addresses."""
    session, _ = dead
    whole = only_jit(session, Pcre2).code
    runs = sorted([TERABYTES, *whole.searched.runs])
    other = RegularExpressions(CodePointers(Words(session.target), runs, whole.searched.heaps))
    assert [*other.all()] == [*whole.all()]
    assert other.is_cut
    assert not whole.is_cut


def test_time_of_an_answer(dead: tuple[Session, dict[int, int]]) -> None:
    session, _ = dead
    target = session.target
    pc = next(one.start for one in only_jit(session, Pcre2).code.all()) + 8
    assert processor_time(lambda: code_at(Session(target), pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, Pcre2).at(pc)) < WARM_S


def test_a_process_without_it_has_none() -> None:

    for name in ("box64-0.4.3", "hotspot-21", "spidermonkey-140"):
        assert not any(isinstance(one.jit, Pcre2) for one in jits(session_of(name)))
