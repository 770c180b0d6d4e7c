"""What stepping through fault handling shows: the same assertions for every debugger.

Where a phase is, is told by the runtime's symbols and the thread's PC; what a word of code is, by
the debugger's own reading; tags come by packets of the debugger's own. mtedbg is not asked whether
it was right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from mtedbg.shell.gdbmi import DebuggerError

GUARD = 15
"""The tag of memory that is changing hands."""

# Of a fault on shared memory at a local memop: the phases, and what each has done before it.
LOCAL_TO_SHARED = {
    "fault": "fault",
    "lookup": "lookup",
    "lock": "lock",
    "patch-memop": "patch_memop_shared",
    "patch-address": "patch_address_shared",
    "icache": "icache",
    "unlock": "unlock",
    "resume": "resume",
}
CHANGES = {
    "fault": set(),
    "lookup": set(),
    "lock": set(),
    "patch-memop": {"lock", "journal"},
    "patch-address": {"[2]", "mode"},
    "icache": {"[1]"},
    "unlock": {"flips", "resumes"},
    "resume": {"lock", "journal"},
}
# Instruction words, from the Arm ARM: BFI x16, x27, #56, #4 and BFC x16, #56, #4.
BFI, BFC = 0xB3480F70, 0xB3480FF0


class Debugger(Protocol):
    """What both debuggers' sessions have."""

    def execute(self, command: str) -> str: ...

    def rows(self, command: str) -> list[dict[str, Any]]: ...


@dataclass
class Stepping:
    """A debugger with a guest in the runtime, stopped at its first fault.

    Attributes:
        session: the debugger.
        pc: the selected thread's PC, as the debugger tells it.
        symbol: the address of a symbol, likewise.
        word: four bytes of memory, likewise.
        tag: the allocation tag at an address, by a packet.
        go_on: lets the program run until it stops.
        pass_signals: has the debugger pass SIGSEGV on (`True`: without a stop), or keep it back.
        breakpoints: the numbers of the breakpoints that a person sees.
        delete: deletes a breakpoint by the debugger's own command.
        break_at: makes one, likewise.
        settings: what the debugger has been told of signals and threads.
    """

    session: Debugger
    pc: Callable[[], int]
    symbol: Callable[[str], int]
    word: Callable[[int], int]
    tag: Callable[[int], int]
    go_on: Callable[[], object]
    pass_signals: Callable[[bool], object]
    breakpoints: Callable[[], list[int]]
    delete: Callable[[int], object]
    break_at: Callable[[int], object]
    settings: Callable[[], str]

    def report(self, command: str) -> dict[str, Any]:
        """The report with --json; GDB 13 may print a stop before it."""
        printed = self.session.execute(f"{command} --json")
        answer = json.loads(printed[printed.index("{\n") :])
        assert isinstance(answer, dict)
        return answer

    def step(self) -> dict[str, Any]:
        """The only row of `mte-step`."""
        (row,) = self.report("mte-step")["rows"]
        return dict(row)

    def words(self, row: dict[str, Any]) -> tuple[int, int]:
        """[1] and [2] as the debugger reads them, which is as the row says."""
        places = [int(one["address"], 16) for one in row["instructions"]]
        read = [self.word(place) for place in places]
        assert read == [int(one["word"], 16) for one in row["instructions"]]
        first, second = read
        return first, second

    def refused(self, command: str) -> str:
        """What a command says that is refused: two lines."""
        with pytest.raises(DebuggerError) as caught:
            self.session.execute(command)
        assert len(str(caught.value).strip().splitlines()) == 2, str(caught.value)
        return str(caught.value)


def _what(row: dict[str, Any]) -> set[str]:
    return {change["what"] for change in row["changes"]}


def assert_the_road_of_a_fault(at: Stepping) -> None:
    """From the signal to the access again, then to the next fault."""
    before, settings = at.pc(), at.settings()
    (here,) = at.report("mte-step --here")["rows"]
    assert (here["place"], here["phase"]) == ("signal", None)
    insert, plain = at.words(here)
    assert insert == BFI
    ordered, flips = plain, here["flips"]
    for phase, symbol in LOCAL_TO_SHARED.items():
        row = at.step()
        assert (row["place"], row["phase"]) == ("phase", phase)
        assert at.pc() == at.symbol(f"mtetso_phase_{symbol}")
        assert _what(row) == CHANGES[phase], phase
        assert row["direction"] == "local-shared"
        assert (row["lock"] is None) == (phase in ("fault", "lookup", "lock", "resume"))
        assert (row["journal"] is None) == (row["lock"] is None)
        first, second = at.words(row)
        if phase == "patch-address":
            ordered = second
            assert (first, ordered != plain) == (BFI, True)
        done = phase in ("icache", "unlock", "resume")
        assert first == (BFC if done else BFI)
        assert second == (ordered if done or phase == "patch-address" else plain)
        (granule,) = row["granules"]
        assert granule["tag"] == at.tag(int(granule["address"], 16)) == 0
    row = at.step()
    assert (row["place"], at.pc()) == ("insert", before - 4)
    row = at.step()
    assert (row["place"], at.pc()) == ("access", before)
    assert _what(row) == {"pointer"}
    assert (row["memop"], row["flips"], row["mode"]) == (here["memop"], flips + 1, "Shared")
    assert "it succeeds" in row["next"]
    after = at.step()
    assert (after["place"], after["phase"], after["changes"]) == ("phase", "fault", [])
    assert after["memop"] != here["memop"]
    assert at.breakpoints() == []
    assert at.settings() == settings


def assert_a_retag_is_seen(at: Stepping) -> None:
    """Memory of another core: the phases that only it has, by a breakpoint of `mte-catch`."""
    at.pass_signals(True)
    (made,) = at.report("mte-catch retag")["rows"]
    assert int(made["address"], 16) == at.symbol("mtetso_phase_retag")
    assert at.breakpoints() == [made["number"]]
    at.go_on()
    assert at.pc() == at.symbol("mtetso_phase_retag")
    (row,) = at.report("mte-step --here")["rows"]
    (granule,) = row["granules"]
    address = int(granule["address"], 16)
    owner = at.tag(address)
    assert granule["tag"] == owner not in (0, row["core"])
    row = at.step()
    assert row["phase"] == "barrier"
    assert _what(row) == {f"memory {address:#x}"}
    assert at.tag(address) == row["granules"][0]["tag"] == GUARD
    row = at.step()
    # Until the second barrier, which comes with [2].
    assert row["phase"] == "patch-memop"
    assert at.tag(address) == row["granules"][0]["tag"] == GUARD
    row = at.step()
    assert row["phase"] == "patch-address"
    assert at.tag(address) == row["granules"][0]["tag"] == 0
    at.delete(made["number"])
    assert at.report("mte-catch --list")["rows"] == []


def assert_filters(at: Stepping) -> None:
    """Under `seed`: only patches back to local, in one function, and the order of that patch."""
    at.pass_signals(True)
    made = at.report("mte-catch patch-address shared-local --function read_word")["rows"]
    assert {one["phase"] for one in made} == {"patch-address"}
    symbols = [f"mtetso_phase_patch_address_{to}" for to in ("shared", "local", "either")]
    assert {int(one["address"], 16) for one in made} == set(map(at.symbol, symbols))
    at.go_on()
    assert at.pc() == at.symbol(symbols[1])
    (row,) = at.report("mte-step --here")["rows"]
    assert (row["function"], row["direction"]) == ("read_word", "shared-local")
    assert at.words(row)[0] == BFC
    back = [at.step() for _ in range(2)]
    assert [one["phase"] for one in back] == ["patch-memop", "icache"]
    assert [_what(one) for one in back] == [{"[1]"}, {"[2]", "mode"}]
    assert at.words(back[1])[0] == BFI

    assert len(at.report("mte-catch --delete patch-address")["rows"]) == len(made)
    other = row["memop"] - 1
    at.report(f"mte-catch lock --memop {other}")
    (only,) = at.report(f"mte-catch lock shared-local --memop {row['memop']}")["rows"]
    flips = row["flips"]
    at.go_on()
    (again,) = at.report("mte-step --here")["rows"]
    assert (again["phase"], again["memop"]) == ("lock", row["memop"])
    # Foreseen: nothing is decided yet. The one before it went the other way and was let through.
    assert (again["direction"], again["flips"]) == ("shared-local", flips + 2)
    assert only["number"] in at.breakpoints()
    assert "is not a phase" in at.refused("mte-catch lok")
    assert "one direction" in at.refused("mte-catch local-shared shared-local")


def assert_what_comes_between(at: Stepping) -> None:
    """A signal that is kept back, and a breakpoint on the way."""
    at.pass_signals(False)
    assert "does not reach the program's handler" in at.refused("mte-step")
    at.pass_signals(True)
    assert at.step()["phase"] == "fault"
    assert at.step()["phase"] == "lookup"
    inside = at.pc() + 4  # that of `fault` has but one instruction
    at.break_at(inside)
    report = at.report("mte-step")
    assert (at.pc(), report["rows"][0]["place"]) == (inside, "handler")
    (number,) = at.breakpoints()
    assert f"stopped before the next phase: breakpoint {number}" in report["notes"]
    at.delete(number)
    assert at.step()["phase"] == "lock"


def assert_the_end(at: Stepping) -> None:
    """A fault of the guest's own: the handler gives it up, and the runtime ends."""
    assert at.step()["phase"] == "fault"
    for _ in range(40):
        report = at.report("mte-step")
        if not report["rows"]:
            break
    assert report["headline"] == "the program has ended: exit status 71"
    assert "no program" in at.refused("mte-step")
