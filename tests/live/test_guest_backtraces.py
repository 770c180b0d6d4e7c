"""Calls of Linux programs that crash in the runtime, beside GDB's of the same programs natively."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.commands._offline import answer_line
from mtedbg.lab import paths
from mtedbg.session import Session
from tests.support.compile import BUILT, PROGRAMS, digest_of, link_once
from tests.support.native_calls import NativeCall, bare, native_calls

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the oracle is GDB on an x86-64 processor"
)
SOURCES = PROGRAMS / "linux"
KINDS = {
    "dynamic": ("crashes.c", "gcc", ()),
    "static": ("crashes.c", "gcc", ("-static-pie",)),
    "stripped": ("crashes.c", "gcc", ("-s",)),
    "c++": ("crashes_cpp.cc", "g++", ()),
}
CASES = [
    *(("dynamic", how) for how in ("qsort", "null", "handler", "memcpy", "abort", "overflow")),
    *(("static", how) for how in ("qsort", "handler")),
    *(("stripped", how) for how in ("thread", "abort")),
    *(("c++", how) for how in ("thread", "sort")),
]
MOST = 60
"""Frames of an endless recursion that are compared."""


def program(kind: str) -> Path:
    source, compiler, flags = KINDS[kind]
    command = [f"x86_64-linux-gnu-{compiler}", "-O2", "-g", "-pthread", *flags]
    command.append(str(SOURCES / source))
    built = BUILT / digest_of([SOURCES / source], command) / f"crashes-{kind}"
    link_once(built, command)
    return built


def crashed(path: Path, folder: Path, *arguments: str, options: tuple[str, ...] = ()) -> Path:
    """The core of a program that died in the runtime, under QEMU, with a copy of it beside it."""
    shutil.copy(path, folder / path.name)
    words = [str(paths.runtime()), *options, str(folder / path.name), *arguments]
    run = 'ulimit -c unlimited; exec qemu-aarch64 -cpu max "$@"'
    subprocess.run(
        ["sh", "-c", run, "sh", *words], cwd=folder, capture_output=True, timeout=120, check=False
    )
    (core,) = folder.glob("*.core")
    return core


def guest_calls(core: Path) -> list[NativeCall]:
    session = Session(CoreTarget(core))
    report = answer_line(session, "guest-bt")
    assert not any("guess" in note for note in report.notes), report.notes
    calls = []
    for row in report.rows:
        line, name = row["line"], row["function"]
        number = int(line.rpartition(":")[2]) if isinstance(line, str) and ":" in line else 0
        calls.append(NativeCall(bare(name) if isinstance(name, str) else "", number))
    return calls


@pytest.mark.parametrize(("kind", "how"), CASES)
def test_calls_are_those_of_a_native_run(kind: str, how: str, tmp_path: Path) -> None:
    path = program(kind)
    core = crashed(path, tmp_path, how)
    expected = native_calls(path, [how], tmp_path, "handle SIGUSR1 nostop noprint pass")
    found = guest_calls(core)
    if how == "memcpy":  # another variant of it on this processor: what called it is the same
        assert found[0].function.startswith("mem")
        found, expected = found[1:], expected[1:]
    assert found[:MOST] == expected[:MOST]
