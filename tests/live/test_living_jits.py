"""JITs from Debian's and PyPI's packages, alive: stopped where they fault in code of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mtedbg.dataclass import dataclass
from mtedbg.lab import user
from tests.jits import engines
from tests.live.test_luajit import SCRIPT, environment
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.jit_packages import PROGRAMS, PYTHON, python_environment
from tests.support.packages import unpacked
from tests.support.translated import line_of, luajit

MAIN = {"gdb18": " in main "}
PYTHON_MAIN = {"gdb18": "Py_BytesMain", "lldb23": "Py_BytesMain"}


@dataclass(frozen=True, slots=True)
class Program:
    """A program that faults in code of a JIT.

    Attributes:
        root: of the packages that it runs with.
        argv: its file, and its arguments.
        environment: of it.
        source: who knows the code that it faults in.
        function: what that code is called, as a pattern.
        frames: the innermost frames, the first of that code.
        outer: a function of the host's further out, in each debugger's backtrace; none where LLDB,
            which goes on by itself, does not come so far.
        limit_s: seconds until it faults.
    """

    root: Path
    argv: Sequence[str | Path]
    environment: Mapping[str, str]
    source: str
    function: str
    frames: list[str]
    outer: Mapping[str, str]
    limit_s: float = 60.0


def _luajit() -> Program:
    root, line = luajit(), line_of("freed.lua", "-- read after free")
    frame = f"freed.lua:{line} [trace"
    argv: list[str | Path] = [root / "usr/bin/luajit", SCRIPT]
    return Program(root, argv, environment(root), "LuaJIT", r"freed\.lua:9", [frame], MAIN)


def _wasmtime() -> Program:
    root = unpacked(PYTHON)
    argv: list[str | Path] = [root / "usr/bin/python3.13", PROGRAMS / "wasm_fault.py", "none"]
    frames = ["inner", "middle", "function[3]", "array_to_wasm_trampoline"]
    source = "ELF object in memory"
    return Program(root, argv, python_environment(root), source, "inner", frames, PYTHON_MAIN)


def _llvm() -> Program:
    root = unpacked(PYTHON)
    argv: list[str | Path] = [root / "usr/bin/python3.13", PROGRAMS / "llvm_fault.py"]
    frames = ["inner", "middle", "outer"]
    source = "GDB JIT interface"
    return Program(root, argv, python_environment(root), source, "inner", frames, PYTHON_MAIN)


def _spidermonkey() -> Program:
    root = unpacked(engines.MOZJS_128)
    argv: list[str | Path] = [
        engines.wasm_program(engines.MOZJS_128),
        engines.PROGRAMS / "module.js",
        "guard",
    ]
    frames = ["demo.inner", "demo.middle", "demo.outer", "InterpEntry of demo.outer"]
    return Program(root, argv, {"PATH": "/usr/bin"}, "SpiderMonkey", "demo.inner", frames, MAIN)


def _numba() -> Program:
    root = unpacked(PYTHON)
    argv: list[str | Path] = [root / "usr/bin/python3.13", PROGRAMS / "numba_fault.py"]
    # LLVM makes one function of both.
    frames = ["__main__::outer", "cpython::__main__::outer"]
    source, function = "GDB JIT interface", r"__main__::outer"
    return Program(
        root, argv, python_environment(root), source, function, frames, PYTHON_MAIN, 1500.0
    )


MADE = {"luajit": _luajit, "wasmtime": _wasmtime, "llvm": _llvm, "spidermonkey": _spidermonkey}
SLOW = {"numba": _numba}
"""Programs whose own start takes minutes under QEMU."""


@contextmanager
def stopped(flavour: str, program: Program, folder: Path) -> Iterator[Any]:
    """A debugger at the fault."""
    module: Any = lldb_session.lldb if flavour in lldb_session.LLDBS else gdb_session.gdb
    running = user.start(program.argv, cwd=folder, env=program.environment, root=program.root)
    with running as process, module(flavour, [program.argv[0]], limit_s=program.limit_s) as session:
        if flavour in lldb_session.LLDBS:
            # QEMU's server does not tell which bits of an address are an authentication code.
            session.execute("settings set target.process.virtual-addressable-bits 48")
            session.execute(f"platform select --sysroot {program.root} remote-linux")
            lldb_session.connect(session, f"unix-connect://{process.socket}")
        else:
            session.execute(f"set sysroot {program.root}")
            # Python loads modules by paths of this machine, which GDB looks for below that folder.
            modules = {one.parent for one in program.root.glob("usr/lib/python3*/**/*.so")}
            session.execute(f"set solib-search-path {':'.join(map(str, modules))}")
            session.execute(f"target remote {process.socket}")
        session.execute("continue")
        yield session


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
@pytest.mark.parametrize(
    "name", [*MADE, *(pytest.param(name, marks=pytest.mark.jits) for name in SLOW)]
)
def test_it_is_stopped_in_its_own_code(name: str, flavour: str, tmp_path: Path) -> None:
    program = (MADE | SLOW)[name]()
    with stopped(flavour, program, tmp_path) as session:
        (row,) = answer(session, "jit-block $pc")["rows"]
        assert row["source"] == program.source, row
        assert re.search(program.function, row["function"])
        levels = re.findall(r"^\W*(?:frame )?#\d+:? .*$", session.execute("bt"), re.M)
        for wanted, line in zip(program.frames, levels, strict=False):
            assert wanted in line, levels
        if flavour in program.outer:
            assert any(program.outer[flavour] in line for line in levels), levels
