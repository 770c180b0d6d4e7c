"""Which accesses of a program need order: the ones that touch what another thread has touched."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.lab import BenchError
from mtedbg.formats.profile import read_profile
from mtedbg.model.profile import Need
from tests.programs.run import Ended, natively, under_qemu
from tests.support.touched import RECORDED, touched
from tests.support.trace import followed

PAGE = 4096
CORES = ("--cores", "8")
"""Each thread has one of its own: owners are threads."""
# The flags of clone3 are not in the trace: it may be one of a process. Those of clone are, and
# CLONE_THREAD is 0x10000 (clone(2)).
_THREADS = re.compile(r"\bclone3\(|\bclone\(0x[0-9a-f]*[13579bdf][0-9a-f]{4}\b")


@dataclass(frozen=True)
class Needed:
    """What one run needs.

    Attributes:
        accesses: executed, except those of constants: they have no tags.
        shared: those to a granule that two threads have touched by then.
        memops: accesses of instructions that have made such an access.
    """

    accesses: int
    shared: int
    memops: int


@dataclass(frozen=True)
class Profiled:
    """What a profile of one run says.

    Attributes:
        accesses: executed.
        in_order: those of instructions that were seen to need order.
        faults: tag check faults.
        alone: whether it has made no thread; what it needs is nothing, then.
    """

    accesses: int
    in_order: int
    faults: int
    alone: bool


def profiled(command: Sequence[str], limit_s: float, *options: str) -> Profiled:
    """Runs the program with a profile.

    Raises:
        BenchError: it did not do what it does natively.
    """
    with tempfile.TemporaryDirectory(prefix="mtedbg-order-") as name:
        out, calls = Path(name) / "profile", Path(name) / "calls"
        words = ["--profile-out", str(out), "--trace-calls", str(calls)]
        _run(command, [*CORES, *options, *words], limit_s)
        profile = read_profile(out.read_bytes(), out.name)
        alone = not _THREADS.search(calls.read_text())
    facts = [one for program in profile.programs for one in program.memops.values()]
    return Profiled(
        sum(one.executions or 0 for one in facts),
        sum(one.executions or 0 for one in facts if one.need is Need.ORDER),
        sum(one.faults for one in facts),
        alone,
    )


def needed(command: Sequence[str], limit_s: float) -> Needed:
    """Runs it so that each access faults. Granules are those of each access's first byte.

    Pages that are unmapped and mapped again are new ones, and so is the stack of a new thread.

    Raises:
        BenchError: it did not do what it does natively.
    """
    with followed(partial(touched, anew=PAGE)) as reading:
        _run(command, [*CORES, *RECORDED, "--trace", str(reading.path)], limit_s)
    found = reading.result
    return Needed(
        found.executions.total(),
        found.shared,
        sum(found.executions[memop] for memop in found.ordered),
    )


def _run(command: Sequence[str], options: Sequence[str], limit_s: float) -> None:
    done: Ended = under_qemu(command, options, limit_s)
    expected = natively(command)
    if (done.status, done.output) != (expected.status, expected.output):
        raise BenchError(f"{json.dumps(command)} {options}: {done}")
