"""What the subjects share: programs, their cores from a VM, and debuggers that measure inside."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mtedbg.lab import gdbserver
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm

ROOT = Path(__file__).resolve().parents[1]
GDB = str(Path(sys.executable).with_name("gdb"))
LLDB = str(Path(sys.executable).with_name("lldb"))
GDB_QUIET = ("-nx", "-q", "-batch", "-iex", "set debuginfod enabled off")
LOAD_GDB = ("-x", str(ROOT / "gdbinit/mtedbg_gdb.py"))
LOAD_LLDB = ("-o", f"command script import {ROOT / 'lldbinit/mtedbg_lldb.py'}")
TIMEOUT_S = 900.0
_MARK = "bench-result:"
_PROGRAMS = (ROOT / "bench/programs", ROOT / "tests/support/programs")
_COMPILER = (
    *("aarch64-linux-gnu-gcc", "-std=gnu11", "-march=armv8.5-a+memtag", "-O2", "-g", "-rdynamic"),
    *("-I", str(_PROGRAMS[1]), "-I", str(ROOT / "native/include")),
)


class BenchError(Exception):
    """A measurement did not come about."""


@dataclass(frozen=True)
class Dead:
    """A program that died, and what it said before: name to value."""

    core: Path
    program: Path
    facts: dict[str, int]


@cache
def program(name: str) -> Path:
    """`NAME.c` of one of the folders of programs, compiled for AArch64."""
    source = next(path for folder in _PROGRAMS if (path := folder / f"{name}.c").exists())
    digest = hashlib.sha256(source.read_bytes() + repr(_COMPILER).encode()).hexdigest()[:16]
    made = ROOT / "build/bench" / digest / name
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*_COMPILER, str(source), "-o", str(made)], check=True)
    return made


class Lab:
    """A VM, and a folder for cores.

    Args:
        vm: booted with gdbserver's port and this checkout.
        folder: for what is made; it goes with the lab.
        quick: whether to measure little, and once.
    """

    def __init__(self, vm: Vm, folder: Path, *, quick: bool) -> None:
        self.vm = vm
        self.quick = quick
        self.folder = folder
        self._dead: dict[tuple[str, ...], Dead] = {}

    def died(self, name: str, *arguments: str) -> Dead:
        """A program that was run to its end, with its core."""
        key = (name, *arguments)
        if key not in self._dead:
            place = self.folder / "-".join(key)
            place.mkdir()
            argv = [str(program(name)), *arguments]
            result = self.vm.run(argv, cores_to=place, timeout_s=TIMEOUT_S)
            if len(result.cores) != 1:
                raise BenchError(f"{' '.join(key)} left no core: {result}")
            lines = (line.split() for line in result.stdout.decode().splitlines())
            facts = {words[0]: int(words[1], 16) for words in lines}
            self._dead[key] = Dead(result.cores[0], program(name), facts)
        return self._dead[key]


@contextlib.contextmanager
def lab(*, quick: bool) -> Iterator[Lab]:
    """A lab with a fresh VM."""
    options = MachineOptions(cpus=2, memory_mib=2048, ports=(gdbserver.PORT,))
    with (
        tempfile.TemporaryDirectory(prefix="mtedbg-bench-") as folder,
        boot([Share(ROOT, str(ROOT))], options) as vm,
    ):
        yield Lab(vm, Path(folder), quick=quick)


def _result(command: Sequence[str | Path], settings: dict[str, Any]) -> Any:
    """What a debugger that measures inside itself says it found."""
    variables = os.environ | {"MTEDBG_BENCH": json.dumps(settings)}
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    raise BenchError(f"{command[0]}: {done.stderr[-2000:] or done.stdout[-2000:]}")


def in_gdb(words: Sequence[str | Path], subject: str, **settings: Any) -> Any:
    """Runs `bench.inside.SUBJECT` in a GDB with mtedbg.

    Args:
        words: of its command line: a program, a core, commands to get there.
        subject: a module with `measure(settings)`.
        settings: given to it.
    """
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bench import inside"
    run = f"python {code}; inside.run({subject!r})"
    return _result([GDB, *GDB_QUIET, *LOAD_GDB, *words, "-ex", run], settings)


def in_lldb(words: Sequence[str | Path], subject: str, **settings: Any) -> Any:
    """The same in LLDB."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bench import inside"
    run = f"script {code}; inside.run({subject!r})"
    return _result([LLDB, "-x", "-b", *words, *LOAD_LLDB, "-o", run], settings)
