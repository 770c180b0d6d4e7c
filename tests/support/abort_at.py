"""Real cores of the runtime, dead at a named point (`--abort-at`), and what they are asked."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.cli import main
from mtedbg.commands import find
from mtedbg.commands._line import parse, report
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent
from mtedbg.model.runtime import Journal
from mtedbg.render.json import to_object
from mtedbg.session import Session

SIGABRT = 6
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Dead:
    """A core of the runtime, read without its program."""

    core: Path
    session: Session

    def ask(self, line: str) -> dict[str, Any]:
        """What `mtedbg core -x LINE --json` answers."""
        name, _, rest = line.partition(" ")
        command = find(name)
        assert command is not None
        return dict(to_object(report(self.session, command, parse(self.session, command, rest))))

    def rows(self, line: str) -> list[dict[str, Any]]:
        """The rows of that answer."""
        rows = self.ask(line)["rows"]
        assert isinstance(rows, list)
        return rows

    @property
    def runtime(self) -> Runtime:
        """The one in it."""
        (one,) = all_runtimes(self.session)
        return one

    def journal(self, slot: int) -> Journal:
        """One slot of the journal: 0 memops and tags, 1 code."""
        slots = self.runtime.array("journal", Journal)
        assert not isinstance(slots, Absent)
        entry = slots.get(slot)
        assert isinstance(entry, Journal)
        return entry

    def post_mortem(self) -> str:
        """All that `mtedbg core` prints; it must have been able to read everything."""
        printed, complaints = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
            status = main(["core", str(self.core), "--sysroot", "/nonexistent"])
        assert status == 0, complaints.getvalue()
        assert "SIGABRT" in printed.getvalue()
        return printed.getvalue()

    def sound(self) -> None:
        """No metadata contradicts itself, and no memop its bytes without a reason."""
        wrong = [row for row in self.rows("jit-audit") if row["severity"] == "error"]
        assert wrong == []
        assert [row for row in self.rows("memop-verify") if row["kind"] == "bytes"] == []


def died_at(vm: Vm, folder: Path, point: str, *options: str, guest: str = "message") -> Dead:
    """The core of a run that was told to die at `point` ("NAME" or "NAME:N")."""
    place = folder / point.replace(":", "-")
    place.mkdir()
    argv = [str(paths.runtime()), "--abort-at", point, "--data-start", "shared", *options]
    argv.append(str(paths.guests() / f"{guest}.elf"))
    result = vm.run(argv, cores_to=place, timeout_s=TIMEOUT_S)
    assert result.signal == SIGABRT, (point, result)
    assert result.core_is_whole, (point, result)
    (core,) = result.cores
    return Dead(core, Session(CoreTarget(core, sysroot="/nonexistent")))
