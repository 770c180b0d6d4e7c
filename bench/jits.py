"""`jit-block` on cores of JITs from packages: opened anew, and asked again; processor time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.lab import Lab
from bench.result import Row, Target, processor_seconds, time_text
from mtedbg.adapters.core import CoreTarget
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.session import Session
from tests.support.jit_packages import python

PROGRAMS = {"wasmtime": ("wasm_fault.py", "none"), "LLVM's MCJIT": ("llvm_fault.py",)}
ROUNDS = 5
COLD_MS, WARM_MS = 300, 5


def measure(_lab: Lab) -> Iterator[Row]:
    """The worst of files: QEMU's, in which no mapping has a name, and all data is searched."""
    command = find("jit-block")
    assert command
    for name, (program, *arguments) in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            core = python(program, Path(folder), *arguments).core
            size = core.stat().st_size >> 20

            def opened(core: Path = core) -> Session:
                session = Session(CoreTarget(str(core)))
                assert "inner" in execute(session, command, "$pc")
                return session

            session = opened()
            again = partial(execute, session, command, "$pc+4")
            cold = min(processor_seconds(opened) for _ in range(ROUNDS))
            warm = min(processor_seconds(again) for _ in range(ROUNDS))
        for state, taken, bound in (("cold", cold, COLD_MS), ("warm", warm, WARM_MS)):
            yield Row(
                f"{name}, a core of {size} MB, {state}",
                time_text(taken),
                verdict=Target(bound, "ms").verdict(taken * 1e3),
            )
