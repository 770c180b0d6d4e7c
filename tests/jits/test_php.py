"""PHP's traces in a core, by what the JIT printed, and what it registered for debuggers."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.mappings import MappedFile
from mtedbg.analysis.code.sources.php import NOT_DESCRIBED, Php, find
from mtedbg.budget import USUAL, Budget
from mtedbg.dataclass import replace
from mtedbg.decode.jits.php import LAYOUTS, MOST_BYTES, Opcache, Traces
from mtedbg.decode.jits.php_frames import REGISTER, place_in
from mtedbg.decode.jits.php_functions import Functions
from mtedbg.decode.jits.php_stubs import STUBS_8_4
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode
from mtedbg.session import Session
from tests.jits import engines
from tests.jits.engines import PHP_84
from tests.jits.frozen import (
    CHANGES,
    Damaged,
    calls_of,
    damaged,
    only_jit,
    processor_time,
    provenance,
    random_patches,
    session_of,
)
from tests.jits.test_engines_in_debuggers import in_order, same_frames
from tests.support.compile import ROOT
from tests.support.packages import died, unpacked

NAME = "php-8.4"
STARTED = re.compile(
    r"^---- TRACE (\d+) start \((side trace (\d+)/\d+|\w+)\) (\w+)\(\) (\S+):(\d+)$", re.M
)
STOPPED = re.compile(r"^---- TRACE (\d+) stop \((loop|return|link to (\d+))\)$", re.M)
REGISTERED = re.compile(r"TRACE-(\d+)\$(\w+)\$(\d+)")
NEAR = 1 << 16
"""Bytes around a function in which its instructions are."""
SIZE = 104
"""Of a trace's record."""
WARM_S, COLD_S, ONE_S = 0.005, 0.3, 2.0
MOST_READS = 20_000


@pytest.fixture(scope="module")
def session() -> Session:
    return session_of(NAME, budget=Budget(USUAL.scaled(100)))


def traces(session: Session) -> dict[int, ForeignCode]:
    listed = only_jit(session, Php).blocks()
    assert not listed.cut
    return {one.number: one for one in listed.codes if present(one.number)}


@pytest.fixture(scope="module")
def whole_functions() -> Session:
    """The same program, whose functions were compiled whole."""
    return session_of("php-8.4-function", budget=Budget(USUAL.scaled(100)))


def test_functions_that_were_compiled_whole(whole_functions: Session) -> None:
    """Where the JIT has registered them, but for what fills the place up to the next one."""
    objects = whole_functions.jit_objects
    assert not isinstance(objects, Absent)
    registered = {one.symbol.name: one for one in objects.listed().codes if present(one.symbol)}
    listed = only_jit(whole_functions, Php).blocks()
    assert not listed.cut
    found = [one for one in listed.codes if one.kind == "function"]
    assert [one.function for one in found] == ["(main)", "inner", "middle"]
    for one, line in zip(found, (1, 2, 10), strict=True):
        name = "/jits/loop.php" if one.function == "(main)" else one.function
        said = registered[f"JIT${name}"].block
        assert present(said)
        assert present(one.block)
        assert one.block.start == said.start
        assert 0 <= one.block.end - said.end < 16
        first = 17 if line == 1 else line  # the file's code defines its functions without any
        for pc, of_pc in ((said.start, f":{first}"), (said.start + 4, ""), (said.end - 4, "")):
            place = code_at(whole_functions, pc)
            assert (place.outcome, place.source) == (Outcome.RANGE, CodeSource.PHP)
            assert (place.function, str(place.line)) == (one.function, f"/jits/loop.php{of_pc}")
        assert f"the function begins at /jits/loop.php:{line}" in one.notes
    frames = [frame.function for frame in calls_of(whole_functions)]
    assert any(one.startswith("inner") for one in frames)


def test_stubs_have_names(whole_functions: Session) -> None:
    """They end where the first function begins; in front of them is the table that tells them."""
    listed = only_jit(whole_functions, Php).blocks().codes
    stubs = [one for one in listed if one.kind == "stub"]
    assert [one.symbol.name for one in stubs if present(one.symbol)] == [*STUBS_8_4]
    end = 0
    for one in stubs:
        assert present(one.block)
        assert end in (0, one.block.start)
        end = one.block.end
        for pc in (one.block.start, end - 4):
            place = code_at(whole_functions, pc)
            assert (place.outcome, place.source) == (Outcome.RANGE, CodeSource.PHP)
            assert present(one.symbol)
            assert place.function == one.symbol.name
    first = min(one.block.start for one in listed if one not in stubs and present(one.block))
    assert 0 <= first - end < 16
    filled = only_jit(whole_functions, Php).functions.filled
    place = code_at(whole_functions, filled.start)
    assert (place.outcome, place.source) == (Outcome.BLOCK_NO_RANGE, CodeSource.PHP)


def test_stubs_of_another_order_are_not_named(whole_functions: Session) -> None:
    """A table with one more, or one less, is another version's."""
    jit = only_jit(whole_functions, Php)
    filled = jit.functions.filled
    for at, value in ((31, 0), (32, filled.stubs - 16), (5, filled.start + 0x210)):
        word = value.to_bytes(8, "little")
        patches = {filled.start + 8 * at + one: byte for one, byte in enumerate(word)}
        other = damaged(whole_functions, patches)
        place = code_at(other, filled.stubs - 16)
        assert (place.outcome, place.source) == (Outcome.CANNOT_TELL, CodeSource.PHP)
        why = "cannot be told here (the table of stubs is not as that version has it)"
        assert place.notes == (f"which stub it is: {why}",)
        assert str(place.version) == "PHP 8.4"
        (whole,) = [one for one in only_jit(other, Php).blocks().codes if one.kind == "stubs"]
        assert whole.block == CodeSpan(filled.start, filled.stubs)


@pytest.fixture(scope="module", params=["tracing", "function"])
def announced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Functions, dict[str, tuple[int, int]]]:
    """Of a PHP that dies under QEMU, and what it wrote into its map for perf.

    Its code is longer than a branch with a condition reaches: the JIT puts code that leads to its
    stubs next to what needs it, and the table has that code's address.
    """
    root, folder = unpacked(PHP_84), tmp_path_factory.mktemp("php")
    count = 600
    functions = (
        f"function f{one}($a, $n) {{ for ($i = 0; $i < $n; $i++) $a[$i] = $a[$i] % 7; return $a; }}"
        for one in range(count)
    )
    ends = "echo 'pid ', getmypid(), PHP_EOL; posix_kill(getmypid(), 11);"
    (folder / "many.php").write_text("\n".join(["<?php", *functions, ends]))
    modules = root / "usr/lib/php/20240924"
    settings = {
        "zend_extension": str(modules / "opcache.so"),
        "extension": str(modules / "posix.so"),
        "opcache.enable_cli": "1",
        "opcache.file_update_protection": "0",
        "opcache.jit_buffer_size": "16M",
        "opcache.memory_consumption": "16",
        "opcache.interned_strings_buffer": "1",
        "opcache.jit": request.param,
        "opcache.jit_debug": "0x10",
    }
    options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
    dead = died(root, ["/usr/bin/php8.4", "-n", *options, "many.php"], folder)
    pid = re.search(r"^pid (\d+)$", dead.output, re.M)
    assert pid, dead.output
    written = Path(f"/tmp/perf-{pid[1]}.map")
    lines = [line.split(maxsplit=2) for line in written.read_text().splitlines()]
    written.unlink()
    said = {name: (int(at, 16), int(at, 16) + int(size, 16)) for at, size, name in lines}
    assert len(said) == len(lines) == len(STUBS_8_4) + (request.param == "function") * (count + 1)
    core = CoreTarget(str(dead.core), str(root / "usr/bin/php8.4"), str(root))
    # QEMU's cores name no files.
    jit = find(Session(core), MappedFile(str(modules / "opcache.so"), 0))
    assert isinstance(jit, Php)
    return jit.functions, said


def test_stubs_are_where_the_map_has_them(
    announced: tuple[Functions, dict[str, tuple[int, int]]],
) -> None:
    functions, said = announced
    many = len(said) > len(STUBS_8_4)
    seen: list[str] = []
    for one in functions.stubs:
        start, _ = said[f"JIT$${one.names[0]}"]
        _, end = said[f"JIT$${one.names[-1]}"]
        assert one.start == start
        assert 0 <= one.end - end < 16
        seen += one.names
    lacks = {*STUBS_8_4} - {*seen}
    several = [one.names for one in functions.stubs if len(one.names) > 1]
    assert bool(several) is many
    assert lacks <= {"exception_handler", "exception_handler_undef"}
    assert bool(lacks) is many  # nothing in front of them tells where they begin


def test_functions_are_where_the_map_has_them(
    announced: tuple[Functions, dict[str, tuple[int, int]]],
) -> None:
    """Parameters without types are received by no code: functions are entered behind that."""
    functions, said = announced
    found = [*functions.all]
    assert len(found) == len(said) - len(STUBS_8_4)
    for one in found:
        start, end = said[f"JIT${one.name or one.file}"]
        assert one.start == start
        assert 0 <= one.end - end < 16
        if one.name:
            # Each is written on one line.
            assert {*one.entries.values()} == {int(one.name[1:]) + 2}
            assert functions.at(start + 4) == one


class Without(Damaged):
    """A core that lacks some memory, as one whose filter leaves shared memory out."""

    lacks: tuple[int, int]

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """As the core has it, but for that memory."""
        if address < self.lacks[1] and self.lacks[0] < address + length:
            return Absent(Reason.NOT_DUMPED)
        return super().read_memory(address, length)


@pytest.mark.parametrize("lacking", ["shared memory", "end of the buffer"])
def test_a_core_without_some_of_it_is_not_called_corrupt(
    whole_functions: Session, lacking: str
) -> None:
    functions = only_jit(whole_functions, Php).functions
    inner = next(one for one in functions.all if one.name == "inner")
    target = Without(cast(CoreTarget, whole_functions.target), {})
    end = functions._opcache.code[0][1]
    target.lacks = functions._opcache.shared[0] if lacking == "shared memory" else (end - 4096, end)
    session = Session(cast(CoreTarget, target))
    found = only_jit(session, Php).at(inner.start)
    assert found is not None
    assert isinstance(found.block, Absent)
    assert found.block.reason is Reason.NOT_DUMPED
    # What the JIT has registered for debuggers is the next to be asked.
    place = code_at(session, inner.start)
    assert (place.source, place.function) == (CodeSource.JIT_INTERFACE, "JIT$inner")


def test_damaged_functions_are_refused_or_answered(whole_functions: Session) -> None:
    jit = only_jit(whole_functions, Php)
    inner = next(one for one in jit.functions.all if one.name == "inner")
    (record,) = (
        one.address
        for one in jit.functions._functions
        if jit.functions._compiled(one).name == "inner"
    )
    layout = LAYOUTS["20240924"][1]
    words = Words(whole_functions.target)
    structures = {
        "function": (record, 0xB8),
        "instructions": (words.pointer(record + layout.instructions), 4 * 32),
        "end of the buffer": (jit.functions._opcache.code[0][1] - 16, 16),
        "stubs": (jit.functions.filled.start, 16 * len(STUBS_8_4)),
    }
    answered = dict.fromkeys(structures, 0)
    near = [(record & -NEAR, (record & -NEAR) + NEAR)]
    for what, patches in random_patches(whole_functions, 85, structures):
        other = damaged(whole_functions, patches)
        read = Words(other.target)
        began = time.process_time()
        opcache = Opcache(read, layout, near, jit.functions._opcache.code, MOST_BYTES)
        traces = Traces(opcache)
        functions = Functions(opcache, traces)
        with suppress(HoleError):
            found = functions.at(inner.start)
            if found is not None:
                assert found.start <= inner.start < found.end
                answered[what] += found.name == "inner" and what != "stubs"
            assert len([*functions.all]) <= 3
            starts = [one.start for one in functions.stubs]
            assert starts == sorted({*starts})
            assert functions.filled.start < starts[0]
            assert starts[-1] < functions.filled.stubs
            answered[what] += what == "stubs"
        assert cast(Damaged, other.target).reads < MOST_READS
        assert time.process_time() - began < ONE_S
    assert all(0 < count < CHANGES for count in answered.values()), answered


def test_every_trace_is_as_it_was_announced(session: Session) -> None:
    said = str(provenance(NAME)["said"])
    started, found = STARTED.findall(said), traces(session)
    assert [int(one[0]) for one in started] == sorted(found) == [1, 2, 3, 4, 5]
    links = {int(number): (how, link) for number, how, link in STOPPED.findall(said)}
    for number, kind, parent, function, file, line in started:
        code = found[int(number)]
        how, link = links[int(number)]
        if parent:
            assert code.kind == "side trace"
            assert code.notes[0].startswith(f"from trace {parent}, ")
        else:
            assert code.kind == "root trace"
            assert (code.function, str(code.line)) == (function, f"{file}:{line}"), kind
            assert code.notes[0].startswith("a root, ")
        if link:
            assert code.notes[0].endswith(f"goes on to trace {link}")
        elif how == "loop":
            assert code.notes[0].endswith("loops")


def test_a_place_in_each_trace(session: Session) -> None:
    for number, code in traces(session).items():
        assert present(code.block)
        for pc in (code.block.start, code.block.end - 4):
            place = code_at(session, pc)
            assert (place.outcome, place.source) == (Outcome.RANGE, CodeSource.PHP)
            assert place.version == "PHP 8.4"
            assert present(place.block)
            assert place.block.number == number
        assert present(place.function)


def test_what_is_no_trace_is_not_called_no_jit(session: Session) -> None:
    """Code for exits of traces, in front of them."""
    start = min(one.block.start for one in traces(session).values() if present(one.block))
    jit = only_jit(session, Php)
    found = jit.at(start - 8)
    assert found is not None
    assert found.block == Absent(Reason.UNKNOWN, NOT_DESCRIBED)
    place = code_at(session, start - 8)
    assert (place.outcome, place.source) == (Outcome.CANNOT_TELL, CodeSource.PHP)


def test_another_version_is_named_and_not_guessed(session: Session) -> None:
    (found,) = (one for one in jits(session) if one.source is CodeSource.PHP)
    assert found.mapped is not None
    other = replace(found.mapped, path=found.mapped.path.replace("20240924", "20250925"))
    known = find(session, other)
    assert isinstance(known, Absent)
    assert (known.reason, known.detail) == (
        Reason.UNKNOWN_VERSION,
        "PHP of API 20250925: layout not known",
    )


@pytest.fixture(params=[NAME, "php-8.4-function"])
def in_a_call(request: pytest.FixtureRequest) -> tuple[Session, int, int]:
    """A process that is in a call of its compiled code's; where that is, and its frame of PHP."""
    dead = session_of(request.param, budget=Budget(USUAL.scaled(100)))
    registers = dead.target.registers(dead.current_thread())
    assert not isinstance(registers, Absent)
    # What was called keeps x27, and leads back by its frame record.
    record = dead.target.read_memory(registers["x29"], 16)
    assert not isinstance(record, Absent)
    call = dead.strip(int.from_bytes(record[8:], "little")) - 4
    return dead, call, registers[REGISTER]


def test_a_frame_has_the_line_of_its_call(in_a_call: tuple[Session, int, int]) -> None:
    dead, pc, frame = in_a_call
    code = only_jit(dead, Php).in_frame(pc, {REGISTER: frame})
    assert code is not None
    assert (code.function, str(code.line)) == ("inner", "/jits/loop.php:6")
    assert only_jit(dead, Php).in_frame(pc, {REGISTER: frame + 16}) is None
    assert only_jit(dead, Php).in_frame(pc, {}) is None


def test_damaged_frames_are_refused_or_answered(in_a_call: tuple[Session, int, int]) -> None:
    dead, _, frame = in_a_call
    whole = only_jit(dead, Php).traces.opcache
    function = whole.words.pointer(frame + 24)
    layout = whole.layout
    structures = {
        "frame": (frame, 32),
        "function": (function, layout.first_line),
        "instruction": (whole.words.pointer(frame), 32),
    }
    answered = dict.fromkeys(structures, 0)
    for what, patches in random_patches(dead, 27, structures):
        other = damaged(dead, patches)
        found = place_in(replace(whole, words=Words(other.target)), frame)
        answered[what] += found is not None and found.line == 6
        assert found is None or found.file
        assert other.target.reads < ONE_S * 100  # type: ignore[attr-defined]
    assert all(0 < count < CHANGES for count in answered.values()), answered


def test_damage_is_an_answer_or_a_refusal_and_bounded(session: Session) -> None:
    whole = only_jit(session, Php)
    first = whole.traces.array
    assert first is not None
    trace = whole.traces.all[0]
    layout = LAYOUTS["20240924"][1]
    name = int.from_bytes(session.target.read_memory(trace.function + layout.name, 8), "little")  # type: ignore[arg-type]
    structures = {
        "traces": (first, 3 * SIZE),
        "function": (trace.function, 0xB8),
        "instruction": (trace.instruction, 32),
        "name": (name, 32),
    }
    answered = dict.fromkeys(structures, 0)
    # To search all of opcache's memory each time would take a minute.
    ends = first, trace.function, trace.instruction
    near = [(min(ends) & -NEAR, (max(ends) & -NEAR) + NEAR)]
    for number, (what, patches) in enumerate(random_patches(session, 84, structures)):
        other = damaged(session, patches)
        began = time.process_time()
        read, code = Words(other.target), whole.functions._opcache.code
        opcache = Opcache(read, layout, near, code, MOST_BYTES)
        found_traces = Traces(opcache)
        functions = Functions(opcache, found_traces)
        jit = Php(whole.version, found_traces, functions)
        found = jit.at(trace.start)
        if found is not None and present(found.block):
            assert found.block.start <= trace.start < found.block.end
            answered[what] += found.function == "inner"
        for code in jit.blocks().codes if number % 16 == 0 else ():
            assert present(code.block)
            assert whole.traces.holds(code.block.start)
        target = other.target
        assert isinstance(target, Damaged)
        assert target.reads < MOST_READS
        assert time.process_time() - began < ONE_S
    del answered["instruction"]  # another line is an answer, too
    assert all(0 < count < CHANGES for count in answered.values()), answered


def test_time_of_an_answer(session: Session) -> None:
    pc = only_jit(session, Php).traces.all[0].start
    assert processor_time(lambda: only_jit(Session(session.target), Php).at(pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, Php).at(pc)) < WARM_S


def as_registered(session: Session) -> None:
    """Code is where the JIT has registered it for debuggers."""
    objects = session.jit_objects
    assert not isinstance(objects, Absent)
    registered = 0
    for one in objects.listed().codes:
        if not present(one.symbol) or not (named := REGISTERED.fullmatch(one.symbol.name)):
            continue
        registered += 1
        code = traces(session)[int(named[1])]
        assert present(code.block)
        assert present(one.block)
        assert (code.block.start, code.block.end) == (one.block.start, one.block.end)
    assert registered == len(traces(session))


@pytest.mark.jits
def test_backtraces_pass_through_a_trace(tmp_path: Path) -> None:
    """The script dies anew: its trace has taken the place of the interpreter's own frame."""
    dead = engines.php(tmp_path)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    as_registered(session)
    functions = [frame.function for frame in calls_of(session)]
    assert functions[0].startswith("kill")
    assert re.fullmatch(r"inner at \S*loop\.php:6 \[trace 1, PHP 8\.4\]", functions[2])
    assert in_order(["zend_execute", "php_execute_script", "_start"], functions[3:])
    commands = [f"set sysroot {dead.root}", f"file {dead.program}", f"core {dead.core}", "bt"]
    words = [word for one in commands for word in ("-ex", one)]
    script = ROOT / "gdbinit/mtedbg.gdb"
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", "-iex", f"source {script}", *words],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    same_frames(re.findall(r"^#\d+ .*$", done.stdout, re.M), session, "_start")
