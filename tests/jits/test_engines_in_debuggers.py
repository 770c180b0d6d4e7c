"""The engines' programs die anew, and GDB, LLDB and offline have the frames that they wrote.

With the libraries' own files, so that calls between code of the engine and `main` are there too.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.sources.hotspot import JavaCode
from mtedbg.model.absent import present
from mtedbg.model.code_place import CodePlace
from mtedbg.session import Session
from tests.jits import engines
from tests.jits.frozen import calls_of, only_jit, session_of
from tests.jits.test_v8 import CALL, places
from tests.jits.translators import freed
from tests.support.compile import BUILT, ROOT
from tests.support.lldb_session import LLDBS, ONE_BY_ONE

pytestmark = pytest.mark.jits

WASM = ["demo.inner", "demo.middle", "demo.outer", "InterpEntry of demo.outer"]
JAVA = ["Main.inner(J)I", "Main.middle(JI)I", "Main.outer(J)I", "Main.main([Ljava/lang/String;)V"]
STACK = re.compile(r"^ +at (?:(.*) \()?(\S+?):(\d+):\d+\)?$", re.M)
"""A line of `Error().stack`."""
LIMIT_S = 120


def in_gdb(dead: engines.Dead, root: Path, libraries: str) -> list[str]:
    """The lines of GDB's backtrace."""
    commands = [f"set sysroot {root}", f"set solib-search-path {libraries}"]
    commands += [f"file {dead.program}", f"core {dead.core}", "bt"]
    words = [word for one in commands for word in ("-ex", one)]
    script = ROOT / "gdbinit/mtedbg.gdb"
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", "-iex", f"source {script}", *words],
        capture_output=True, text=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    return re.findall(r"^#\d+ .*$", done.stdout, re.M)


def in_lldb(dead: engines.Dead, root: Path, flavour: str = "lldb19") -> list[str]:
    """The lines of LLDB's backtrace."""
    commands = [f"command script import {ROOT / 'lldbinit/mtedbg_lldb.py'}"]
    commands += [f"platform select --sysroot {root} remote-linux"]
    commands += [f"target create --core {dead.core} {dead.program}", "bt"]
    words = [word for one in commands for word in ("-o", one)]
    done = subprocess.run(
        [LLDBS[flavour], "-x", "-b", "-O", ONE_BY_ONE, *words],
        capture_output=True, text=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    return re.findall(r"^\s+\*? *frame #\d+: .*$", done.stdout, re.M)


def in_order(wanted: list[str], lines: list[str]) -> bool:
    """Whether each of `wanted` is in a line of its own, one after the other."""
    rest = iter(lines)
    return all(any(one in line for line in rest) for one in wanted)


@pytest.mark.parametrize("packages", [engines.MOZJS_128, engines.MOZJS_140], ids=lambda p: p.name)
def test_wasm_in_spidermonkey(packages: engines.Packages, tmp_path: Path) -> None:
    dead = engines.wasm(packages, tmp_path)
    (stack,) = re.findall(r"^stack (.*)$", dead.said, re.M)
    assert in_order(WASM[:3], json.loads(stack).splitlines())
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    functions = [frame.function for frame in calls_of(session)]
    assert in_order([*WASM, "main"], functions)
    # Between the wasm code and `main` there is JavaScript's own code.
    same_frames(in_gdb(dead, dead.root, ""), session, "main")
    assert in_order(WASM, in_lldb(dead, dead.root))


def same_frames(lines: list[str], session: Session, last: str) -> None:
    """GDB's frames are those that mtedbg has by itself, up to `last`, and have their names."""
    (end,) = (number for number, line in enumerate(lines) if f" in {last} " in line)
    ours = calls_of(session)
    # GDB prints the innermost frame when it loads the core, too.
    start = len(lines) - next(n for n, line in enumerate(reversed(lines)) if "#0 " in line) - 1
    for frame, line in zip(ours, lines[start : end + 1], strict=False):
        assert f"{frame.pc:#018x}" in line
        assert not present(frame.place.jit) or frame.function in line
    assert ours[end - start].function.startswith(last)


def test_javascript_in_node_20(tmp_path: Path) -> None:
    """Interpreted and compiled frames, and code that V8 has built in, between frames of C++."""
    dead = engines.node(engines.NODE_20, tmp_path)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    same_frames(in_gdb(dead, dead.root, ""), session, "_start")
    # LLDB goes on by itself, and loses its way where C++ enters V8.
    names = [frame.function for frame in calls_of(session) if present(frame.place.jit)]
    assert len(names) >= 10
    assert in_order(names, in_lldb(dead, dead.root))


def test_java_in_hotspot(tmp_path: Path) -> None:
    dead = engines.java(tmp_path, "0x100000000000")
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.files)))
    functions = [frame.function for frame in calls_of(session)]
    assert in_order([*JAVA, "call_stub"], functions)
    libraries = f"{tmp_path / 'jvm/lib/server'}:{tmp_path / 'jvm/lib'}"
    assert in_order([*JAVA, "call_stub", "JavaMain"], in_gdb(dead, dead.root, libraries))


COMPILED = re.compile(r"^J (\d+) c\d (\S+) .* @ (0x\w+) ", re.M)
INTERPRETED = re.compile(r"^j +(\S+)\+(\d+)$", re.M)


@pytest.mark.parametrize("packages", [engines.JAVA_17, engines.JAVA_25], ids=lambda p: p.name)
def test_java_of_other_versions(packages: engines.Packages, tmp_path: Path) -> None:
    """Its own report has the compilations, their PCs, and the interpreter's bytecodes."""
    dead = engines.java(tmp_path, "0x100000000000", packages=packages)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.files)))
    said = [(int(pc, 16), name, number) for number, name, pc in COMPILED.findall(dead.said)]
    assert len(said) >= 3
    frames = {frame.pc: frame for frame in calls_of(session)}
    for pc, name, number in said:
        assert frames[pc].function.startswith(f"{name}")
        assert f"[compilation {number}, HotSpot {packages.name.rpartition('-')[2]}." in str(
            frames[pc].function
        )
    listed = only_jit(session, JavaCode).blocks()
    assert not listed.cut
    assert {f"{number}" for _, _, number in said} <= {str(one.number) for one in listed.codes}
    lines = ["Main.java:23", "Main.java:29", "Main.java:43"]
    assert in_order(lines, [frame.function for frame in calls_of(session)])
    ((name, bytecode),) = INTERPRETED.findall(dead.said)
    (run,) = (one for one in calls_of(session) if "[interpreter" in one.function)
    assert run.function.startswith(f"{name} at ")
    assert present(run.place.jit)
    assert isinstance(run.place.jit.place, CodePlace)
    assert f"interpreted, at bytecode {bytecode}" in run.place.jit.place.notes
    assert in_order([*JAVA, "call_stub"], [frame.function for frame in calls_of(session)])


def lines_of(session: Session) -> list[str]:
    """The lines of JavaScript's frames, those of functions that are inlined too."""
    found = []
    for place, _ in places(session):
        found.append(str(place.line))
        found += [note.split(" at ")[1] for note in place.notes if note.startswith("inlined into")]
    return found


@pytest.mark.parametrize("packages", [*engines.NODES_OWN, engines.NODE_24], ids=lambda p: p.name)
def test_node_in_other_builds(packages: engines.Packages, tmp_path: Path) -> None:
    """Every frame of the program's own stack trace, with its line."""
    dead = engines.node(packages, tmp_path)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    said = [f"{script}:{line}" for _, script, line in STACK.findall(dead.said)]
    assert len(said) >= 9
    assert "main.js:5" in said[0]  # where the error was made; the process ends a line later
    assert lines_of(session)[1 : len(said)] == said[1:]
    assert calls_of(session)[-1].function.startswith("_start")
    names = [frame.function for frame in calls_of(session) if present(frame.place.jit)]
    same_frames(in_gdb(dead, dead.root, ""), session, "_start")
    # LLDB ends in code that V8 has built into Debian's libnode, which has no symbols.
    if packages in engines.NODES_OWN:
        assert in_order(names, in_lldb(dead, dead.root))


ROUNDS = 4
"""Times that an LLDB is asked: a provider of frames once hung in every third."""


def sysroot_of_java(dead: engines.Dead, folder: Path) -> Path:
    """A folder in which the JVM's and the system's libraries are where they were in the VM."""
    (folder / "jits").mkdir(parents=True)
    (folder / "jits/jvm").symlink_to(dead.program.parent.parent)
    for name in ("lib", "usr"):
        (folder / name).symlink_to(dead.root / name)
    return folder


def same_in_lldb(dead: engines.Dead, root: Path, last: str) -> None:
    """LLDB's frames are those that mtedbg has by itself, up to `last`, and have their names."""
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.files)))
    ours = calls_of(session)
    end = max(at for at, frame in enumerate(ours) if frame.function.startswith(last))
    assert any(present(frame.place.jit) for frame in ours[:end])
    for flavour in LLDBS:
        for _ in range(ROUNDS):
            lines = in_lldb(dead, root, flavour)
            assert len(lines) > end
            for frame, line in zip(ours, lines[: end + 1], strict=False):
                assert f"{frame.pc:#018x}" in line
                assert not present(frame.place.jit) or frame.function in line


def test_java_in_lldb(tmp_path: Path) -> None:
    """Through a signal's frame, compiled code, the interpreter and the stub to what called it."""
    dead = engines.java(tmp_path, "0x100000000000")
    root = sysroot_of_java(dead, tmp_path / "sysroot")
    same_in_lldb(dead, root, "jni_CallStaticVoidMethod")
    assert in_order([*JAVA, "call_stub", "JavaMain"], in_lldb(dead, root))


@pytest.mark.parametrize("mode", ["tracing", "function"])
def test_php_in_lldb(mode: str, tmp_path: Path) -> None:
    dead = engines.php(tmp_path, mode)
    same_in_lldb(dead, dead.root, "_start")


def test_box64_in_lldb(tmp_path: Path) -> None:
    dead = freed(tmp_path)
    same_in_lldb(dead, dead.root, "my___libc_start_main")


def test_node_24(tmp_path: Path) -> None:
    """Of an unstable suite: its core is frozen, its library is not."""
    library = "usr/lib/aarch64-linux-gnu/libnode.so.137"
    files = engines.one_library(engines.NODE_24, library, library, BUILT / "jits/node-24-files")
    session = session_of("node-24", files)
    said = [(name, script, int(line)) for name, script, line in CALL.findall(_said())]
    found = []
    for place, _ in places(session):
        assert present(place.line)
        found.append((str(place.function), place.line.file, place.line.line))
    rest = iter(said)
    for name, script, line in found[:8]:  # functions that were inlined have no frame
        assert any(
            (name == (other or "(anonymous function)"), script) == (True, where)
            and line in (0, number)
            for other, where, number in rest
        )


def _said() -> str:
    from tests.jits.frozen import provenance

    return str(provenance("node-24")["said"])
