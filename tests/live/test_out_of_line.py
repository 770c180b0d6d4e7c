"""A PC in a memop's out-of-line form: in a core, and in GDB on the way there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.lab import paths, user
from mtedbg.lab.vm import Vm
from mtedbg.session import Session
from tests.support.abort_at import Dead
from tests.support.gdb_session import GDBS, gdb

OPTIONS = ("--policy", "follow", "--memops-start", "either")
TIMEOUT_S = 60.0
LDG, BRANCH = 0xD9600210, 0x14000000
SIGSEGV = 11


def test_a_death_out_of_line(
    lab_vm: Vm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a handler the first access of another core's memory is the last."""
    argv = [str(paths.runtime()), *OPTIONS, "--no-handler", str(paths.guests() / "message.elf")]
    result = lab_vm.run(argv, cores_to=tmp_path, timeout_s=TIMEOUT_S)
    assert result.signal == SIGSEGV, result
    (core,) = result.cores
    dead = Dead(core, Session(CoreTarget(core, sysroot="/nonexistent")))
    (row,) = dead.rows("memop")
    assert (row["mode"], row["mode_decoded"], row["consistent"]) == ("Either", "Either", True)
    insert, access = row["instructions"]
    assert int(insert["word"], 16) & 0xFC000000 == BRANCH
    assert dead.rows("memop-verify") == []
    (fault,) = dead.rows("mte-fault")
    pc = int(fault["pc"], 16)
    assert fault["memop"] == row["id"]
    assert fault["transition"].startswith("stays either: retag memory to shared")
    listed = dead.rows("jit-disas $pc")
    (here,) = (one for one in listed if int(one["address"], 16) == pc)
    assert here["mark"] == "=> out of line in use"
    first = next(one for one in listed if one["memop"] == row["id"])
    assert int(first["bytes"], 16) == LDG
    assert not int(insert["address"], 16) <= pc <= int(access["address"], 16)
    assert main(["core", str(core)]) == 0
    assert f"memop {row['id']}" in capsys.readouterr().out


def test_stepping_to_it_and_through_it() -> None:
    """An ordered access that meets its own memory: one word is patched, and it goes on there."""
    guest = paths.guests() / "copy.elf"
    argv: list[str | Path] = [paths.runtime(), "--policy", "follow", "--memops-start", "shared"]
    with user.start([*argv, guest]) as process, gdb(next(iter(GDBS)), [paths.runtime()]) as session:
        session.execute(f"target remote {process.socket}")
        session.execute("handle SIGSEGV nostop noprint pass")
        session.execute("tbreak mtetso_enter_jit")
        assert session.resume("continue").reason == "breakpoint-hit"
        session.execute("mte-catch patch-address shared-either")
        assert session.resume("continue").reason == "breakpoint-hit"
        (row,) = session.rows("mte-step --here")
        assert (row["phase"], row["direction"]) == ("patch-address", "shared-either")
        memop = row["memop"]
        session.execute("mte-catch --delete")
        places = []
        for _ in range(5):
            session.execute("mte-step")
            (row,) = session.rows("mte-step --here")
            assert row["memop"] == memop
            places.append(row["phase"] or row["place"])
        assert places == ["icache", "unlock", "resume", "insert", "access"]
        assert session.rows(f"memop {memop}")[0]["mode"] == "Either"
        at = session.number("$pc")
        assert session.rows(f"memop {at}")[0]["id"] == memop
        # On its own memory: the plain access, and the pointer has the memory's tag.
        tag = session.number("($x16 >> 56) & 0xf")
        assert tag == session.number("$x27")
