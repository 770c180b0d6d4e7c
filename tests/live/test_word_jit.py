"""A compiler with a debug root that was written from the document: everything of it on the heap.

Its functions call each other with frame records, and the last one has none. Each is compiled twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.lab.vm import Vm
from mtedbg.session import Session
from tests.live.test_toy_jit import advice, walked
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.backtrace import known_frames
from tests.support.compile import INCLUDE, PROGRAMS, compiled

WORDS = PROGRAMS / "sum.words"
NAMES = ["fetch", "next", "sum", "twice"]
NOWHERE, FAULTS = 0x1230, ["twice", "0x1230"]
EXTRA = 2000


def program(*flags: str) -> Path:
    return compiled("word_jit", f"-I{INCLUDE}", *flags)


def served(session: Any) -> None:
    """The code that runs, and the code that it has replaced."""
    (row,) = answer(session, "jit-block $pc")["rows"]
    block = row["block"]
    assert (row["outcome"], row["function"], block["tier"]) == ("range", "fetch", "Optimized")
    assert Path(row["line"]).name == "sum.words:1"
    rows = answer(session, "jit-blocks")["rows"]
    old = next(one for one in rows if one["superseded_by"] == block["id"])
    assert (old["state"], old["tier"]) == ("Retired", "Baseline")
    (row,) = answer(session, f"jit-block {old['base']}")["rows"]
    assert (row["outcome"], row["function"]) == ("retired", "fetch")
    assert answer(session, "jit-audit")["rows"] == []


def core_text(core: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The post-mortem."""
    assert main(["core", str(core)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("extra", [0, EXTRA])
def test_dead_on_a_tagged_heap(
    lab_vm: Vm, tmp_path: Path, extra: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(program("-s")), str(WORDS), *FAULTS, str(extra)]
    tagged = {"PATH": "/usr/bin", "GLIBC_TUNABLES": "glibc.mem.tagging=3"}
    (core,) = lab_vm.run(words, env=tagged, cores_to=tmp_path).cores
    session = Session(CoreTarget(core, sysroot="/nonexistent"))
    (runtime,) = session.readable_runtimes()
    assert runtime.name == "words"
    served(session)
    assert walked(session) == NAMES
    shown = core_text(core, capsys)
    assert "in       fetch, Function" in shown
    # It has neither guest threads nor a recorder: no part of the report misses them.
    assert "different versions" not in shown
    assert "Guest" not in shown
    assert advice(capsys, str(core), 0) == []


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
def test_alive(flavour: str) -> None:
    module = lldb_session if flavour in lldb_session.LLDBS else gdb_session
    with module.under_qemu(flavour, program(), str(WORDS), *FAULTS) as (session, _):
        session.execute("continue")
        served(session)
        # LLDB asks nobody for frames: a leaf's caller it does not see, nor what called the first of
        # them, if that is found by its stack pointer.
        names = [*NAMES, "main"] if flavour == "gdb18" else ["fetch", "sum", "twice"]
        shown = session.execute("bt")
        assert known_frames(flavour, shown, [*NAMES, "main"]) == names, shown
