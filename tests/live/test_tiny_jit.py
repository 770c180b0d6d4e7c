"""A second JIT, of a few dozen lines of C: it includes debug_root.h, and every command serves it.

Alone, and as a library in the process of the runtime, behind whose root its own hangs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.lab import paths, user
from mtedbg.lab.vm import Vm
from mtedbg.session import Session
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.compile import INCLUDE, PROGRAMS, compiled
from tests.support.cores import parse_facts

FLAGS = (f"-I{INCLUDE}",)
LIBRARY = (*FLAGS, "-DTINY_LIBRARY", "-shared", "-fPIC")
STOP, END = 32, 40
BFI, LDR = "b3480f70", "f9400200"


@pytest.mark.parametrize("library", [False, True])
@pytest.mark.parametrize(
    "compiler",
    [
        ("gcc", "-std=c11", "-Wextra", "-Wpedantic", "-Wno-overlength-strings"),
        ("g++", "-std=gnu++20", "-x", "c++"),
    ],
)
def test_it_is_c11_and_cpp20(compiler: tuple[str, ...], library: bool) -> None:
    words = [f"aarch64-linux-gnu-{compiler[0]}", *compiler[1:], "-Wall", "-Werror", *FLAGS]
    words += ["-fsyntax-only", *(("-DTINY_LIBRARY",) if library else ())]
    subprocess.run([*words, str(PROGRAMS / "tiny_jit.c")], check=True)


def served(session: Any, code: int) -> None:
    """Every command tells what the JIT told: alone in its process, stopped at its `stop`."""
    (row,) = answer(session, "jit-block $pc")["rows"]
    assert (row["outcome"], row["source"], row["block"]["id"]) == ("range", "debug root", 1)
    assert (row["range"]["kind"], row["range"]["symbol"]) == ("DebugStub", "stop")
    (row,) = answer(session, f"jit-block {code + 8:#x}")["rows"]
    assert (row["function"], row["memop"], row["guest_rip"]) == ("double_it", 1, "0x1003")
    assert answer(session, f"jit-block {code + 20:#x}")["rows"][0]["outcome"] == "block-no-range"
    (row,) = answer(session, "jit-blocks")["rows"]
    assert (row["base"], row["size"], row["ranges"]) == (hex(code), END, 2)
    rows = answer(session, "jit-disas 1")["rows"]
    assert [one["bytes"] for one in rows[1:3]] == [BFI, LDR]
    assert [one["memop"] for one in rows[1:3]] == [1, 1]
    (row,) = answer(session, "memops")["rows"]
    assert (row["address"], row["mode"], row["mode_decoded"]) == (hex(code + 8), "Local", "Local")
    for line in ("memop-verify", "jit-audit"):
        found = answer(session, line)
        assert (found["rows"], found["partial"]) == ([], False), (line, found)


@pytest.mark.parametrize("flavour", ["gdb18", "gdb13", "lldb23"])
def test_alive(flavour: str) -> None:
    module = lldb_session if flavour in lldb_session.LLDBS else gdb_session
    with module.under_qemu(flavour, compiled("tiny_jit", *FLAGS)) as (session, process):
        session.execute("continue")
        facts = parse_facts(process.output().encode())
        assert facts["answer"] == [42]
        (code,) = facts["code"]
        assert session.number("$pc") == code + STOP
        served(session, code)


def test_dead(lab_vm: Vm, tmp_path: Path) -> None:
    program = compiled("tiny_jit", *FLAGS)
    result = lab_vm.run([str(program), "crash"], cores_to=tmp_path)
    (code,) = parse_facts(result.stdout)["code"]
    served(Session(CoreTarget(result.cores[0], str(program))), code)
    served(Session(CoreTarget(result.cores[0], sysroot="/nonexistent")), code)


def both_described(session: Any) -> None:
    """The runtime's root and the library's, each with numbers of its own."""
    found = answer(session, "jit-blocks")
    bases = [int(row["base"], 16) for row in found["rows"]]
    # By address: the program's thunks stand in a segment below that of the process's stubs.
    assert sorted(row["id"] for row in found["rows"][:-1]) == [1, 2, 3]
    assert found["rows"][-1]["id"] == 1
    notes = "\n".join(found["notes"])
    assert "rows 1 to 3: of mtetso, debug root" in notes
    assert "rows 4 to 4: of tiny, debug root" in notes
    kinds = [answer(session, f"jit-block {base:#x}")["rows"][0]["range"]["kind"] for base in bases]
    assert (kinds[0] == "Function", kinds[-1]) == (False, "Function")
    memops = answer(session, "memops")
    mine = memops["rows"][-1]
    assert (mine["id"], mine["address"]) == (1, hex(bases[-1] + 8))
    assert any(f"rows {len(memops['rows'])} to" in note for note in memops["notes"])
    # A number is the first runtime's that has it, an address is whose it is; both say so.
    (first,) = answer(session, "memop 1")["rows"]
    assert first["block"] == 1
    told = answer(session, f"memop {mine['address']}")
    assert told["rows"][0]["guest_rip"] == "0x1003"
    assert any("memop 1: of tiny" in note for note in told["notes"])
    told = answer(session, f"jit-disas {bases[-1] + 4:#x}")
    assert any("block 1: of tiny" in note for note in told["notes"])
    assert any(row["bytes"] == BFI for row in told["rows"])
    assert answer(session, "memop-verify")["rows"] == []
    assert answer(session, "jit-audit")["rows"] == []


@pytest.fixture(scope="module", params=["gdb18", "lldb23"])
def beside(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A debugger at the first fault of the runtime, in a process with the library in it."""
    environment = os.environ | {"QEMU_SET_ENV": f"LD_PRELOAD={compiled('tiny_jit', *LIBRARY)}"}
    guest = [paths.runtime(), "--no-handler", paths.guests() / "message.elf"]
    with user.start(guest, env=environment) as process:
        if request.param == "lldb23":
            with lldb_session.lldb(request.param, [guest[0]]) as session:
                lldb_session.connect(session, f"unix-connect://{process.socket}")
                session.execute("continue")
                yield session
        else:
            with gdb_session.gdb(request.param, [guest[0]]) as other:
                other.execute(f"target remote {process.socket}")
                assert other.resume("continue").signal == "SIGSEGV"
                yield other


def test_two_roots_alive(beside: Any) -> None:
    both_described(beside)


def test_two_roots_dead(lab_vm: Vm, tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin", "LD_PRELOAD": str(compiled("tiny_jit", *LIBRARY))}
    argv = [str(paths.runtime()), "--no-handler", str(paths.guests() / "message.elf")]
    result = lab_vm.run(argv, env=environment, cores_to=tmp_path)
    both_described(Session(CoreTarget(result.cores[0], argv[0])))
    both_described(Session(CoreTarget(result.cores[0], sysroot="/nonexistent")))
