"""Real GDBs, a fresh one for each test, with mtedbg loaded as a user loads it.

A hung GDB ends its test: every command has a time limit, and GDB's process group is killed.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mtedbg.lab import user
from mtedbg.shell.gdbmi import Command, Gdb
from tests.support.compile import ROOT

GDBINIT = ROOT / "gdbinit/mtedbg_gdb.py"
LIMIT_S = 60.0

# The GDB of the project's environment, and Debian 12's own with the system's Python.
GDBS = {
    "gdb18": str(Path(sys.executable).with_name("gdb")),
    "gdb13": "gdb-multiarch",
}
QUIET = ("-nx", "-iex", "set debuginfod enabled off", "-iex", "set sysroot /")


class Session(Gdb):
    """A GDB with mtedbg in it."""

    def wait(self, begun: Command) -> str:
        """What a command that was begun has printed, once it has ended; errors as `execute`."""
        return self._wait(begun).printed

    def json(self, command: str) -> dict[str, Any]:
        """The report that `command` gives with --json."""
        answer = json.loads(self.execute(f"{command} --json"))
        assert isinstance(answer, dict)
        return answer

    def rows(self, command: str) -> list[dict[str, Any]]:
        """The rows of the report that `command` gives."""
        rows = self.json(command)["rows"]
        assert isinstance(rows, list)
        return rows

    def warning(self, command: str) -> str:
        """What a command says beside its answer."""
        return self._wait(self.begin(command)).warning

    def machine(self, line: str) -> dict[str, Any]:
        """The results of a command of the machine interface; errors as for `execute`."""
        return self._wait(self.begin(line, machine=True)).payload

    def number(self, expression: str) -> int:
        """What GDB itself makes of an expression."""
        return int(self.execute(f"output/x (unsigned long) ({expression})"), 16)


@contextlib.contextmanager
def gdb(
    flavour: str,
    arguments: Sequence[str | Path] = (),
    *,
    load: bool = True,
    limit_s: float = LIMIT_S,
) -> Iterator[Session]:
    """A fresh GDB.

    Args:
        flavour: a key of `GDBS`.
        arguments: further words of its command line, a program or a core among them.
        load: whether mtedbg is loaded into it.
        limit_s: seconds that a command may take.
    """
    with Session([GDBS[flavour], *QUIET, *arguments], limit_s=limit_s) as session:
        if load:
            session.execute(f"source {GDBINIT}")
        yield session


@contextlib.contextmanager
def under_qemu(
    flavour: str, program: Path, *arguments: str
) -> Iterator[tuple[Session, user.UserProgram]]:
    """A GDB that has just met `program` before its first instruction, under QEMU's user mode."""
    with user.start([program, *arguments]) as process, gdb(flavour, [program]) as session:
        session.execute(f"target remote {process.socket}")
        session.execute("handle SIGSEGV stop print pass")
        yield session, process
