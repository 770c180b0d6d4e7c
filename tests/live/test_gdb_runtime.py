"""The bundled runtime in real GDBs under QEMU's user mode: from a fault to the patched memop.

What the handler should have done is told here once more, after the table of its design, and tags
are read by a packet of GDB's own: neither the runtime nor mtedbg is asked whether it was right.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from mtedbg.lab import paths, user
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.gdb_session import GDBS, Session, gdb

SHARED, OTHERS, MINE = "shared", "another core's", "mine"

# (memop's mode, whose the memory is) → (memop's mode afterwards, whether the memory is shared).
# The default policy, follow: nothing that is shared becomes local again, and an ordered access of
# memory of its own leaves that as it is.
SHOULD = {
    ("Local", SHARED): ("Shared", True),
    ("Local", OTHERS): ("Shared", True),
    ("Local", MINE): ("Local", False),
    ("Shared", MINE): ("Either", False),
    ("Shared", OTHERS): ("Shared", True),
    ("Shared", SHARED): ("Shared", True),
    ("Either", MINE): ("Either", False),
    ("Either", OTHERS): ("Either", True),
    ("Either", SHARED): ("Either", True),
}
SCHEDULE = "1@1*400,2@1*40,3@2*40"
MESSAGES = 1


@dataclass
class Guest:
    """A guest program in the runtime, and the GDB that drives it."""

    session: Session
    process: user.UserProgram

    def tag(self, address: int) -> int:
        """The allocation tag at `address`, by a packet that GDB prints."""
        printed = self.session.execute(f"maintenance packet qMemTags:{address:x},1:1")
        match = re.search(r'received: "m0([0-9a-f])"', printed)
        assert match, printed
        return int(match[1], 16)

    def row(self, command: str) -> dict[str, Any]:
        """The only row of a command's report."""
        (row,) = self.session.rows(command)
        return row

    def phases(self) -> dict[str, list[int]]:
        """The addresses of the handler's phases, by the debug root."""
        self.session.execute("python import json")
        self.session.execute("python from mtedbg.adapters.gdb.sessions import current")
        self.session.execute("python from tests.support.phases import phase_addresses")
        self.session.execute("python found = phase_addresses(current().runtimes[0])")
        addresses: dict[str, list[int]] = json.loads(
            self.session.execute("python print(json.dumps(found))")
        )
        return addresses


@contextlib.contextmanager
def running(
    flavour: str, *options: str, guest: str = "message", arguments: Sequence[str] = (str(MESSAGES),)
) -> Iterator[Guest]:
    runtime = paths.runtime()
    argv = [runtime, *options, paths.guests() / f"{guest}.elf", *arguments]
    with user.start(argv) as process, gdb(flavour, [runtime]) as session:
        session.execute(f"target remote {process.socket}")
        session.execute("handle SIGSEGV stop print pass")
        yield Guest(session, process)


@pytest.mark.parametrize("flavour", GDBS)
@pytest.mark.parametrize("shared", [0, 15])
def test_every_fault_ends_as_the_table_says(flavour: str, shared: int) -> None:
    seen = set()
    options = ("--cores", "2", "--schedule", SCHEDULE, "--shared-tag", str(shared))
    with running(flavour, *options) as guest:
        stop = guest.session.resume("continue")
        (resume,) = guest.phases()["Resume"]
        guest.session.execute(f"break *{resume:#x}")
        while not stop.exited:
            assert stop.signal == "SIGSEGV", stop
            seen.add(one_fault(guest, shared, resume))
            stop = guest.session.resume("continue")
        assert stop.reason == "exited-normally"
        assert "received" in guest.process.output()
    # The schedule is repeatable: these rows of the table come up in it.
    assert {("Local", SHARED), ("Local", OTHERS), ("Shared", OTHERS)} <= seen


def one_fault(guest: Guest, shared: int, resume: int) -> tuple[str, str]:
    """From the stop on a fault to the end of its handler; returns the row of the table."""
    fault, before = guest.row("mte-fault"), guest.row("memop $pc")
    frame, block = guest.row("guest-frame"), guest.row("jit-block $pc")
    mine = frame["r_host_core_id"]
    assert frame["consistent"] is True
    assert before["consistent"] is True
    assert fault["memop"] == before["id"] == block["memop"]
    assert block["outcome"] == "range"
    address = int(fault["address"], 16)
    tag = guest.tag(address)
    assert fault["allocation_tags"][0]["tag"] == tag != fault["logical_tag"]
    whose = {shared: SHARED, mine: MINE}.get(tag, OTHERS)
    mode, becomes_shared = SHOULD[before["mode"], whose]

    stop = guest.session.resume("continue")
    assert stop.reason == "breakpoint-hit"
    assert guest.session.number("$pc") == resume
    after = guest.row(f"memop {before['id']}")
    assert (after["mode"], after["mode_decoded"], after["consistent"]) == (mode, mode, True)
    words = [int(each["word"], 16) for each in before["instructions"]]
    patched = [int(each["word"], 16) for each in after["instructions"]]
    places = [int(each["address"], 16) for each in after["instructions"]]
    assert patched == [guest.session.number(f"*(unsigned int *) {at:#x}") for at in places]
    changed = [old != new for old, new in zip(words, patched, strict=True)]
    # Only [1] is another one in mode Either.
    assert changed == [before["mode"] != mode, (before["mode"], mode) == ("Local", "Shared")]
    assert guest.tag(address) == (shared if becomes_shared else mine)
    return before["mode"], whose


@pytest.mark.parametrize("flavour", GDBS)
def test_the_reexecuted_memop_goes_through(flavour: str) -> None:
    with running(flavour) as guest:
        guest.session.resume("continue")
        memop = guest.row("memop $pc")
        first, access = (int(each["address"], 16) for each in memop["instructions"])
        guest.session.execute(f"tbreak *{first:#x}")
        assert guest.session.resume("continue").reason == "breakpoint-hit"
        guest.session.resume("stepi")
        assert guest.session.number("$pc") == access
        stop = guest.session.resume("stepi")
        assert stop.reason == "end-stepping-range"
        assert guest.session.number("$pc") == access + 4


@pytest.mark.parametrize("flavour", GDBS)
def test_outside_of_translated_code(flavour: str) -> None:
    with running(flavour) as guest:
        guest.session.resume("continue")
        assert guest.row("jit-block main")["outcome"] == "not-jit"
        assert guest.session.rows("memop main") == []
        blocks = guest.session.rows("jit-blocks")
        assert {"SharedStubs", "BaselineTier"} <= {block["kind"] for block in blocks}


@pytest.mark.parametrize("flavour", GDBS)
def test_before_the_runtime_is_there(flavour: str) -> None:
    with running(flavour) as guest, pytest.raises(DebuggerError) as error:
        guest.session.execute("memop $pc")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("flavour", GDBS)
def test_vector_registers_are_those_of_the_guest(flavour: str) -> None:
    """A function of the guest has computed with these, and left them in registers."""
    wanted = {int.from_bytes(struct.pack("<d", number), "little") for number in (4.0, 2.2)}
    with running(
        flavour, "--cores", "3", "--schedule", "seed:5", guest="numbers", arguments=()
    ) as guest:
        for _ in range(12):
            assert guest.session.resume("continue").signal == "SIGSEGV"
            row = guest.row("guest-frame")
            vectors = {name: int(value, 16) for name, value in row["vectors"].items()}
            if wanted <= set(vectors.values()):
                break
        assert row["in_jit"]
        assert wanted <= set(vectors.values())
        assert vectors["mxcsr"] == 0x1FA0  # sums were inexact
        shown = guest.session.execute("guest-frame --vectors")
    assert "mxcsr  0x1fa0  rounds to nearest, sticky PE" in shown
    assert all(f"{value:#034x}" in shown for value in wanted)
