"""Core ids that the kernel tells: threads that it moves as it likes, on four processors of a VM."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab import gdbserver, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.live.test_runtime_guests import oracle
from tests.support.compile import ROOT
from tests.support.gdb_session import Session, gdb

CPUS = 4
TIMEOUT_S = 600.0
RSEQ = ["--threads", "threads", "--core-id"]
CPU_ID = 4  # of struct rseq (include/uapi/linux/rseq.h), a u32
RSEQ_CS = 8  # likewise, a u64: what is being done; struct rseq_cs is version, flags, start_ip…


@pytest.fixture(scope="module")
def vm() -> Iterator[Vm]:
    options = MachineOptions(cpus=CPUS, ports=(gdbserver.PORT,))
    with boot([Share(ROOT, str(ROOT))], options) as machine:
        yield machine


@functools.cache
def told(guest: str, *arguments: str) -> bytes:
    return oracle(guest, *arguments).encode()


def passes(vm: Vm, options: list[str], guest: str, *arguments: str) -> None:
    argv = [str(paths.runtime()), *options, str(paths.guests() / f"{guest}.elf"), *arguments]
    done = vm.run(argv, timeout_s=TIMEOUT_S)
    assert (done.exit_status, done.stderr) == (0, b""), argv
    assert done.stdout == told(guest, *arguments), argv


@pytest.mark.parametrize("source", ["rseq-read", "rseq-strict"])
def test_guests_on_threads_that_are_moved(vm: Vm, source: str) -> None:
    """Both conventions and all policies; threads that the kernel spreads over four processors."""
    for tag in ("0", "15"):
        for policy in ("seed", "sticky", "interpret"):
            options = [*RSEQ, source, "--shared-tag", tag, "--policy", policy]
            passes(vm, options, "message", "3")
    for guest in ("queue", "locks", "mover"):
        passes(vm, [*RSEQ, source], guest)
        passes(vm, [*RSEQ, source, "--claim-threshold", "2"], guest)


def test_claims_with_pinned_threads(vm: Vm) -> None:
    """In-place weakening with nobody to restart: by polls."""
    for guest in ("message", "queue"):
        passes(vm, ["--threads", "threads", "--cores", "4", "--claim-threshold", "1"], guest)
