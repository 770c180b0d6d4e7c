"""HotSpot's code in cores of Debian's OpenJDK, by what the JVM's own error report says of it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.sources.hotspot import JavaCode
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits.hotspot import ADAPTERS, FORMS, Blob, HotSpot
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.reports.postmortem import parts
from mtedbg.reports.section import Medium
from mtedbg.session import Session
from tests.jits.engines import JAVA_17, JAVA_21, JAVA_25, java, java_files
from tests.jits.frozen import (
    calls_of,
    damaged,
    only_jit,
    processor_time,
    provenance,
    random_patches,
    session_of,
)
from tests.support.compile import BUILT

PLAIN, TAGGED = "hotspot-21", "hotspot-21-tagged"
COMPILED = re.compile(
    r"^J (\d+) (c[12]) (\S+) \(\d+ bytes\) @ 0x([0-9a-f]+) \[0x([0-9a-f]+)\+0x([0-9a-f]+)\]", re.M
)
INTERPRETED = re.compile(r"^j  (\S+)\+(\d+)", re.M)
MADE = re.compile(r"nmethod (\d+) 0x([0-9a-f]+) code \[0x([0-9a-f]+), 0x([0-9a-f]+)\]")
WARM_S, COLD_S = 0.005, 0.3
MOST_READS, ONE_S = 20_000, 2.0
LINES = {"Main.middle(JI)I": "Main.java:23", "Main.outer(J)I": "Main.java:29"}
"""Where the calls are in `programs/Main.java`."""


@pytest.fixture(scope="module")
def files() -> Path:
    return java_files(BUILT / "jits/java-files")


@pytest.fixture(scope="module")
def session(files: Path) -> Session:
    return session_of(PLAIN, files)


def test_compiled_frames_are_those_of_the_error_report(session: Session) -> None:
    frames = COMPILED.findall(str(provenance(PLAIN)["said"]))
    assert len(frames) == 3
    for number, compiler, name, pc, start, offset in frames:
        place = code_at(session, int(pc, 16))
        assert place.function == name
        assert present(place.block)
        assert place.block.number == int(number)
        assert place.block.kind == "nmethod"
        assert place.block.start == int(start, 16) == int(pc, 16) - int(offset, 16)
        assert str(place.block.tier).startswith(compiler.upper())
        assert place.block.state == "in use"


def test_code_is_where_the_jvm_says_it_was_installed(session: Session) -> None:
    made = MADE.findall(str(provenance(PLAIN)["said"]))
    assert len(made) >= 5
    known = {one.number: one for one in only_jit(session, JavaCode).blocks().codes}
    for number, _, start, end in made:
        span = known[int(number)].block
        assert present(span)
        assert (span.start, span.end) == (int(start, 16), int(end, 16))


def test_the_backtrace_goes_through_java_to_the_end(session: Session) -> None:
    said = str(provenance(PLAIN)["said"])
    wanted = [one[2] for one in COMPILED.findall(said)]
    wanted += [one[0] for one in INTERPRETED.findall(said)]
    functions = [frame.function for frame in calls_of(session)]
    first = next(at for at, one in enumerate(functions) if one.startswith("Main.inner"))
    assert [one.split(" ")[0] for one in functions[first : first + 4]] == wanted
    assert functions[first + 4].startswith("call_stub")
    assert any("libjli.so" in one for one in functions[first + 5 :])


def test_lines_are_those_of_the_source(session: Session) -> None:
    source = (Path(__file__).parent / "programs/Main.java").read_text().splitlines()
    found = {
        str(place.function): str(place.line)
        for frame in calls_of(session)
        if present(frame.place.jit)
        and (place := code_at(session, frame.pc - frame.after_call))
        and present(place.line)
    }
    assert found.items() >= LINES.items()
    for line in LINES.values():
        called = source[int(line.split(":")[1]) - 1]
        assert "inner(" in called or "middle(" in called


def test_an_interpreted_frame_has_method_bytecode_and_line(session: Session) -> None:
    ((name, bytecode),) = INTERPRETED.findall(str(provenance(PLAIN)["said"]))
    (frame,) = [one for one in calls_of(session) if one.function.startswith("Main.main")]
    assert present(frame.place.jit)
    place = frame.place.jit.place
    assert place.function == name
    assert f"interpreted, at bytecode {bytecode}" in place.notes
    source = (Path(__file__).parent / "programs/Main.java").read_text().splitlines()
    assert "outer(Long.decode" in source[place.line.line - 1]


def test_a_jvm_that_dies_of_a_tag_check_in_its_adapter_says_so(files: Path) -> None:
    session = session_of(TAGGED, files)
    first = next(iter(parts(session, Medium.TERMINAL))).report
    assert first is not None
    assert first.headline.startswith("tag check fault (synchronous): load of 8 bytes")
    text = str(first.answer)
    assert "I2C/C2I adapters, adapter" in text


def test_the_backtrace_out_of_an_adapter_has_the_frames_of_the_error_report(files: Path) -> None:
    frames = [frame.function for frame in calls_of(session_of(TAGGED, files))]
    adapter = next(at for at, one in enumerate(frames) if one.startswith(ADAPTERS))
    rest = [one.split(" ")[0] for one in frames[adapter + 1 :]]
    wanted = [one[0] for one in INTERPRETED.findall(str(provenance(TAGGED)["said"]))]
    first = rest.index(wanted[0])
    assert rest[first : first + 8] == wanted[:8]


def test_every_blob_is_found_by_each_end_of_it(session: Session) -> None:
    cache = only_jit(session, JavaCode).cache
    blobs = list(cache.blobs())
    assert len(blobs) > 200
    for blob in blobs:
        assert cache.at(blob.start) == blob
        assert cache.at(blob.end - 1) == blob


def test_without_the_library_it_is_said_that_it_is_needed() -> None:
    session = session_of(PLAIN)
    pc = int(COMPILED.findall(str(provenance(PLAIN)["said"]))[0][3], 16)
    place = code_at(session, pc)
    assert place.outcome is Outcome.METADATA_NOT_DUMPED
    assert "libjvm.so" in place.detail


def test_a_version_that_lacks_a_field_is_unknown(session: Session, monkeypatch) -> None:
    fields = {**HotSpot.FIELDS, "nmethod": (*HotSpot.FIELDS["nmethod"], "_moved")}
    monkeypatch.setattr(HotSpot, "FIELDS", fields)
    pc = int(COMPILED.findall(str(provenance(PLAIN)["said"]))[0][3], 16)
    place = code_at(Session(session.target), pc)
    assert place.outcome is Outcome.UNKNOWN_VERSION
    assert "nmethod::_moved" in place.detail


def methods(cache: HotSpot, blob: Blob) -> dict[str, tuple[int, int]]:
    """The records of the method that a blob is of."""
    offsets = cache.offsets
    words = cache.words
    holder_of = "CompiledMethod" if ("CompiledMethod", "_method") in offsets else "nmethod"
    method = words.pointer(blob.address + offsets[holder_of, "_method"])
    constant = words.pointer(method + offsets["Method", "_constMethod"])
    pool = words.pointer(constant + offsets["ConstMethod", "_constants"])
    holder = words.pointer(pool + offsets["ConstantPool", "_pool_holder"])
    name = words.pointer(holder + offsets["Klass", "_name"])
    heaps = cache.heaps[0]
    return {
        "method": (method, 0x20),
        "constant": (constant, 0x60),
        "pool": (pool, 0x80),
        "class": (holder + offsets["Klass", "_name"], 8),
        "name": (name, 0x10),
        "map": (heaps[2] + ((blob.address - heaps[0]) >> heaps[4]) - 2, 16),
    }


OTHERS = {"hotspot-17": JAVA_17, PLAIN: JAVA_21, "hotspot-25": JAVA_25}


@pytest.fixture(params=OTHERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def of_version(name: str) -> Session:
    """A core of each version that is known."""
    folder = BUILT / f"jits/java-files{name.removeprefix(PLAIN)}"
    return session_of(name, java_files(folder, OTHERS[name]))


def test_damage_is_an_answer_or_a_refusal_and_bounded(name: str, of_version: Session) -> None:
    session = of_version
    pc = int(COMPILED.findall(str(provenance(name)["said"]))[1][3], 16)
    whole = only_jit(session, JavaCode)
    cache = whole.cache
    blob = cache.at(pc)
    assert blob is not None
    frame = next(one for one in calls_of(session) if one.function.startswith("Main.main"))
    structures = {
        "blob": (blob.address - 16, 0x160),
        "frame": (frame.registers["x29"] - 80, 96),
        **methods(cache, blob),
    }
    answers = set()
    for number, (what, patches) in enumerate(random_patches(session, 21, structures)):
        other = damaged(session, patches)
        cache = whole.cache.over(Words(other.target))
        jit = JavaCode(whole.version, cache, cache.words)
        began = time.monotonic()
        found = jit.at(pc)
        if found is not None and present(found.block) and present(found.symbol):
            assert found.symbol.start <= pc < found.symbol.end
        hole = found is not None and isinstance(found.block, Absent)
        answers.add(found.block.reason if hole else None)  # type: ignore[union-attr]
        jit.in_frame(frame.pc - 1, frame.registers)
        jit.unwind(pc, {"sp": frame.registers["x29"] - 256, "x29": frame.registers["x29"]})
        if number % 16 == 0:
            assert len(jit.blocks().codes) <= 1 << 16
        assert other.target.reads < MOST_READS, what  # type: ignore[attr-defined]
        assert time.monotonic() - began < ONE_S, what
    assert {None, Reason.DAMAGED} <= answers


@pytest.mark.jits
def test_every_line_of_its_perf_map(tmp_path: Path) -> None:
    """Which the JVM writes when it ends; after that it leaves a core."""
    written = tmp_path / "written"
    written.mkdir()
    (tmp_path / "java").mkdir()
    dead = java(tmp_path / "java", perf_map=written)
    budget = Budget(USUAL.scaled(1000))
    target = CoreTarget(str(dead.core), str(dead.program), str(dead.files), budget=budget)
    session = Session(target)
    (path,) = written.glob("perf-*.map")
    lines = [line.split(" ", 2) for line in path.read_text().splitlines()]
    assert len(lines) > 400
    compiled = 0
    for start, size, name in lines:
        first = int(start, 16)
        place = code_at(session, first)
        assert present(place.block), name
        assert (place.block.start, place.block.end) == (first, first + int(size, 16)), name
        if name in (place.function, "Interpreter"):  # of which the map has no parts
            continue
        # "int Main.middle(long, int)"
        compiled += 1
        method = str(place.function).partition("(")[0]
        assert name.partition("(")[0].rpartition(" ")[2] == method
    assert compiled > 50


def test_damage_of_what_the_library_exports(of_version: Session) -> None:
    session = of_version
    target = session.target
    table = target.symbol_address("gHotSpotVMStructs")
    assert not isinstance(table, Absent)
    start = target.read_memory(table, 8)
    assert not isinstance(start, Absent)
    structures = {
        "exports": (table - 0x20, 0x28),
        "entries": (int.from_bytes(start, "little"), 0x400),
    }
    for what, patches in random_patches(session, 22, structures):
        other = damaged(session, patches)
        began = time.monotonic()
        with suppress(HoleError):
            HotSpot(Words(other.target), other.target.symbol_address)
        assert time.monotonic() - began < ONE_S, what


def test_time_of_an_answer(files: Path) -> None:
    pc = int(COMPILED.findall(str(provenance(PLAIN)["said"]))[1][3], 16)
    session = session_of(PLAIN, files)
    session.target.symbol_address("gHotSpotVMStructs")  # the library's symbols are not the JIT's
    assert processor_time(lambda: code_at(Session(session.target), pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, JavaCode).at(pc)) < WARM_S


def test_nothing_is_called_damaged_of_a_version_that_is_not_known(session: Session) -> None:
    """What does not fit may be another layout: the same bytes are damage of one that is known."""
    jit = only_jit(session, JavaCode)
    pc = next(one.block.start for one in jit.blocks().codes if present(one.block))
    low, _, map_low, _, shift = next(heap for heap in jit.cache.heaps if heap[0] <= pc < heap[1])
    segment = map_low + ((pc - low) >> shift)
    reasons = []
    for major in (21, 22):
        other = only_jit(damaged(session, {segment: 0xFE}), JavaCode)
        other.cache._form = FORMS.get(major)
        found = other.at(pc)
        assert found is not None
        assert isinstance(found.block, Absent)
        reasons.append(found.block.reason)
    assert reasons == [Reason.DAMAGED, Reason.UNKNOWN_VERSION]
