"""GDB's JIT interface: code that a JIT has registered for GDB, an object for each function."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from bench.lab import GDB, GDB_QUIET, Lab
from bench.result import Row, number_text, seconds, time_text
from mtedbg.adapters.core import CoreTarget
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.session import Session

COUNTS = (500, 1000, 2000)
ROUNDS = 3


def measure(lab: Lab) -> Iterator[Row]:
    """GDB registers every object when it opens the core; `jit-block` reads the list itself."""
    bare = _gdb(lab, 1)
    for count in (4,) if lab.quick else COUNTS:
        dead = lab.died("jit_objects", str(count), "i", "crash")

        def ask(dead=dead) -> None:  # type: ignore[no-untyped-def]
            command = find("jit-block")
            assert command
            answer = execute(Session(CoreTarget(dead.core, str(dead.program))), command, "$pc")
            assert "jitted_0" in answer, answer

        ask()
        ours = min(seconds(ask) for _ in range(ROUNDS))
        theirs = _gdb(lab, count) - bare
        yield Row(
            f"a PC among {count:,} objects, core opened anew",
            time_text(ours),
            f"GDB, opening the core: {time_text(theirs)} more than with 1 object:"
            f" {number_text(theirs / ours)} times",
        )


def _gdb(lab: Lab, count: int) -> float:
    """Seconds that GDB takes to open a core with so many objects, and to name the PC."""
    dead = lab.died("jit_objects", str(count), "i", "crash")
    words = [GDB, *GDB_QUIET, str(dead.program), "-c", str(dead.core), "-ex", "info symbol $pc"]

    def act() -> None:
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        assert "jitted_0" in done.stdout, done.stdout

    return min(seconds(act) for _ in range(1 if count > 1 else ROUNDS))
