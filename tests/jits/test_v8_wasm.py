"""WebAssembly in V8, and what it has built in, by what node itself wrote of its calls."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.sources.v8 import JavaScript, _built_ins
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.v8_builtins import BuiltIns, built_ins
from mtedbg.decode.jits.v8_wasm import V8Wasm, WasmCode
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, present
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace
from mtedbg.model.foreign_code import CodeSpan
from mtedbg.session import Session
from tests.jits.engines import NODE_20, NODE_24, NODES_OWN, node, one_library
from tests.jits.frozen import (
    ONE_S,
    TERABYTES,
    answer_of,
    answers_of,
    calls_of,
    damaged,
    from_both_ends,
    only_jit,
    processor_time,
    provenance,
    random_patches,
    session_of,
    session_of_core,
    with_memory,
)
from tests.support.compile import BUILT
from tests.support.packages import Packages

LIBRARIES = "usr/lib/aarch64-linux-gnu"
CORES = {
    "node-20-wasm": (NODE_20, "libnode.so.115", 2182),
    "node-24-wasm": (NODE_24, "libnode.so.137", 2384),
}
"""With the library, and how many functions its makers' build of that version has symbols of."""
WASM = re.compile(r"^ +at (demo\.\w+) \(wasm://\S+:wasm-function\[(\d+)\]:(0x[0-9a-f]+)\)$", re.M)
WARM_S, COLD_S = 0.005, 0.3
DAMAGED_S = 20


@pytest.fixture(params=CORES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def session(name: str) -> Session:
    packages, library, _ = CORES[name]
    place = f"{LIBRARIES}/{library}"
    files = one_library(packages, place, place, BUILT / f"jits/{name}-files")
    return session_of(name, files, Budget(USUAL.scaled(1000)))


def wasm_of(session: Session) -> V8Wasm:
    found = only_jit(session, JavaScript).wasm
    assert found is not None
    return found


def wasm_frames(session: Session) -> list[tuple[str, int]]:
    """The frames of wasm, those of functions that are inlined too, and where in the module."""
    found = []
    for frame in calls_of(session):
        jit = frame.place.jit
        if not present(jit) or not isinstance(jit.place, CodePlace):
            continue
        place = jit.place
        if not present(place.block) or place.block.kind != "wasm function":
            continue
        assert present(place.guest_rip)
        found.append((str(place.function), place.guest_rip))
        for note in place.notes:
            _, _, name, _, at = note.split()
            found.append((name, int(at, 16)))
    return found


def same_as_said(session: Session, said: str) -> None:
    wanted = [(name, int(place, 16)) for name, _, place in WASM.findall(said)]
    assert len(wanted) == 3
    assert wasm_frames(session) == wanted


def test_frames_are_those_of_its_own_stack_trace(name: str, session: Session) -> None:
    same_as_said(session, str(provenance(name)["said"]))


def test_the_backtrace_has_names_of_what_is_built_in(session: Session) -> None:
    """Debian's library has no symbols of it."""
    functions = [frame.function for frame in calls_of(session)]
    entry = next(at for at, one in enumerate(functions) if one.startswith("Builtins_JSEntry ["))
    assert functions[entry - 1].startswith("Builtins_JSEntryTrampoline [")
    assert functions[-1].startswith("_start") or "node+" in functions[-1]
    called = next(at for at, one in enumerate(functions) if one.startswith("where at"))
    assert functions[called - 1].startswith(("Builtins_CEntry_", "Builtins_CallApiCallback"))


def test_what_is_built_in_is_whole(name: str, session: Session) -> None:
    """Each function from its first to its last instruction; between them nothing is one."""
    path = only_jit(session, JavaScript).path
    found = _built_ins(session, path)
    assert isinstance(found, BuiltIns)
    assert len(found.functions) == CORES[name][2]
    assert len({one.name for one in found.functions}) == len(found.functions)
    for one in found.functions[::50]:
        for pc in (one.start, one.end - 4):
            place = code_at(session, pc)
            assert (place.outcome, place.function) == (Outcome.RANGE, one.name)
        assert found.at(one.end) is None or one.end in {other.start for other in found.functions}
    assert found.at(found.functions[0].start - 4) is None
    assert found.at(found.functions[-1].end) is None


def test_code_is_found_from_both_ends(session: Session) -> None:
    kinds: Counter[str] = Counter()
    for one in wasm_of(session).all():
        kinds[f"{one.kind} {one.tier}".strip()] += 1
        from_both_ends(session, CodeSpan(one.start, one.end))
    assert kinds["function liftoff"] == kinds["function turbofan"] == 3
    assert kinds["jump table"] >= 3
    listed = only_jit(session, JavaScript).blocks()
    assert not listed.cut
    assert sum(one.noun == "code of WebAssembly" for one in listed.codes) == kinds.total()
    last = max(one.end for one in wasm_of(session).all())
    assert code_at(session, last + 64).outcome is Outcome.CANNOT_TELL


def of_frames(session: Session) -> tuple[WasmCode, int]:
    """The code of the outermost frame of wasm, and its PC."""
    wasm = wasm_of(session)
    found = [(one, frame.pc - 4) for frame in calls_of(session) if (one := wasm.at(frame.pc - 4))]
    functions = [(one, pc) for one, pc in found if one.kind == "function"]
    return functions[-1]


def object_of(wasm: V8Wasm, code: WasmCode) -> int:
    """The address of the object of a piece of code."""
    return next(at for start, _, at in wasm._known if start == code.start and wasm._read(at))


def test_terabytes_that_may_be_executed(name: str, session: Session, tmp_path: Path) -> None:
    """A damaged core may say so: the answers are the same; that not all is searched is said."""
    core = with_memory(name, *TERABYTES, tmp_path)
    began = time.process_time()
    other = session_of_core(core, BUILT / f"jits/{name}-files", Budget(USUAL.scaled(1000)))
    same_as_said(other, str(provenance(name)["said"]))
    listed, whole = (only_jit(one, JavaScript).blocks() for one in (other, session))
    assert not {one.block for one in whole.codes} - {one.block for one in listed.codes}
    assert listed.cut == "256 MiB of executable memory were searched, and no more"
    assert time.process_time() - began < DAMAGED_S


def test_damage_is_refused_or_answered(session: Session) -> None:
    wasm = wasm_of(session)
    code, pc = of_frames(session)
    words = wasm._words
    at = object_of(wasm, code)
    native = words.pointer(at)
    vector = next(
        one for one in words.words(native, 64) if wasm._module_in(words.strip(one)) is not None
    )
    structures = {
        "code": (at, wasm.form.whole),
        "module": (native, 0x200),
        "vector": (words.strip(vector), 16),
        "bytes": (words.pointer(vector), 0x9B),
        "positions": code.positions,
    }
    if code.inlined[1]:
        structures["inlined"] = code.inlined
    right = wasm.places(code, pc)
    assert right

    def ask(words: Words) -> Iterator[str]:
        found = V8Wasm(wasm.searched.over(words), wasm.form)
        found._known = wasm._known  # the search is damaged below
        place = found.at(pc)
        yield answer_of(place, pc, lambda: place is not None and found.places(place, pc) == right)

    answers = answers_of(session, 31, structures, ask)
    assert answers["code none"] > 10
    assert answers["positions False"] > 10
    assert answers["bytes True"] > 10


def test_damaged_words_are_not_found(session: Session) -> None:
    """A word that leads to code may lead anywhere: what is believed still holds the PC."""
    wasm = wasm_of(session)
    code, pc = of_frames(session)
    at = object_of(wasm, code)
    heap = next(one for one in wasm.searched.heaps if one[0] <= at < one[1])
    small = (at // 4096 * 4096, at // 4096 * 4096 + 8192)
    assert heap[0] <= small[0]
    for what, patches in random_patches(session, 32, {"words": (at, 32)}):
        other = damaged(session, patches)
        began = time.monotonic()
        near = CodePointers(Words(other.target), wasm.searched.runs, [small])
        found = V8Wasm(near, wasm.form).at(pc)
        assert found is None or found.start <= pc < found.end
        assert time.monotonic() - began < ONE_S, what


def test_damage_of_what_is_built_in(session: Session) -> None:
    """A table that contradicts itself is none; a name that is changed is a name."""
    path = only_jit(session, JavaScript).path
    whole = _built_ins(session, path)
    assert isinstance(whole, BuiltIns)
    regions = session.target.regions()
    assert not isinstance(regions, Absent)
    mine = [one for one in regions if one.name == path]
    code = [(one.start, one.end) for one in mine if "x" in one.perms]
    kept = [(one.start, one.end) for one in mine if one.perms[:2] == "r-"]
    changed = [(one.start, one.end) for one in mine if one.perms[:2] == "rw"]
    changed.append((changed[-1][1], changed[-1][1] + (1 << 18)))
    text = whole.functions[0].start
    words = Words(session.target)
    data = next(
        other
        for start, end in changed
        for at in range(start, end, 8)
        if _word(words, at) == text
        for near in range(at - 64, at + 65, 8)
        if kept[0][0] <= (other := _word(words, near)) < kept[-1][1]
        and other != text
        and words.number(other + 28) == whole.functions[0].end - text
    )
    answers: Counter[str] = Counter()
    began = time.monotonic()
    for _, patches in random_patches(session, 33, {"table": (data + 24, 2000)}, 60):
        other = damaged(session, patches)
        found = built_ins(Words(other.target), code, kept, changed)
        answers[type(found).__name__] += 1
        if isinstance(found, BuiltIns):
            ends = [one.end for one in found.functions]
            assert ends == sorted(ends)
    assert set(answers) == {"Absent", "BuiltIns"}
    assert time.monotonic() - began < 60 * ONE_S


def _word(words: Words, at: int) -> int:
    try:
        return words.word(at)
    except HoleError:  # a frozen core has not all pages
        return 0


def test_time_of_an_answer(session: Session) -> None:
    _, pc = of_frames(session)
    target = session.target
    session.target.symbol_address("v8dbg_SmiShiftSize")
    assert processor_time(lambda: code_at(Session(target), pc)) < COLD_S
    assert processor_time(lambda: wasm_of(session).at(pc)) < WARM_S


@pytest.mark.jits
@pytest.mark.parametrize("packages", [*NODES_OWN, NODE_20, NODE_24], ids=lambda p: p.name)
def test_wasm_dies_anew(packages: Packages, tmp_path: Path) -> None:
    """In every build that is known; its makers' have symbols of what is built in."""
    dead = node(packages, tmp_path, script="wasm_node.js")
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    same_as_said(session, dead.said)
    found = _built_ins(session, only_jit(session, JavaScript).path)
    assert isinstance(found, BuiltIns)
    assert len(found.functions) > 2000
    if packages not in NODES_OWN:
        return
    for one in found.functions:
        assert session.target.symbol_address(one.name) == one.start
        symbol = session.target.symbol_at(one.end - 4)
        assert present(symbol)
        # V8 puts a symbol where it goes on after a constructor, too.
        assert symbol.name == one.name or symbol.name.endswith("_deopt_addr")
