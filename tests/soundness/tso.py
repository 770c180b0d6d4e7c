"""What x86 allows: the abstract machine of x86-TSO, run in every way.

Sewell, Sarkar, Owens, Zappa Nardelli, Myreen: "x86-TSO: a rigorous and usable programmer's model
for x86 multiprocessors", CACM 53(7), 2010, section 3.1. Each thread has a first-in first-out
buffer of stores before one memory; a thread reads its own youngest buffered store of a location,
else memory; MFENCE waits until the buffer is empty; a locked instruction waits likewise and is
then done on memory, and the buffer is empty behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Kind(Enum):
    """What an instruction of a guest thread does to memory."""

    READ = "R"
    WRITE = "W"
    FENCE = "F"
    EXCHANGE = "X"


@dataclass(frozen=True)
class Op:
    """One instruction: a cell is a number, `value` is what it writes."""

    kind: Kind
    cell: int = 0
    value: int = 0

    @property
    def reads(self) -> bool:
        return self.kind in (Kind.READ, Kind.EXCHANGE)

    @property
    def writes(self) -> bool:
        return self.kind in (Kind.WRITE, Kind.EXCHANGE)


Program = tuple[tuple[Op, ...], ...]


@dataclass(frozen=True, order=True)
class Outcome:
    """How a program ended.

    Attributes:
        reads: what each reading instruction got, thread by thread, in program order.
        cells: what each cell holds in the end.
    """

    reads: tuple[tuple[int, ...], ...]
    cells: tuple[int, ...]

    def __str__(self) -> str:
        reads = "; ".join(" ".join(map(str, thread)) or "-" for thread in self.reads)
        return f"reads {reads} | cells {' '.join(map(str, self.cells))}"


Buffer = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _State:
    done: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    memory: tuple[int, ...]
    reads: tuple[tuple[int, ...], ...]


def outcomes(program: Program, cells: int) -> frozenset[Outcome]:
    """Every outcome of `program` on `cells` cells that hold 0 at first."""
    none: tuple[tuple[int, ...], ...] = tuple(() for _ in program)
    start = _State(tuple(0 for _ in program), tuple(() for _ in program), (0,) * cells, none)
    seen, work, ends = {start}, [start], set()
    while work:
        state = work.pop()
        following = [
            after for thread in range(len(program)) for after in _steps(program, state, thread)
        ]
        if not following:
            ends.add(Outcome(state.reads, state.memory))
        for after in following:
            if after not in seen:
                seen.add(after)
                work.append(after)
    return frozenset(ends)


def _steps(program: Program, state: _State, thread: int) -> list[_State]:
    """The states that one step of `thread` leads to: its oldest store leaves, or it executes."""
    found = []
    buffer = state.buffers[thread]
    if buffer:
        cell, value = buffer[0]
        memory = _set(state.memory, cell, value)
        found.append(
            _State(state.done, _set(state.buffers, thread, buffer[1:]), memory, state.reads)
        )
    if state.done[thread] == len(program[thread]):
        return found
    op = program[thread][state.done[thread]]
    if buffer and op.kind in (Kind.FENCE, Kind.EXCHANGE):
        return found
    memory, buffers, reads = state.memory, state.buffers, state.reads
    if op.reads:
        own = [value for cell, value in buffer if cell == op.cell]
        got = own[-1] if own else memory[op.cell]
        reads = _set(reads, thread, (*reads[thread], got))
    if op.kind is Kind.WRITE:
        buffers = _set(buffers, thread, (*buffer, (op.cell, op.value)))
    if op.kind is Kind.EXCHANGE:
        memory = _set(memory, op.cell, op.value)
    done = _set(state.done, thread, state.done[thread] + 1)
    found.append(_State(done, buffers, memory, reads))
    return found


def _set(of: tuple[T, ...], index: int, to: T) -> tuple[T, ...]:
    return (*of[:index], to, *of[index + 1 :])
