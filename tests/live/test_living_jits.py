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
from tests.jits.test_engines_in_debuggers import JAVA, in_order
from tests.live.test_luajit import SCRIPT, environment
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.jit_packages import PROGRAMS, PYTHON, python_environment
from tests.support.packages import unpacked
from tests.support.translated import box64, guest, line_of, luajit

MAIN = {"gdb18": " in main ", **dict.fromkeys(lldb_session.LLDBS, "`main + ")}
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


def _box64() -> Program:
    root = box64()
    argv: list[str | Path] = [root / "usr/bin/box64", guest("list"), "null"]
    outer = dict.fromkeys(["gdb18", *lldb_session.LLDBS], "my___libc_start_main")
    return Program(root, argv, {"PATH": "/usr/bin"}, "box64", r"fail", ["[guest 0x"], outer)


def _hotspot() -> Program:
    root = unpacked(engines.JAVA_21)
    frames = [*JAVA, "call_stub"]
    outer = dict.fromkeys(["gdb18", *lldb_session.LLDBS], "JavaMain")
    argv: list[str | Path] = ["java", *engines.JAVA_OPTIONS, "Main", "0x100000000000"]
    return Program(root, argv, {"PATH": "/usr/bin"}, "HotSpot", r"Main\.inner", frames, outer)


def php(mode: str) -> Program:
    """PHP, which sends itself a signal by a function that the code of its JIT calls."""
    root = unpacked(engines.PHP_84)
    modules = root / "usr/lib/php/20240924"
    settings = {
        **engines.PHP_OPTIONS,
        "zend_extension": str(modules / "opcache.so"),
        "extension": str(modules / "posix.so"),
        "opcache.file_update_protection": "0",
        "opcache.jit_debug": "0",
        "opcache.jit": mode,
    }
    options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
    argv: list[str | Path] = [
        root / "usr/bin/php8.4",
        "-n",
        *options,
        engines.PROGRAMS / "loop.php",
    ]
    frames = ["`kill", "posix.so`", "inner at "]
    outer = dict.fromkeys(lldb_session.LLDBS, "`_start")
    return Program(root, argv, {"PATH": "/usr/bin"}, "PHP", "inner", frames, outer)


MADE = {"luajit": _luajit, "wasmtime": _wasmtime, "llvm": _llvm, "spidermonkey": _spidermonkey}
MADE |= {"hotspot": _hotspot, "box64": _box64}
SLOW = {"numba": _numba}
"""Programs whose own start takes minutes under QEMU."""


@contextmanager
def stopped(flavour: str, program: Program, folder: Path) -> Iterator[Any]:
    """A debugger at the fault."""
    is_lldb = flavour in lldb_session.LLDBS
    module: Any = lldb_session.lldb if is_lldb else gdb_session.gdb
    argv = program.argv
    if argv[0] == "java":
        argv = [engines.java_program(folder), *argv[1:]]
    running = user.start(argv, cwd=folder, env=program.environment, root=program.root)
    # LLDB looks for libraries as the platform has them that is selected before.
    words = [] if is_lldb else [argv[0]]
    with running as process, module(flavour, words, limit_s=program.limit_s) as session:
        if is_lldb:
            # QEMU's server does not tell which bits of an address are an authentication code.
            session.execute("settings set target.process.virtual-addressable-bits 48")
            session.execute(f"platform select --sysroot {program.root} remote-linux")
            session.execute(f"target create {argv[0]}")
            lldb_session.connect(session, f"unix-connect://{process.socket}")
        else:
            session.execute(f"set sysroot {program.root}")
            # Python and Java load by paths of this machine, which GDB looks for below that folder.
            modules = {one.parent for one in program.root.glob("usr/lib/python3*/**/*.so")}
            modules |= {one.parent for one in folder.glob("jvm/lib/**/*.so")}
            session.execute(f"set solib-search-path {':'.join(map(str, modules))}")
            session.execute(f"target remote {process.socket}")
        session.execute("continue")
        yield session


def frames_of(session: Any) -> list[str]:
    """The lines of a debugger's backtrace."""
    return re.findall(r"^\W*(?:frame )?#\d+:? .*$", session.execute("bt"), re.M)


@pytest.mark.parametrize("flavour", ["gdb18", *lldb_session.LLDBS])
@pytest.mark.parametrize(
    "name", [*MADE, *(pytest.param(name, marks=pytest.mark.jits) for name in SLOW)]
)
def test_it_is_stopped_in_its_own_code(name: str, flavour: str, tmp_path: Path) -> None:
    program = (MADE | SLOW)[name]()
    with stopped(flavour, program, tmp_path) as session:
        (row,) = answer(session, "jit-block $pc")["rows"]
        assert row["source"] == program.source, row
        assert re.search(program.function, row["function"])
        levels = frames_of(session)
        assert not any(" in  (" in line or " in ???" in line for line in levels), levels
        for wanted, line in zip(program.frames, levels, strict=False):
            assert wanted in line, levels
        if flavour in program.outer:
            assert any(program.outer[flavour] in line for line in levels), levels


@pytest.mark.parametrize("flavour", lldb_session.LLDBS)
@pytest.mark.parametrize("mode", ["tracing", "function"])
def test_lldb_has_all_frames_at_every_stop(mode: str, flavour: str, tmp_path: Path) -> None:
    """Until LLDB has left the innermost frames, and on in the code of the JIT."""
    program = php(mode)
    outer = ["`zend_execute ", "`php_execute_script_ex ", "`__libc_start_main ", "`_start "]
    with stopped(flavour, program, tmp_path) as session:
        session.execute("process handle SIGSEGV --pass false")
        for command in ("thread step-inst", "finish", "finish", "thread step-inst-over"):
            levels = frames_of(session)
            assert in_order([*program.frames, *outer], levels), (command, levels)
            session.execute(command)
            if command == "finish":
                program.frames.pop(0)
        levels = frames_of(session)
        assert in_order([*program.frames, *outer], levels), levels
        assert "inner at " in levels[0]
        # The module is that of this stop: there is one.
        assert session.execute("image list").count("JIT code") == 1
        (row,) = answer(session, "jit-block $pc")["rows"]
        assert (row["source"], row["function"]) == ("PHP", "inner")
