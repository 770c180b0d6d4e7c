"""JITs that no reader knows: what they tell GDB is an answer, and where they tell nothing, none is.

Debian has neither Julia nor .NET, FEX, or a CPython with a JIT.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.budget import USUAL, Budget
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, or_else, present
from mtedbg.model.code import Outcome
from mtedbg.model.foreign_code import CodeSource
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.jits import engines
from tests.jits.frozen import calls_of, pc_of
from tests.support import x86_64
from tests.support.packages import Packages, died, unpacked

TCC = Packages("tcc", {"tcc": "0.9."})
GUILE = Packages("guile", {"guile-3.0": "3.0."})
TCG = Packages("qemu-user", {"qemu-user": "10."})
PLACES = 256
"""Addresses of each mapping that are asked for."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose code is made while it runs.

    Attributes:
        packages: that it is in.
        argv: its file and its arguments.
        script: what it runs, by a file of this name.
        text: of that.
    """

    packages: Packages
    argv: list[str]
    script: str
    text: str


DIES = "void _start(void) { *(volatile int *)8 = 1; } int main(void) { _start(); }"
SCHEME = """
(define (inner n acc) (if (= n 0) acc (inner (- n 1) (logxor (+ acc n) 5))))
(let loop ((i 0)) (inner 1000 0) (if (< i 1000) (loop (+ i 1))))
(kill (getpid) SIGABRT)
"""
UNKNOWN = {
    "tcc": Program(TCC, ["/usr/bin/tcc", "-nostdlib", "-run"], "dies.c", DIES),
    "guile": Program(
        GUILE, ["/usr/bin/guile-3.0", "-q", "--no-auto-compile", "-s"], "dies.scm", SCHEME
    ),
}


def code_in(session: Session) -> list[Region]:
    """Memory in which code may be made."""
    regions = or_else(session.target.regions(), ())
    return [one for one in regions if one.perms.startswith("rwx")]


@pytest.mark.parametrize("name", UNKNOWN)
def test_code_of_nobody_known_is_nobodys(name: str, tmp_path: Path) -> None:
    program = UNKNOWN[name]
    root = unpacked(program.packages)
    (tmp_path / program.script).write_text(program.text)
    dead = died(root, [*program.argv, program.script], tmp_path, {"HOME": str(tmp_path)})
    budget = Budget(USUAL.scaled(100))
    target = CoreTarget(str(dead.core), str(root / program.argv[0][1:]), str(root), budget=budget)
    session = Session(target)
    assert not jits(session)
    found = code_in(session)
    assert found
    for region in found:
        for pc in range(region.start, region.end, max((region.end - region.start) // PLACES, 4)):
            place = code_at(session, pc & -4)
            assert (place.outcome, place.source) == (Outcome.CANNOT_TELL, CodeSource.MAPPINGS)
    if name == "tcc":  # it died in that code
        assert any(region.start <= pc_of(session) < region.end for region in found)
        assert len(calls_of(session)) >= 3


GUEST = """
volatile long cell;
static void __attribute__((noinline)) inner(long by) {
  for (int i = 0; i < 100000; i++) cell += by;
  *(volatile int *)8 = 1;
}
int main(void) { inner(3); }
"""


def test_qemu_tells_gdb_of_its_buffer(tmp_path: Path) -> None:
    """An emulator of user mode that died of its guest's signal, in the VM."""
    source, guest = tmp_path / "guest.c", tmp_path / "guest"
    source.write_text(GUEST)
    subprocess.run([x86_64.compiler(), "-O1", "-static", "-o", guest, source], check=True)
    root, program = unpacked(TCG), tmp_path / "qemu-x86_64"
    (root / engines.LIBRARIES).mkdir(parents=True, exist_ok=True)  # it needs none
    shutil.copy((root / "usr/bin/qemu-x86_64").resolve(), program)
    dead = engines.died(root, program, [f"{engines.GUEST}/guest"], tmp_path)
    session = Session(CoreTarget(str(dead.core), str(dead.program), str(dead.root)))
    assert not jits(session)
    objects = session.jit_objects
    assert not isinstance(objects, Absent)
    (buffer,) = objects.listed().codes
    assert present(buffer.block)
    (region,) = code_in(session)
    assert region.start <= buffer.block.start < buffer.block.end <= region.end
    for pc in (buffer.block.start, buffer.block.end - 4):
        place = code_at(session, pc)
        assert (place.outcome, place.source) == (Outcome.RANGE, CodeSource.JIT_INTERFACE)
        assert place.function == "code_gen_buffer"
    # In front of it is the code by which QEMU enters and leaves it.
    place = code_at(session, region.start)
    assert (place.outcome, place.source) == (Outcome.CANNOT_TELL, CodeSource.MAPPINGS)
    assert len(calls_of(session)) >= 5
