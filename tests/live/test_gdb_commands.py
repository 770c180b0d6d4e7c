"""Further commands on the bundled runtime in real GDBs, under QEMU's user mode.

Tags are read by a packet of GDB's own, words and registers by GDB, the guest's calls by objdump.
"""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab import paths
from mtedbg.shell.gdbmi import DebuggerError
from tests.live.test_gdb_runtime import Guest, running
from tests.support.gdb_session import GDBS

GRANULE = 16
SHARED = 0
CALL = re.compile(r"^\s*([0-9a-f]+):\s+call\s+(?:([0-9a-f]+) <|\*)")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s")
SYMBOL = re.compile(r"^([0-9a-f]+) <(\w+)>:")
# What a fault is does not change while it is handled.
LASTING = ("signal", "code_name", "fault_address_raw", "address", "pc", "base_register", "memop")
CHANGING = ("Retag", "Barrier", "PatchMemop", "PatchAddress", "Icache")
SHARED_DATA = ("--data-start", "shared")
DEEP = 7
"""Calls of the guest inside each other."""


def calls_of(guest: str) -> tuple[dict[int, int | None], dict[str, int]]:
    """Behind each call of the guest: what it calls (None: by a pointer); and where symbols are."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(paths.guests() / f"{guest}.elf")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    behind: dict[int, int | None] = {}
    symbols: dict[str, int] = {}
    last: re.Match[str] | None = None
    for line in listing.splitlines():
        if name := SYMBOL.match(line):
            symbols[name[2]] = int(name[1], 16)
        if (here := INSTRUCTION.match(line)) and last is not None:
            behind[int(here[1], 16)] = int(last[2], 16) if last[2] else None
        if here:
            last = CALL.match(line)
    return behind, symbols


def to_a_fault_on_foreign_memory(guest: Guest) -> dict[str, Any]:
    """Goes on to a fault of a local memop on memory that is another core's."""
    for _ in range(64):
        assert guest.session.resume("continue").signal == "SIGSEGV"
        fault = guest.row("mte-fault")
        if "retag" in str(fault["transition"]):
            return fault
    raise AssertionError("no such fault")


@pytest.mark.parametrize("flavour", GDBS)
def test_a_fault_from_inside_its_handler(flavour: str) -> None:
    with running(flavour, "--cores", "2", *SHARED_DATA) as guest:
        before = to_a_fault_on_foreign_memory(guest)
        chain = guest.session.rows("guest-bt")
        names = {at: name for name, all_ in guest.phases().items() for at in all_}
        for at in names:
            guest.session.execute(f"break *{at:#x}")
        seen = []
        while not seen or seen[-1] != "Resume":
            assert guest.session.resume("continue").reason == "breakpoint-hit"
            seen.append(names[guest.session.number("$pc")])
            now = guest.row("mte-fault")
            assert {key: now[key] for key in LASTING} == {key: before[key] for key in LASTING}
            (granule,) = now["allocation_tags"]
            assert granule["tag"] == guest.tag(int(granule["address"], 16))
            check_phase(guest, seen[-1], now, before)
            calls = guest.session.rows("guest-bt")
            assert [row["function"] for row in calls] == [row["function"] for row in chain]
        assert [name for name in seen if name in CHANGING] == list(CHANGING)
        assert seen[:3] == ["Fault", "Lookup", "Lock"]
        assert seen[-2:] == ["Unlock", "Resume"]


def check_phase(guest: Guest, phase: str, now: dict[str, Any], before: dict[str, Any]) -> None:
    notes = guest.session.json("mte-fault")["notes"]
    assert "the thread is in the handler of this fault" in notes[0]
    was = before["allocation_tags"][0]["tag"]
    findings = guest.session.rows("jit-audit")
    in_flight = [row for row in guest.session.rows("memop-verify") if row["kind"] == "in-flight"]
    if phase in CHANGING:
        assert now["transition"] == f"local → shared: in flight by guest thread 3, phase {phase}"
        assert f"at the fault the memory's tag was {was}" in notes
        assert [row["severity"] for row in findings] == ["info"]
        assert [(row["id"], row["thread"]) for row in in_flight] == [(before["memop"], 1)]
        return
    if phase in ("Unlock", "Resume"):
        assert now["transition"] == "done: the memop is resumed at [1]"
        assert f"at the fault the memory's tag was {was}" in notes
    else:
        assert now["transition"] == before["transition"]
    if phase != "Unlock":
        assert findings == in_flight == []


@pytest.mark.parametrize("flavour", GDBS)
def test_the_guests_calls_are_calls_of_the_guest(flavour: str) -> None:
    """In a function that calls itself, where the first accesses fault at every depth."""
    behind, symbols = calls_of("programs")
    depths = {0}
    options = ("--cores", "2", "--memops-start", "shared", "--policy", "sticky")
    with running(flavour, *options, guest="programs") as guest:
        stop = guest.session.resume("continue")
        while stop.signal == "SIGSEGV" and max(depths) < DEEP:
            report = guest.session.json("guest-bt")
            assert not any("guess" in note for note in report["notes"])
            rows = [row for row in report["rows"] if row["inlined"] is not True]
            assert rows[-1]["function"] == "_start"
            assert int(report["rows"][0]["host_pc"], 16) == guest.session.number("$pc")
            for callee, caller in pairwise(rows):
                target = behind[int(caller["rip"], 16)]
                assert target in (None, symbols[callee["function"]])
            depths.add(len(rows))
            stop = guest.session.resume("continue")
    assert depths >= {1, 2, 3, 4, 5, 6, DEEP}


@pytest.mark.parametrize("flavour", GDBS)
def test_a_stale_pair_is_called(flavour: str) -> None:
    with running(flavour, "--cores", "2", *SHARED_DATA) as guest:
        fault = to_a_fault_on_foreign_memory(guest)
        session = guest.session
        assert [row["kind"] for row in session.rows("memop-verify")] == []
        # As if [1] had run in its shared form, before it was patched to local.
        session.execute("set $x16 = $x16 & ~(0xfUL << 56)")
        (row,) = session.rows("memop-verify")
        assert (row["kind"], row["id"], row["thread"]) == ("stale-pair", fault["memop"], 1)
        assert f"[1] gave tag {SHARED}" in row["detail"]
        assert row["detail"].endswith("silently loses its ordering")


@pytest.mark.parametrize("flavour", GDBS)
def test_tags_that_are_written_are_there(flavour: str) -> None:
    """Every alignment of a range to the pairs of granules that QEMU keeps in one byte."""
    with running(flavour, "--cores", "2", *SHARED_DATA) as guest:
        session = guest.session
        assert session.resume("continue").signal == "SIGSEGV"
        (control,) = session.rows("mte-ctl")
        assert control["tcf"] == "sync"
        page = session.number("$x16") & ((1 << 56) - 1) & ~0xFFF
        session.execute(f"mte-set {page:#x} 4096 1")
        for tag, first, count in ((2, 0, 1), (3, 5, 1), (4, 8, 3), (5, 13, 4), (6, 19, 3)):
            start = page + first * GRANULE
            session.execute(f"mte-set {start:#x} {count * GRANULE - 8} {tag}")
            assert [guest.tag(start + n * GRANULE) for n in range(count)] == [tag] * count
            beside = [start + count * GRANULE, *([start - GRANULE] if first else [])]
            assert {guest.tag(at) for at in beside} == {1}
            found = session.rows(f"mte-find {tag} {page:#x} 4096")
            assert [(int(row["start"], 16), int(row["end"], 16)) for row in found] == [
                (start, start + count * GRANULE)
            ]
        with pytest.raises(DebuggerError, match="nothing was written"):
            session.execute("mte-set $sp 16 3")


def test_the_oracle_knows_the_guests_calls() -> None:
    behind, symbols = calls_of("message")
    assert symbols["main"] in behind.values()
    assert Path(paths.guests() / "message.elf").exists()
