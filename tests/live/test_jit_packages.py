"""JITs from Debian's and PyPI's packages, in cores and in the debuggers' own backtraces.

What code is where is told by the JITs themselves, and by the debuggers that read their objects.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.sources import perf_map
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.decode.code.jit_interface import SYMBOL
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.model.absent import present
from mtedbg.model.foreign_code import CodeSource
from mtedbg.session import GivenFile, GivenFiles, Session
from tests.support import answers
from tests.support.cores import TAGGED_HEAP
from tests.support.jit_packages import PROGRAMS, PYTHON, python, python_environment
from tests.support.oracles import gdb, tool
from tests.support.packages import Died, unpacked, with_own_libraries

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^0x([0-9a-f]+) ([0-9a-f]+) (.+)$", re.M)
WASM = ["inner", "middle", "function[3]", "array_to_wasm_trampoline"]
LLVM = ["inner", "middle", "outer"]


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Died, Path]:
    """wasmtime without any option, but that it writes perf's map: the oracle."""
    dead = python("wasm_fault.py", tmp_path_factory.mktemp("wasm"), "perfmap", "traps")
    pid = dead.core.stem.rsplit("_", 1)[1]
    return dead, Path(f"/tmp/perf-{pid}.map")


@pytest.fixture(scope="module")
def llvm(tmp_path_factory: pytest.TempPathFactory) -> Died:
    """LLVM's MCJIT, whose descriptor is a local symbol of a library."""
    return python("llvm_fault.py", tmp_path_factory.mktemp("llvm"))


def offline(core: Path) -> str:
    """The frames as a post-mortem has them."""
    session = Session(CoreTarget(str(core)))
    calls = host_calls(session, session.current_thread())
    assert present(calls)
    return "".join(f"#{level} {frame.function}\n" for level, frame in enumerate(calls.frames))


def lldb(core: Path, program: Path) -> str:
    """LLDB's own backtrace, the extension imported after the core."""
    load = f"target create --core {core} {program}"
    lines = [load, f"command script import {ROOT / 'lldbinit/mtedbg_lldb.py'}", "bt"]
    command = [tool("lldb"), "-x", "-b", *(word for line in lines for word in ("-o", line))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_every_line_of_wasmtimes_perf_map(wasm: tuple[Died, Path]) -> None:
    dead, path = wasm
    session = Session(CoreTarget(str(dead.core)))
    text = path.read_text()
    lines = LINE.findall(text)
    path.unlink()
    assert len(lines) >= 5
    for start, size, name in lines:
        for into in (0, int(size, 16) - 4):
            found = code_at(session, int(start, 16) + into)
            assert found.source is CodeSource.OBJECT
            assert found.version == "wasmtime 50"
            assert present(found.range)
            assert (found.function, found.range.start) == (name, int(start, 16))
    given = GivenFiles(perf_map=GivenFile(str(path), text.encode()))
    session = Session(CoreTarget(str(dead.core)), given_files=given)
    assert perf_map.code_at(session, int(lines[0][0], 16)).function == lines[0][2]


def test_places_in_the_module_are_those_of_the_trap(wasm: tuple[Died, Path]) -> None:
    dead = wasm[0]
    (said,) = re.findall(r"^places (.*)$", dead.output, re.M)
    session = Session(CoreTarget(str(dead.core)))
    calls = host_calls(session, session.current_thread())
    assert present(calls)
    places = [frame.place.jit for frame in calls.frames[:3]]
    found = [one.place.guest_rip for one in places if present(one) and one.foreign is not None]  # type: ignore[union-attr]
    assert found == [int(word) for word in said.split()]
    # Enough functions that the map has several pieces; each has trapped somewhere.
    listed = {row["function"]: row for row in answers.ask(session, "jit-blocks").rows}
    others = re.findall(r"^place (\w+) (\d+)$", dead.output, re.M)
    assert len(others) == 60
    for name, position in others:
        start, size = listed[name]["base"], listed[name]["size"]
        assert int(position) in {
            code_at(session, pc).guest_rip for pc in range(start, start + size, 4)
        }


def test_all_of_it_is_listed(wasm: tuple[Died, Path]) -> None:
    session = Session(CoreTarget(str(wasm[0].core)))
    (found,) = answers.ask(session, "jit-block").rows
    assert found["function"] == "inner"
    rows = answers.ask(session, "jit-blocks").rows
    assert {row["function"] for row in rows} >= {"inner", "middle"}


def test_where_no_code_can_be_it_is_no_jit(wasm: tuple[Died, Path]) -> None:
    """Also where the files in memory are all that describes code."""
    session = Session(CoreTarget(wasm[0].core))
    (found,) = answers.ask(session, "jit-block $sp").rows
    assert (found["outcome"], found["source"]) == ("not-jit", "ELF object in memory")


def test_a_local_descriptor_of_llvm(llvm: Died) -> None:
    session = Session(CoreTarget(str(llvm.core)))
    (found,) = answers.ask(session, "jit-block").rows
    assert (found["source"], found["function"]) == ("GDB JIT interface", "inner")
    notes = answers.ask(session, "jit-block").notes
    assert any("without a symbol" in note for note in notes)


@pytest.mark.jits
def test_a_list_on_a_tagged_heap(tmp_path: Path) -> None:
    """LLVM's list is on the heap: what leads from one entry to the next has tags."""
    root = unpacked(PYTHON)
    argv = [*with_own_libraries(root, "/usr/bin/python3.13"), str(PROGRAMS / "llvm_fault.py")]
    shares = [Share(ROOT, str(ROOT)), Share(root, str(root))]
    with boot(shares, MachineOptions(cpus=1, memory_mib=2000)) as vm:
        environment = {**python_environment(root), "PATH": "/usr/bin", **TAGGED_HEAP}
        result = vm.run(argv, env=environment, cores_to=tmp_path, timeout_s=300)
    session = Session(CoreTarget(result.cores[0]))
    (found,) = answers.ask(session, "jit-block").rows
    assert (found["source"], found["function"]) == ("GDB JIT interface", "inner")
    descriptor = session.target.symbol_address(SYMBOL)
    assert present(descriptor)
    first = session.target.read_memory(descriptor + 16, 8)
    assert present(first)
    assert first[7] & 0xF, "the pointer to the first entry has a tag"


@pytest.mark.parametrize(("which", "names"), [("wasm", WASM), ("llvm", LLVM)])
def test_backtraces_pass_through_its_code(
    which: str, names: list[str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = request.getfixturevalue(which)
    dead = made[0] if isinstance(made, tuple) else made
    program = unpacked(PYTHON) / "usr/bin/python3.13"
    by_gdb = gdb(dead.core, program, tmp_path, f"source {ROOT / 'gdbinit/mtedbg_gdb.py'}", "bt")
    for said in (offline(dead.core), by_gdb, lldb(dead.core, program)):
        levels = re.findall(r"^\W*(?:frame )?#\d+:? .*$", said, re.M)
        # GDB shows the innermost frame before, when it opens the core.
        first = max(number for number, line in enumerate(levels) if names[0] in line)
        below = levels[first : first + len(names)]
        assert len(below) == len(names), said
        for name, line in zip(names, below, strict=True):
            assert name in line, said
        assert len(levels) > first + len(names), said
