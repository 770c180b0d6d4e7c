"""Scripts under LuaJIT: dead in the VM with a tagged heap, and against its own list of traces."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.luajit import LuaJit, heaps
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.budget import USUAL, Budget
from mtedbg.decode.jits.luajit import Traces
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.session import Session
from tests.jits.frozen import CHANGES, damaged, only_jit, random_patches
from tests.support.compile import ROOT
from tests.support.cores import TAGGED_HEAP
from tests.support.packages import died, with_own_libraries
from tests.support.translated import FOLDER, line_of, luajit

SCRIPT = FOLDER / "freed.lua"
WARM_S, COLD_S, ONE_S = 0.005, 0.3, 2.0
# [TRACE   4 (3/7) freed.lua:22 -> 3]
_TRACE = re.compile(r"\[TRACE +(\d+) (?:\((\d+)/(\d+)\) )?(\S+:\d+) (.*)\]")


def environment(root: Path) -> dict[str, str]:
    """What LuaJIT needs to find its own modules."""
    return {"LUA_PATH": f"{root}/usr/share/luajit-2.1/?.lua", "HOME": "/root", "PATH": "/usr/bin"}


@pytest.fixture(scope="module")
def root() -> Path:
    return luajit()


@pytest.fixture(scope="module")
def traced(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, str]:
    """A script that died under QEMU in a trace, and LuaJIT's own list of its traces."""
    folder = tmp_path_factory.mktemp("traced")
    argv = ["/usr/bin/luajit", "-jv", str(SCRIPT)]
    result = died(root, argv, folder, environment(root))
    # A thousand sessions of one core read it.
    budget = Budget(USUAL.scaled(1000))
    target = CoreTarget(result.core, str(root / "usr/bin/luajit"), budget=budget)
    return Session(target), result.output


def test_every_trace_of_its_own_list(traced: tuple[Session, str]) -> None:
    session, said = traced
    listed = only_jit(session, LuaJit).blocks()
    assert not listed.cut
    oracle = [match.groups() for match in _TRACE.finditer(said)]
    assert len(oracle) >= 5
    assert [one.number for one in listed.codes] == [int(one[0]) for one in oracle]
    for code, (number, parent, taken, place, link) in zip(listed.codes, oracle, strict=True):
        assert present(code.line)
        assert str(code.line).rpartition("/")[2] == place
        how = code.notes[0]
        if parent is None:
            assert code.kind == "root trace"
            assert how.startswith("a root")
        else:
            assert code.kind == "side trace"
            assert how.startswith(f"from exit {taken} of trace {parent}")
        if link.startswith("-> "):
            assert how.endswith(f"goes on to trace {link.removeprefix('-> ')}"), number
        else:
            assert how.endswith(f"ends as {link}"), number


def test_each_instruction_is_of_its_trace(traced: tuple[Session, str]) -> None:
    session, _ = traced
    for code in only_jit(session, LuaJit).blocks().codes:
        assert present(code.block)
        for pc in range(code.block.start, code.block.end, 4):
            place = code_at(session, pc)
            assert place.outcome is Outcome.RANGE
            assert present(place.block)
            assert present(place.range)
            assert place.block.number == code.number
            assert place.range.start <= pc < place.range.end


def test_the_place_of_death_and_its_calls(traced: tuple[Session, str]) -> None:
    session, _ = traced
    calls = host_calls(session, session.current_thread())
    assert present(calls)
    line = line_of("freed.lua", "-- read after free")
    names = [frame.place.name for frame in calls.frames]
    assert re.match(rf"freed\.lua:9 at \S*freed\.lua:{line} \[trace \d+, LuaJIT 2\.1", names[0])
    assert "lua_pcall" in names[1], "x29 leads through the trace"
    assert names[-1] == "_start"


def test_a_use_after_free_in_a_trace(root: Path, tmp_path: Path) -> None:
    with boot([Share(ROOT, str(ROOT)), Share(root, str(root))], MachineOptions(cpus=1)) as vm:
        result = vm.run(
            [*with_own_libraries(root, "/usr/bin/luajit"), str(SCRIPT), "read"],
            env={**environment(root), **TAGGED_HEAP},
            cores_to=tmp_path,
        )
    assert len(result.cores) == 1, result
    first = cause(Session(CoreTarget(result.cores[0]))).words
    assert "tag check fault (synchronous)" in first
    line = line_of("freed.lua", "-- read after free")
    assert re.search(rf"in freed\.lua:9 at \S*freed\.lua:{line} \[trace \d+, LuaJIT 2\.1\.", first)
    assert re.search(r"use after free: .* freed chunk of 16 bytes", first), first


def test_a_trace_is_found_quickly(traced: tuple[Session, str]) -> None:
    session, _ = traced
    registers = session.target.registers(session.current_thread())
    assert present(registers)
    (found,) = jits(session)
    began = time.process_time()
    fresh = LuaJit(session, found.mapped)
    assert fresh.at(registers["pc"]) is not None
    assert time.process_time() - began < COLD_S
    began = time.process_time()
    for offset in range(0, 256, 4):
        fresh.at(registers["pc"] - offset)
    assert (time.process_time() - began) / 64 < WARM_S


def test_damaged_structures_are_told_or_refused(traced: tuple[Session, str]) -> None:
    session, _ = traced
    registers = session.target.registers(session.current_thread())
    assert present(registers)
    pc = registers["pc"]
    traces = Traces(session.target.read_memory, heaps(session))
    trace = traces.at(pc)
    assert trace is not None
    proto = traces.proto(trace.prototype)
    assert proto is not None
    structures = {
        "state": (traces.states[0], 0x600),
        "trace": (trace.record, 0x78),
        "its parts": (trace.record + 0x78, 0x200),
        "function": (proto.address, 0x68),
    }
    told = 0
    for what, patches in random_patches(session, 1993, structures):
        began = time.process_time()
        found = LuaJit(damaged(session, patches), None).at(pc)
        assert time.process_time() - began < ONE_S, (what, patches)
        if found is None or isinstance(found.block, Absent):
            reason = None if found is None else found.block.reason
            assert reason in (None, Reason.UNKNOWN_VERSION, Reason.UNKNOWN), (what, patches)
            continue
        told += 1
        assert found.block.start <= pc < found.block.end
    assert told > CHANGES
