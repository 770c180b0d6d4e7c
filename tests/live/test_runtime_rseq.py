"""Core ids that the kernel tells, and pinned threads that are moved: four processors of a VM."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtedbg.lab import gdbserver, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.live.test_runtime_guests import oracle
from tests.support.compile import ROOT, compiled
from tests.support.gdb_session import Session, gdb
from tests.support.trace import Event, What, read

CPUS = 4
TIMEOUT_S = 600.0
SHARED = "/shared"
RSEQ = ["--threads", "threads", "--core-id"]
# include/uapi/linux/rseq.h: cpu_id is a u32, rseq_cs the address of a struct rseq_cs, which has
# version and flags (u32), start_ip, post_commit_offset and abort_ip (u64).
CPU_ID, RSEQ_CS = 4, 8
START, LENGTH, ABORT = 8, 16, 24
SIGNATURE = 0xD428BC00  # glibc's RSEQ_SIG on AArch64


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The VM has it as `SHARED`, to write to."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def vm(shared: Path) -> Iterator[Vm]:
    options = MachineOptions(cpus=CPUS, ports=(gdbserver.PORT,))
    shares = [Share(ROOT, str(ROOT)), Share(shared, SHARED, writable=True)]
    with boot(shares, options) as machine:
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


@contextmanager
def debugged(vm: Vm, source: str) -> Iterator[Session]:
    argv = [str(paths.runtime()), *RSEQ, source, "--data-start", "shared"]
    argv.append(str(paths.guests() / "message.elf"))
    with gdbserver.serve(vm, argv) as port, gdb("gdb18", [paths.runtime()]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        session.execute("handle SIGSEGV stop print pass")
        yield session


def word(session: Session, address: int, kind: str = "unsigned long") -> int:
    """The debugger's own reading: mtedbg is not asked."""
    return session.number(f"*({kind}*){address:#x}")


@pytest.mark.parametrize("source", ["rseq-read", "rseq-strict"])
def test_the_kernels_own_value_is_shown(vm: Vm, source: str) -> None:
    with debugged(vm, source) as session:
        for _ in range(8):
            assert session.resume("continue").signal == "SIGSEGV"
            frame, area = (
                session.rows("guest-frame")[0],
                session.number("((struct mtedbg_GuestFrame*)$x28)->rseq"),
            )
            # GDB's thread pointer, and where the C library says it has registered the area.
            assert area == session.number("(long)$tpidr + (long)__rseq_offset")
            cpu = word(session, area + CPU_ID, "unsigned int")
            assert 0 <= cpu < CPUS
            assert frame["rseq_core_id"] == cpu
            assert frame["host_core_id"] == frame["r_host_core_id"] == session.number("$x27")
            if frame["consistent"]:
                assert frame["host_core_id"] == cpu + 1
            else:  # possible in one of the two only: a strict memop would have started over
                assert source == "rseq-read"
            (fault,) = session.rows("mte-fault")
            (memop,) = session.rows(f"memop {fault['memop']}")
            assert int(memop["address"], 16) == session.number("$pc")
            if source == "rseq-strict":
                assert_in_section(session, area, int(memop["address"], 16))


def assert_in_section(session: Session, area: int, pc: int) -> None:
    """What the kernel was told of the memop that the thread is in."""
    section = word(session, area + RSEQ_CS)
    start, length = word(session, section + START), word(session, section + LENGTH)
    aborts = word(session, section + ABORT)
    assert start < pc == start + length - 4
    assert word(session, aborts - 4, "unsigned int") == SIGNATURE
    assert not start <= aborts < start + length


def test_a_fault_is_found_by_its_abort_handler(vm: Vm) -> None:
    """The handler's PC is that of the abort: it and the debugger find the memop all the same."""
    with debugged(vm, "rseq-strict") as session:
        assert session.resume("continue").signal == "SIGSEGV"
        (before,) = session.rows("mte-fault")
        access, area = (
            session.number("$pc"),
            session.number("((struct mtedbg_GuestFrame*)$x28)->rseq"),
        )
        aborts = word(session, word(session, area + RSEQ_CS) + ABORT)
        session.execute("break *&mtetso_phase_lookup")
        session.execute("break *&mtetso_phase_resume")
        assert session.resume("continue").reason == "breakpoint-hit"
        assert word(session, area + RSEQ_CS) == 0  # the kernel has taken it back
        session.execute("up-silently")
        (now,) = session.rows("mte-fault")
        assert int(now["pc"], 16) in (aborts, access)
        assert now["memop"] == before["memop"]
        assert session.resume("continue").reason == "breakpoint-hit"
        (memop,) = session.rows(f"memop {before['memop']}")
        assert (memop["flips"], memop["mode_decoded"]) == (1, "Shared")


def test_a_critical_section_is_stepped_over_as_one(vm: Vm) -> None:
    """Stop by stop it would never end: the kernel starts it over. GDB sees to it that it does."""
    with debugged(vm, "rseq-strict") as session:
        assert session.resume("continue").signal == "SIGSEGV"
        (fault,) = session.rows("mte-fault")
        places = []
        while "resume" not in places:
            (row,) = session.rows("mte-step")
            places.append(row["phase"] or row["place"])
        (row,) = session.rows("mte-step")
        assert (row["place"], row["memop"]) == ("insert", fault["memop"])
        for _ in range(40):  # far more than the memop has instructions
            session.execute("stepi")
        (again,) = session.rows("mte-step --here")
        assert (again["place"], again["memop"]) == ("insert", fault["memop"])
        answer = session.json("mte-step")
        (row,) = answer["rows"]
        said = f"memop {fault['memop']} is a critical section (rseq), which restarts"
        assert [note for note in answer["notes"] if note.startswith(said)]
        assert row["place"] != "insert"


def test_migrations_are_events(vm: Vm) -> None:
    """Threads on four processors: somebody is moved, and the recorder knows from where to."""
    with debugged(vm, "rseq-strict") as session:
        session.execute("handle SIGSEGV nostop noprint pass")
        session.execute("break mtetso::close_debug_root")
        assert session.resume("continue").reason == "breakpoint-hit"
        moved = [row for row in session.rows("memop-log -n 100000") if row["event"] == "Migration"]
        assert moved
        for row in moved:
            assert row["old"] != row["new"]
            assert {int(row["old"]), int(row["new"])} <= set(range(1, CPUS + 1))


SHARED_TAG, PINNED, NOBODY = 0, 1, 14  # PINNED: of the first core


def test_pinned_threads_that_are_moved(vm: Vm, shared: Path) -> None:
    """Bound to other processors from outside: by the next poll they own nothing, for good."""
    trace, guest = shared / "trace", paths.guests() / "moved.elf"
    argv = [str(compiled("outsider", "-static")), str(paths.runtime()), "--threads", "threads"]
    argv += ["--core-id", "pinned", "--trace", f"{SHARED}/trace", str(guest)]
    done = vm.run(argv, timeout_s=TIMEOUT_S)
    assert (done.exit_status, done.stderr) == (0, b""), done
    assert done.stdout.decode().splitlines() == ["ready", "moved 2"]
    records = [one for one in read(trace) if one.what == What.EVENT]
    moves = [one for one in records if one.event == Event.MIGRATION]
    threads = sorted((one.thread, one.first, one.second) for one in moves)
    assert threads == [(1, PINNED, NOBODY), (3, PINNED, NOBODY)]
    # The third one saw it at a poll: it called nothing meanwhile.
    (third,) = (one for one in moves if one.thread == 3)
    begin, size = symbol(guest, "go_round")
    assert begin <= third.address < begin + size
    # Its stack was local to it, and to the first one: now it is shared.
    behind = [one for one in records[records.index(third) :] if one.thread == 3]
    assert {one.core for one in behind} == {NOBODY}
    retagged = {(one.first, one.second) for one in behind if one.event == Event.RETAG}
    assert (PINNED, SHARED_TAG) in retagged


def symbol(program: Path, name: str) -> tuple[int, int]:
    """Address and size of a function."""
    listed = subprocess.run(
        ["nm", "--print-size", program], capture_output=True, text=True, check=True
    )
    (line,) = (one.split() for one in listed.stdout.splitlines() if one.endswith(f" {name}"))
    return int(line[0], 16), int(line[1], 16)
