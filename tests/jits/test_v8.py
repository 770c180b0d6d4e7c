"""V8's frames in cores of Debian's node, by what node itself wrote of its calls."""

from __future__ import annotations

import re
import struct
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.v8 import JavaScript
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits.v8 import FORMS, MOST_POSITIONS, V8
from mtedbg.decode.jits.v8_code import V8Code
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace
from mtedbg.session import Session
from tests.jits.engines import NODE_20, NODE_24, NODES_OWN, node, one_library
from tests.jits.frozen import (
    MOST_READS,
    ONE_S,
    Damaged,
    calls_of,
    damaged,
    from_both_ends,
    only_jit,
    processor_time,
    provenance,
    random_patches,
    session_of,
)
from tests.support.compile import BUILT
from tests.support.packages import Packages

NAME, VERSION = "node-20", "V8 of libnode 115 (node 20)"
LIBRARY = "usr/lib/aarch64-linux-gnu/libnode.so.115"
LIBRARY_24 = "usr/lib/aarch64-linux-gnu/libnode.so.137"
NODE_22 = NODES_OWN[1]
FILES_24 = BUILT / "jits/node-24-files"
NAMED = re.compile(r"JS:[~^*+]'?(\S*) ")
"""In perf's map: "JS:*inner /jits/main.js:3:15"."""
CALL = re.compile(r"^\d+: (?:(\S+) \()?(\S+?):(\d+):\d+\)?$", re.M)
"""Of "JavaScript stack trace", which V8 makes of its own frames."""
WARM_S, COLD_S = 0.005, 0.3


@pytest.fixture(scope="module")
def files() -> Path:
    return one_library(NODE_20, LIBRARY, LIBRARY, BUILT / "jits/node-files")


@pytest.fixture(scope="module")
def session(files: Path) -> Session:
    return session_of(NAME, files)


def places(session: Session) -> Iterator[tuple[CodePlace, int]]:
    """The frames of JavaScript, and their frame records."""
    for frame in calls_of(session):
        jit = frame.place.jit
        if present(jit) and isinstance(jit.place, CodePlace) and present(jit.place.function):
            yield jit.place, frame.registers["x29"]


def test_frames_are_those_that_v8_wrote(session: Session) -> None:
    said = CALL.findall(str(provenance(NAME)["said"]))
    assert len(said) == 10
    found = [place for place, _ in places(session)]
    for place, (name, script, line) in zip(found, said, strict=False):
        assert place.function == (name or "(anonymous function)")
        assert present(place.line)
        assert place.line.file == script
        assert place.version == VERSION
        if name != "" or script != "node:internal/main/run_main_module":
            assert place.line.line == int(line)


def test_the_backtrace_goes_on_to_the_end(session: Session) -> None:
    functions = [frame.function for frame in calls_of(session)]
    assert functions[-1].startswith("_start") or "node+" in functions[-1]
    assert any("node::Start" in one for one in functions)


@pytest.fixture(params=[NODE_20, NODE_22, NODE_24], ids=lambda packages: packages.name)
def compiled(request: pytest.FixtureRequest, files: Path) -> Session:
    """A core of each version whose code objects are known."""
    budget = Budget(USUAL.scaled(1000))  # more questions than one report has
    if request.param is NODE_20:
        return session_of(NAME, files, budget)
    if request.param is NODE_22:
        own = one_library(NODE_22, "usr/bin/node", "jits/node", BUILT / "jits/node-22-files")
        return session_of("node-22", own, budget)
    return session_of("node-24", one_library(NODE_24, LIBRARY_24, LIBRARY_24, FILES_24), budget)


def code_of(session: Session) -> V8Code:
    code = only_jit(session, JavaScript).code
    assert code is not None
    return code


def test_code_is_found_by_its_address(compiled: Session) -> None:
    """From its first to its last instruction, and of which function it is."""
    jit = only_jit(compiled, JavaScript)
    listed = jit.blocks()
    assert not listed.cut
    assert len(listed.codes) >= 30
    tiers = set()
    for one in listed.codes:
        place = from_both_ends(compiled, one.block)
        tiers.add(one.kind)
        if one.kind != "regexp":
            assert present(place.function), one
            assert present(place.line)
        if place.function in ("inner", "middle", "outer", "run"):
            assert place.line.file == "/jits/main.js"  # type: ignore[union-attr]
    assert tiers >= {"baseline", "turbofan"}
    assert code_at(compiled, listed.codes[-1].block.end + 4096).outcome is Outcome.CANNOT_TELL  # type: ignore[union-attr]


def test_the_frames_of_compiled_code_have_their_code(compiled: Session) -> None:
    """The frame and the code, which do not know of each other, have the same function."""
    code, seen = code_of(compiled), 0
    for frame in calls_of(compiled):
        found = code.at(frame.pc - 4)
        if found is None:
            continue
        seen += 1
        owner = code.owner(found).function
        assert owner is not None
        assert present(frame.place.jit)
        place = frame.place.jit.place
        assert isinstance(place, CodePlace)
        inlined = [note for note in place.notes if note.startswith("inlined into ")]
        outermost = inlined[-1].split()[2] if inlined else place.function
        assert outermost == (owner.name or "(anonymous function)")
    assert seen


RANGES = {"inner": (3, 9), "middle": (11, 13), "outer": (15, 21), "run": (24, 26)}
"""The lines of the functions of main.js."""


def test_compiled_code_has_lines_and_what_is_inlined(compiled: Session) -> None:
    """Each line is in the function that it is said to be of; inlined functions call each other."""
    code, lines = code_of(compiled), only_jit(compiled, JavaScript).lines
    assert lines is not None
    told: Counter[str] = Counter()
    depths = set()
    for one in code.all():
        owner = code.owner(one)
        if owner.function is None or owner.function.script != "/jits/main.js":
            continue
        for pc in range(one.start, one.end, 4):
            places = lines.at(one, pc, owner.shared)
            told[f"{one.kind} {bool(places)}"] += 1
            depths.add(len(places))
            for place in places:
                assert place.script == "/jits/main.js"
                first, last = RANGES.get(place.name, (1, 35))
                assert first <= place.line <= last, (place, hex(pc))
            assert not places or places[-1].name == owner.function.name
            callers = [place.name for place in places]
            order = ["inner", "middle", "outer", "run", ""]
            assert callers == [name for name in order if name in callers]
    for kind in ("baseline", "turbofan"):
        assert told[f"{kind} True"] > 4 * told[f"{kind} False"], told
    assert {1, 3, 4} <= depths


def test_inlined_calls_are_those_that_v8_wrote() -> None:
    """In the stack trace of node 24 a function that is inlined is a frame of its own."""
    session = session_of("node-24", one_library(NODE_24, LIBRARY_24, LIBRARY_24, FILES_24))
    said = [
        (script, int(line)) for _, script, line in CALL.findall(str(provenance("node-24")["said"]))
    ]
    found = []
    for place, _ in places(session):
        found.append(str(place.line))
        found += [note.split(" at ")[1] for note in place.notes if note.startswith("inlined into")]
    assert len(found) >= 8
    assert found[:8] == [f"{script}:{line}" for script, line in said[:8]]


def test_damaged_lines_are_refused_or_answered(compiled: Session) -> None:
    """Tables of positions, of inlined calls, and of bytecode."""
    jit, code = only_jit(compiled, JavaScript), code_of(compiled)
    words, form, known = jit.functions.words, code.form, jit.functions.known
    lines = jit.lines
    assert lines is not None
    lines.at(next(one for one in code.all() if one.kind == "baseline"), 0, None)
    answers: Counter[str] = Counter()
    for kind in ("turbofan", "baseline"):
        for one in code.all():
            owner = code.owner(one)
            right = lines.at(one, one.start + (one.end - one.start) // 2, owner.shared)
            if one.kind == kind and len(right) > (kind == "turbofan"):
                break
        held = words.pointer(one.code + form.held) - 1
        table = words.pointer(one.code + form.positions) - 1
        structures = {f"{kind} table": (table, 24), f"{kind} held": (held, 0x28)}
        if kind == "turbofan":
            calls = held + known["array data"] + 8 * known["inlining positions"]
            structures["calls"] = (words.pointer(calls) - 1, 0x30)
        for what, patches in random_patches(compiled, 16, structures):
            other = damaged(compiled, patches)
            began = time.monotonic()
            pc = one.start + (one.end - one.start) // 2
            found = lines.over(Words(other.target)).at(one, pc, owner.shared)
            answers[f"{what} {found == right}"] += 1
            assert other.target.reads < 2 * MOST_READS, what  # type: ignore[attr-defined]
            assert time.monotonic() - began < ONE_S, what
    assert len([key for key in answers if key.endswith("False")]) >= 4, answers


def test_damaged_code_objects_are_refused_or_answered(compiled: Session) -> None:
    jit, code = only_jit(compiled, JavaScript), code_of(compiled)
    words, form = jit.functions.words, code.form
    answers: Counter[str] = Counter()
    for kind in ("turbofan", "baseline"):
        one = next(one for one in code.all() if one.kind == kind)
        structures = {
            "stream": (one.start - form.header, form.header),
            "code": (one.code, 0x40),
        }
        if kind == "turbofan":
            structures["held"] = (words.pointer(one.code + form.held) - 1, 0x60)
        right = code.owner(one).function
        assert right is not None
        for what, patches in random_patches(compiled, 15, structures):
            other = damaged(compiled, patches)
            found = code.over(Words(other.target))
            began = time.monotonic()
            place = found.at(one.start + 8)
            if place is not None:
                assert place.start <= one.start + 8 < place.end
                function = found.owner(place).function
                answers[what] += function is not None and function.name == right.name
            else:
                answers["none"] += 1
            assert other.target.reads < 2 * MOST_READS, what  # type: ignore[attr-defined]
            assert time.monotonic() - began < ONE_S, what
    assert min(answers[what] for what in ("code", "held", "none")) > 20, answers


def test_code_of_another_version_is_named_and_not_guessed(session: Session) -> None:
    """Frames are read by what it exports; code objects are not looked for."""
    address = session.target.symbol_address("_ZN2v88internal7Version6minor_E")
    assert isinstance(address, int)
    other = only_jit(damaged(session, {address: 4}), JavaScript)
    code = next(one for one in code_of(session).all())
    answer = other.at(code.start)
    assert answer is not None
    assert isinstance(answer.block, Absent)
    assert answer.block.reason is Reason.UNKNOWN_VERSION
    assert "V8 11.4 of libnode 115" in answer.block.detail
    assert other.blocks().cut


@pytest.mark.jits
@pytest.mark.parametrize("packages", [NODE_20, NODE_24], ids=lambda packages: packages.name)
def test_every_code_object_is_in_its_perf_map(packages: Packages, tmp_path: Path) -> None:
    """Which V8 writes as it compiles; of the rest it has what is built in and bytecode."""
    written = tmp_path / "written"
    written.mkdir()
    (tmp_path / "node").mkdir()
    dead = node(packages, tmp_path / "node", written)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    (path,) = written.glob("perf-*.map")
    lines = (line.split(" ", 2) for line in path.read_text().splitlines())
    said = {int(start, 16): (int(size, 16), name) for start, size, name in lines}
    listed = only_jit(session, JavaScript).blocks().codes
    assert len(listed) >= 30
    for one in listed:
        assert present(one.block)
        size, name = said[one.block.start]
        assert one.block.end - one.block.start == size, name
        function = code_at(session, one.block.start).function
        if name.startswith("JS:"):
            assert NAMED.match(name)[1] == (str(function).replace("(anonymous function)", ""))  # type: ignore[index]
        else:
            assert (name.partition(":")[0], one.kind) == ("RegExp", "regexp")


def test_frames_of_the_library_itself_are_no_functions(session: Session) -> None:
    functions = only_jit(session, JavaScript).functions
    named = {frame for _, frame in places(session)}
    for frame in calls_of(session):
        record = frame.registers.get("x29", 0)
        if record and record not in named:
            assert functions.function_in(record) is None


def test_without_the_library_it_is_said_that_it_is_needed() -> None:
    session = session_of(NAME)
    frame = next(one for one in calls_of(session) if "libnode" in one.function)
    (found,) = jits(session)
    assert isinstance(found.jit, Absent)
    assert "libnode.so.115" in found.jit.detail
    assert not any(place for place, _ in places(session)), frame


def test_damage_is_an_answer_or_none_and_bounded(session: Session) -> None:
    whole = only_jit(session, JavaScript).functions
    place, frame = next(iter(places(session)))
    known, words = whole.known, whole.words
    function = words.pointer(frame + known["function in frame"]) - 1
    shared = words.pointer(function + known["shared"]) - 1
    scope = words.pointer(shared + known["name"]) - 1
    script = words.pointer(shared + known["script"]) - 1
    bytecode = words.pointer(frame + known["bytecode in frame"]) - 1
    structures = {
        "frame": (frame - 48, 64),
        "function": (function, 0x28),
        "shared": (shared, 0x30),
        "scope": (scope, 0x50),
        "script": (script, 0x40),
        "bytecode": (bytecode, 0x36),
    }
    answers = set()
    for what, patches in random_patches(session, 8, structures):
        other = damaged(session, patches)
        functions = whole.over(Words(other.target))
        began = time.monotonic()
        found = functions.function_in(frame)
        answers.add(found if found is None else found.name)
        assert other.target.reads < MOST_READS, what  # type: ignore[attr-defined]
        assert time.monotonic() - began < ONE_S, what
    assert {None, place.function} <= answers


class Endless(Damaged):
    """A core in which memory from an address on has nothing but bytes of one value.

    Args:
        target: the core.
        patches: as of `Damaged`, stronger than those bytes.
        start: where they begin.
    """

    def __init__(self, target: CoreTarget, patches: dict[int, int], start: int) -> None:
        super().__init__(target, patches)
        self.start = start

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """As the core has it before `start`."""
        if self.start <= address < self.start + 2 * MOST_POSITIONS:
            return b"\xff" * length
        return super().read_memory(address, length)


def test_a_number_without_an_end_ends(session: Session) -> None:
    whole = only_jit(session, JavaScript).functions
    known, words = whole.known, whole.words
    place, frame = next(
        (place, frame)
        for place, frame in places(session)
        if present(place.line) and place.line.line
    )
    assert whole.function_in(frame).line  # type: ignore[union-attr]
    bytecode = words.pointer(frame + known["bytecode in frame"]) - 1
    table = words.pointer(bytecode + FORMS[11, 3].positions) - 1
    begin, length = table + known["array data"], table + known["array length"]
    patches = {length + at: byte for at, byte in enumerate(struct.pack("<Q", MOST_POSITIONS << 32))}
    target = session.target
    assert isinstance(target, CoreTarget)
    endless = Endless(target, patches, begin)
    began = time.process_time()
    found = whole.over(Words(endless)).function_in(frame)  # type: ignore[arg-type]
    assert time.process_time() - began < ONE_S
    assert found is not None
    assert (found.name, found.line) == (place.function, 0)


def test_a_constant_that_is_not_there_makes_the_version_unknown(session: Session) -> None:
    target = session.target

    def symbol(name: str) -> int | Absent:
        return target.symbol_address(name if "SharedFunctionInfo__name" not in name else "gone")

    with pytest.raises(HoleError, match="name_or_scope_info"):
        V8(Words(target), symbol, None)


def test_time_of_an_answer(session: Session) -> None:
    _, frame = next(iter(places(session)))
    target = session.target
    assert processor_time(lambda: jits(Session(target))) < COLD_S
    functions = only_jit(session, JavaScript).functions
    assert processor_time(lambda: functions.function_in(frame)) < WARM_S
