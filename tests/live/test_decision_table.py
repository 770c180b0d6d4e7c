"""Every row of the table of fault/decision.h, driven in the runtime, and read by a debugger.

A schedule makes each row come up: whose memory is, and on which core the thread stores to it. GDB
stops before the access and behind it, and says what words, tag and record are; the runtime is not
asked. What should be is written here once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab import paths, user
from tests.soundness.schedules import ELSEWHERE, SHARED, Litmus, Round, Turn, write
from tests.soundness.steps import Form
from tests.soundness.traces import form_of
from tests.support.gdb_session import Session, gdb

TEST = Litmus("a store", ("WN00",), 1)
CORE = 1
BODY = 0x20  # the guest's instructions of one round
CALL = 5  # bytes before the store
WORDS = 12  # in which the store's memop is, behind a poll
RIP = 16  # place of rip in the frame's words, which x0 points at where JIT code is entered
# BFI x16, x27, #56, #4; BFC x16, #56, #4; ORR x16, x16, #0xf00000000000000
INSERT = {"local": 0xB3480F70, 0: 0xB3480FF0, 15: 0xB2480E10}

PLAIN, ORDERED, EITHER = "Local", "Shared", "Either"
START = {"local": PLAIN, "shared": ORDERED, "either": EITHER}
B, B_MASK = 0x14000000, 0xFC000000
FAULT, RETAG, PATCH, RETRY, INTERPRET = "Fault", "Retag", "Patch", "Retry", "Interpret"


@dataclass(frozen=True)
class After:
    """What a row comes to: the memop's mode, whose the memory is, and the events but the fault."""

    mode: str
    memory: str
    events: tuple[str, ...]


STALE = After(PLAIN, "mine", (RETRY,))
FIRST = After(ORDERED, "shared", (RETRY,))
# (memop now, whose memory) for each policy. "mine" with a local memop: the register was stale;
# "won" with a shared one: another thread made the memory shared after the access had faulted.
TABLE = {
    "sticky": {
        (PLAIN, "shared"): After(ORDERED, "shared", (PATCH,)),
        (PLAIN, "other"): After(ORDERED, "shared", (RETAG, PATCH)),
        (PLAIN, "mine"): STALE,
        (ORDERED, "mine"): After(ORDERED, "shared", (RETAG, RETRY)),
        (ORDERED, "other"): After(ORDERED, "shared", (RETAG, RETRY)),
        (ORDERED, "won"): FIRST,
    },
    "seed": {
        (PLAIN, "shared"): After(ORDERED, "shared", (PATCH,)),
        (PLAIN, "other"): After(ORDERED, "shared", (RETAG, PATCH)),
        (PLAIN, "mine"): STALE,
        (ORDERED, "mine"): After(PLAIN, "mine", (PATCH,)),
        (ORDERED, "other"): After(PLAIN, "mine", (RETAG, PATCH)),
        (ORDERED, "won"): FIRST,
    },
    "interpret": {
        (PLAIN, "shared"): After(PLAIN, "shared", (INTERPRET,)),
        (PLAIN, "other"): After(PLAIN, "other", (INTERPRET,)),
        (PLAIN, "mine"): STALE,
        (ORDERED, "mine"): After(ORDERED, "mine", (INTERPRET,)),
        (ORDERED, "other"): After(ORDERED, "other", (INTERPRET,)),
        (ORDERED, "won"): FIRST,
    },
}
TABLE["follow"] = TABLE["sticky"] | {
    (ORDERED, "mine"): After(EITHER, "mine", (PATCH,)),
    (EITHER, "other"): After(EITHER, "shared", (RETAG, RETRY)),
}
WAYS = [(policy, start) for policy in TABLE for start in ("local", "shared")]
WAYS.append(("follow", "either"))
CELL = {"shared": SHARED, "other": ELSEWHERE, "mine": CORE, "won": ELSEWHERE}


@dataclass
class Runs:
    """The guest under GDB, and where the bodies of its rounds are."""

    session: Session
    bodies: int
    shared: int

    def stop_before(self, index: int) -> dict[str, Any]:
        """Lets it run to the turn of a round's store; its memop."""
        rip = self.bodies + BODY * index + CALL
        self.session.execute(f"tbreak mtetso_enter_jit if ((unsigned long *) $x0)[{RIP}] == {rip}")
        assert self.session.resume("continue").reason == "breakpoint-hit"
        entry = self.session.number("$x1")
        words = (self.session.rows(f"memop {entry + 4 * word}") for word in range(WORDS))
        memop = next(rows[0] for rows in words if rows)
        assert int(memop["guest_rip"], 16) == rip
        return memop

    def run_to(self, place: str) -> None:
        self.session.execute(f"tbreak {place}")
        assert self.session.resume("continue").reason == "breakpoint-hit"

    def tag(self, address: int) -> int:
        """By a packet that GDB prints."""
        printed = self.session.execute(f"maintenance packet qMemTags:{address:x},1:1")
        match = re.search(r'received: "m0([0-9a-f])"', printed)
        assert match, printed
        return int(match[1], 16)

    def core_tag(self, core: int) -> int:
        return core if self.shared == 0 else core - 1

    def tag_of(self, memory: str) -> int:
        return self.shared if CELL[memory] == SHARED else self.core_tag(CELL[memory])

    def mode_of(self, insert: int, access: int) -> str:
        """By the two words themselves."""
        first, form = self.session.number(f"*(unsigned *) {insert}"), self.form(access)
        if first & B_MASK == B and form is Form.ORDERED:
            return EITHER
        known = {
            (INSERT["local"], Form.PLAIN): PLAIN,
            (INSERT[self.shared], Form.ORDERED): ORDERED,
        }
        return known.get((first, form), f"{first:#x} {form}")

    def form(self, access: int) -> Form:
        return form_of(self.session.number(f"*(unsigned *) {access}"))


@pytest.fixture
def runs(policy: str, shared: int, start: str) -> Iterator[Runs]:
    rows = [whose for mode, whose in TABLE[policy] if mode == START[start]]
    rounds = [Round((CELL[whose],), (Turn(0, CORE),)) for whose in rows]
    written = write(TEST, rounds, 1 if shared == 0 else 0, common=False)
    options = ["--step", "1", "--policy", policy, "--shared-tag", str(shared)]
    options += ["--memops-start", start, "--schedule", written.schedule, "--data-start", "shared"]
    argv: list[str | Path] = [
        paths.runtime(),
        *options,
        paths.guests() / "litmus.elf",
        *written.arguments,
    ]
    with user.start(argv) as process, gdb("gdb18", [paths.runtime()]) as session:
        session.execute(f"target remote {process.socket}")
        session.execute("handle SIGSEGV nostop noprint pass")
        session.execute(f"add-symbol-file {paths.guests() / 'litmus.elf'}")
        yield Runs(session, session.number("&litmus_WN"), shared)
        assert session.resume("continue").reason == "exited-normally"
        assert len(process.output().splitlines()) == len(rounds)


@pytest.mark.parametrize("shared", [0, 15])
@pytest.mark.parametrize(("policy", "start"), WAYS)
def test_every_row(runs: Runs, policy: str, start: str) -> None:
    rows = [key for key in TABLE[policy] if key[0] == START[start]]
    for index, (mode, whose) in enumerate(rows):
        one_row(runs, index, mode, whose, TABLE[policy][mode, whose])


def one_row(runs: Runs, index: int, mode: str, whose: str, should: After) -> None:
    session = runs.session
    memop = runs.stop_before(index)
    insert, access = (int(word["address"], 16) for word in memop["instructions"])
    assert (memop["mode"], runs.mode_of(insert, access)) == (mode, mode)
    # At the entry of JIT code: what the guest has in rsi, the cell's address.
    cell = session.number("((unsigned long *) $x0)[6]")
    assert runs.tag(cell) == runs.tag_of(whose)
    if (mode, whose) == (PLAIN, "mine"):
        runs.run_to(f"*{insert}")
        session.execute(f"set $x27 = {runs.core_tag(ELSEWHERE)}")
    if whose == "won":
        runs.run_to("*&mtetso_phase_lock")
        session.execute(f"mte-set {cell} 16 {runs.shared}")
    runs.run_to(f"*{access + 4}")

    after = session.rows(f"memop {memop['id']}")[0]
    assert (after["mode"], runs.mode_of(insert, access)) == (should.mode, should.mode)
    assert after["consistent"] is True
    assert after["flips"] == (PATCH in should.events)
    assert runs.tag(cell) == runs.tag_of(should.memory)
    assert session.number("$x27") == runs.core_tag(CORE)
    log = [row for row in session.rows("memop-log -n 50") if row["memop"] == memop["id"]]
    assert tuple(row["event"] for row in log) == (FAULT, *should.events)
    assert {row["core"] for row in log} == {runs.core_tag(CORE)}
    assert session.number(f"*(unsigned long *) {cell}") == 1
