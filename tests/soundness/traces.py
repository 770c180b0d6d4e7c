"""Runs batches in the runtime under QEMU's user mode, and reads what `--trace` wrote of them.

The runtime says which turns there were, which membarriers, which tags were written, what the flight
recorder got, and which words a memop consisted of when it ran. What is made of that here is what
`arm.py` takes: nothing is assumed of what the fault handler should do.
"""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from mtedbg.lab import paths
from tests.soundness.schedules import GUEST_CELLS, SHARED, Litmus, Round, Written, write
from tests.soundness.steps import (
    Access,
    Everywhere,
    Fence,
    Form,
    Lock,
    Patch,
    Step,
    Switch,
    Tag,
    Unlock,
)
from tests.soundness.tso import Kind, Op, Outcome
from tests.support.trace import Event, Record, What, read

TIMEOUT_S = 600
GRANULE = 16
COMMON_CELL = 16
MODE_LOCAL, MODE_EITHER = 1, 3


@dataclass(frozen=True)
class Ran:
    """An access as it ran, with what was before it in its turn."""

    thread: int
    core: int
    memop: int
    steps: tuple[Step, ...]
    access: Access | None
    out_of_line: bool = False
    weakened: frozenset[int] = frozenset()
    """Memops that its fault handling took to the plain form, with nobody stopped."""


@dataclass(frozen=True)
class Traced:
    """A round as it ran.

    Attributes:
        round: what was asked for.
        turns: its accesses, in order.
        printed: what the guest saw.
    """

    round: Round
    turns: tuple[Ran, ...]
    printed: Outcome


def run(
    test: Litmus, batch: Sequence[Round], options: Sequence[str], *, tag: int, common: bool
) -> list[Traced]:
    """Runs rounds of a test in the runtime, and what each was.

    Args:
        test: which.
        batch: its rounds.
        options: further ones of the runtime.
        tag: the shared tag, 0 or 15.
        common: whether threads of one shape run the same instructions.
    """
    written = write(test, batch, 1 if tag == 0 else 0, common)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        words = ["qemu-aarch64", "-cpu", "max", str(paths.runtime())]
        words += ["--step", "1", "--shared-tag", str(tag), "--trace", str(trace)]
        words += ["--schedule", written.schedule, *options, str(_guest()), *written.arguments]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=folder
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout[-200:]
        records = list(read(trace))
    lines = done.stdout.splitlines()
    assert len(lines) == len(batch)
    turns = list(_by_turn(records))
    asked = written.schedule.split(",")
    assert len(turns) == len(asked), "a turn was passed over"
    return [
        _traced(test, one, index, turns, written, lines[index]) for index, one in enumerate(batch)
    ]


def _by_turn(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records of each turn, its own first; a migration comes before the turn that it is for."""
    turn: list[Record] | None = None
    for record in records:
        if record.what == What.TURN:
            if turn is not None:
                yield turn
            turn = [record]
        elif turn is not None:
            turn.append(record)
    if turn is not None:
        yield turn


def _traced(
    test: Litmus,
    one: Round,
    index: int,
    turns: Sequence[list[Record]],
    written: Written,
    line: str,
) -> Traced:
    begin = written.bodies[index]
    threads = len(test.threads)
    made = turns[written.made[index] :][:GUEST_CELLS]
    cells = [
        _cell_of(one, index, place, records, written.arguments)
        for place, records in enumerate(made)
    ]
    counts = [0] * threads
    ran = []
    tags = _Tags(cells)
    for records in turns[written.made[index] : begin]:
        tags.follow(records)
    for asked, records in zip(one.turns, turns[begin:], strict=False):
        turn = records[0]
        assert (turn.thread, turn.first) == (asked.thread + 2, 1)
        op = test.program[asked.thread][counts[asked.thread]]
        counts[asked.thread] += 1
        tags.follow(records)
        ran.append(_ran(asked.thread, asked.core, op, records[1:], tags))
    return Traced(one, tuple(ran), _printed(test, line))


def _cell_of(
    one: Round, index: int, place: int, records: Sequence[Record], arguments: Sequence[str]
) -> int:
    """The address of a cell: what was tagged when it was allocated, or one in the guest's image."""
    if place < len(one.cells) and one.cells[place] != SHARED:
        fresh = [r.address for r in records if r.what == What.TAGS and r.first == GRANULE]
        return fresh[0]
    copy = index * (1 if len(arguments) > 2 else len(arguments[0].split()))
    return _common_cells() + (copy * GUEST_CELLS + place) * COMMON_CELL


class _Tags:
    """The tags of a round's cells, as written so far.

    Args:
        cells: their addresses.
    """

    def __init__(self, cells: Sequence[int]) -> None:
        self.cells = cells
        self._now: dict[int, int] = {}

    def follow(self, records: Sequence[Record]) -> None:
        """Applies what a turn wrote: an access runs when its faults have been handled."""
        for record in records:
            if record.what == What.TAGS:
                for place, cell in enumerate(self.cells):
                    if record.address <= cell < record.address + record.first:
                        self._now[place] = record.second

    def is_of(self, cell: int, core: int) -> bool:
        """Whether a cell is local to the core with the tag `core`: in the image, nobody's is."""
        return self._now.get(cell) == core


def _ran(thread: int, core: int, op: Op, records: Sequence[Record], tags: _Tags) -> Ran:
    """What one turn did: each fault is handled under the lock, then the access runs."""
    steps: list[Step] = []
    access: Access | None = None
    memop = 0
    interpreted = held = stopped = out_of_line = False
    weakened: set[int] = set()
    for record in records:
        if record.what == What.EVENT and record.event == Event.FAULT:
            steps += [Unlock(thread)] if held else []
            steps.append(Lock(thread))
            held, stopped = True, False
        elif record.what == What.TAGS:
            cells = enumerate(tags.cells)
            written = [Tag(thread, n) for n, cell in cells if record.address == cell]
            steps += [*written, Fence(thread)]  # the DSB in write_tags()
        elif record.what == What.BARRIER:
            steps.append(Everywhere(thread))
        elif record.what == What.QUIESCED:
            stopped = True
        elif record.what == What.INTERPRETED:
            interpreted = True
            steps += _interpreted(thread, op)
        elif record.what == What.EVENT and record.event == Event.PATCH:
            if record.second == MODE_LOCAL and not stopped:
                weakened.add(record.memop)
            steps.append(Patch(thread, record.memop))
        elif record.what == What.ACCESS:
            memop = record.memop
            if not interpreted:
                form = form_of(record.second)
                # Out of line: the access of a local memop, or one that orders as a shared memop's
                # or more (code/memop_words.h).
                out_of_line = record.event == MODE_EITHER
                local = out_of_line and tags.is_of(op.cell, record.core)
                form = Form.PLAIN if local and form is Form.ORDERED else form
                access = Access(thread, op, form, memop=memop)
    steps += [Unlock(thread)] if held else []
    if op.kind is Kind.FENCE:
        steps.append(Fence(thread))
    return Ran(thread, core, memop, tuple(steps), access, out_of_line, frozenset(weakened))


def _interpreted(thread: int, op: Op) -> list[Step]:
    """The handler's own access: between full barriers, without a tag check (interpret.cc)."""
    form = Form.ATOMIC if op.kind is Kind.EXCHANGE else Form.PLAIN
    return [Fence(thread), Access(thread, op, form, checked=False), Fence(thread)]


def form_of(word: int) -> Form:
    """What an access's instruction word is, for 8 bytes at [x16] (Arm ARM C6.2)."""
    forms = {
        (0xFFFF_FC00, 0xF940_0000): Form.PLAIN,  # LDR Xt, [Xn]
        (0xFFFF_FC00, 0xF900_0000): Form.PLAIN,  # STR Xt, [Xn]
        (0xFFFF_FC00, 0xF8BF_C000): Form.ORDERED,  # LDAPR Xt, [Xn]
        (0xFFFF_FC00, 0xC89F_FC00): Form.ORDERED,  # STLR Xt, [Xn]
        (0xFFE0_FC00, 0xF8E0_8000): Form.ATOMIC,  # SWPAL Xs, Xt, [Xn]
    }
    for (mask, value), form in forms.items():
        if word & mask == value:
            return form
    raise AssertionError(f"no memop of 8 bytes: {word:#x}")


def _printed(test: Litmus, line: str) -> Outcome:
    """The guest's line of a round."""
    reads, cells = line.split("|")
    words = reads.split()
    got = []
    for thread in range(len(test.threads)):
        pair = words[2 * thread : 2 * thread + 2]
        got.append(tuple(int(word) for word in pair if word != "-"))
    return Outcome(tuple(got), tuple(int(word) for word in cells.split())[: test.cells])


def _guest() -> Path:
    return paths.guests() / "litmus.elf"


@functools.cache
def _common_cells() -> int:
    with _guest().open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        found = symbols.get_symbol_by_name("common_cells")
    assert found is not None
    return int(found[0]["st_value"])


def steps_of(turns: Sequence[Ran]) -> list[Step]:
    """The whole of a round for the model of Arm: turns, and what happens between them."""
    steps: list[Step] = []
    core_of: dict[int, int] = {}
    last_on: dict[int, int] = {}
    for turn in turns:
        if core_of.get(turn.thread, turn.core) != turn.core:
            steps.append(Fence(turn.thread))  # the scheduler's own, as a thread changes its core
        before = last_on.get(turn.core, turn.thread)
        if before != turn.thread:
            steps.append(Switch(before, turn.thread))
        core_of[turn.thread] = turn.core
        last_on[turn.core] = turn.thread
        steps += turn.steps
        if turn.access is not None:
            steps.append(turn.access)
    return _renamed(steps)


def _renamed(steps: Sequence[Step]) -> list[Step]:
    """The same with small numbers for memops that are patched: equal rounds become equal."""
    patched = {step.memop for step in steps if isinstance(step, Patch)}
    names = {memop: number for number, memop in enumerate(sorted(patched), 1)}
    return [
        replace(step, memop=names.get(step.memop, 0)) if isinstance(step, Access | Patch) else step
        for step in steps
    ]
