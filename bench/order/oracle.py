"""Which accesses of a program need order: the ones that touch what another thread has touched.

As tests/support/touched.py does it for the small guests: with `--data-start nobody` no memory has a
tag that any pointer has: each access faults and is interpreted, and `--trace` has each fault.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lab import BenchError
from mtedbg.formats.profile import read_profile
from mtedbg.model.profile import Need
from tests.programs.run import Ended, natively, under_qemu

FAULTED = 8
GRANULE_SHIFT = 4
_RECORD = struct.Struct("=4I4Q")
_CHUNK = _RECORD.size * 4096
CORES = ("--cores", "8")
"""Each thread has one of its own: owners are threads."""


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
    """

    accesses: int
    in_order: int
    faults: int


def profiled(command: Sequence[str], limit_s: float, *options: str) -> Profiled:
    """Runs the program with a profile.

    Raises:
        BenchError: it did not do what it does natively.
    """
    with tempfile.TemporaryDirectory(prefix="mtedbg-order-") as name:
        out = Path(name) / "profile"
        _run(command, [*CORES, *options, "--profile-out", str(out)], limit_s)
        profile = read_profile(out.read_bytes(), out.name)
    facts = [one for program in profile.programs for one in program.memops.values()]
    return Profiled(
        sum(one.executions or 0 for one in facts),
        sum(one.executions or 0 for one in facts if one.need is Need.ORDER),
        sum(one.faults for one in facts),
    )


def needed(command: Sequence[str], limit_s: float) -> Needed:
    """Runs it so that each access faults. Granules are those of each access's first byte.

    Raises:
        BenchError: it did not do what it does natively.
    """
    found: list[Needed] = []
    with tempfile.TemporaryDirectory(prefix="mtedbg-order-") as name:
        trace = Path(name) / "trace"
        os.mkfifo(trace)
        reader = threading.Thread(target=lambda: found.append(_count(_faults(trace))))
        reader.start()
        options = [*CORES, "--policy", "interpret", "--data-start", "nobody", "--trace", str(trace)]
        try:
            _run(command, options, limit_s)
        finally:
            # Where the runtime never opened it, the reader must end all the same.
            os.close(os.open(trace, os.O_RDWR | os.O_NONBLOCK))
            reader.join()
    return found[0]


def _faults(trace: Path) -> Iterator[tuple[int, int, int, int]]:
    """Owner, granule, guest instruction and the access's place in it, of each fault."""
    with trace.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for what, _, owner, _, _, address, rip, ordinal in _RECORD.iter_unpack(chunk):
                if what == FAULTED:
                    yield owner, address >> GRANULE_SHIFT, rip, ordinal


def _count(faults: Iterator[tuple[int, int, int, int]]) -> Needed:
    owners: dict[int, int] = {}
    several = -1
    executions: Counter[tuple[int, int]] = Counter()
    ordered = set()
    shared = 0
    for owner, granule, rip, ordinal in faults:
        key = rip, ordinal
        executions[key] += 1
        before = owners.setdefault(granule, owner)
        if before != owner:
            owners[granule] = several
            shared += 1
            ordered.add(key)
    return Needed(executions.total(), shared, sum(executions[key] for key in ordered))


def _run(command: Sequence[str], options: Sequence[str], limit_s: float) -> None:
    done: Ended = under_qemu(command, options, limit_s)
    expected = natively(command)
    if (done.status, done.output) != (expected.status, expected.output):
        raise BenchError(f"{json.dumps(command)} {options}: {done}")
