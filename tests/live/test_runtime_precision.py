"""The default policy, follow, orders what needs order, and hardly anything else: against a record
of who touched what (tests/support/touched.py)."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.lab import paths
from tests.live.test_runtime_guests import oracle, run, start
from tests.support.touched import GRANULE, RECORDED, Key, key, touched
from tests.support.trace import Record, read

GUESTS = {
    "locks": ("locks", "4"),
    "locks of eight": ("locks", "4", "8"),
    "queue": ("queue", "10"),
    "queue of eight": ("queue", "10", "4"),
    "message": ("message", "5"),
    "two": ("sharing", "2"),
    "three": ("sharing", "3"),
    "eight": ("sharing", "8"),
    "barrier": ("patterns", "stencil", "4"),
    "readers and a writer": ("patterns", "readers", "4"),
    "many to many": ("patterns", "many", "3"),
    "hazard pointers": ("patterns", "hazards", "4"),
    "pool": ("patterns", "pool", "4"),
    "chain": ("patterns", "chain", "4"),
    "memory used again": ("patterns", "reuse", "4"),
    "pool of eight": ("patterns", "pool", "8"),
}
"""Locks; a queue; message passing; rings, a sequence lock and stealing among so many threads; a
barrier between rounds; a lock of readers or one writer; a queue with a turn for each cell; hazard
pointers; a pool of workers; a buffer that goes around; memory that one frees and another gets."""
OVER = 0.1
"""Of what needs order, so much more may be ordered."""
RUNS, MOST_RUNS = 3, 12
FEW = 2
"""Executions in a run that may all come before other threads begin, on host threads."""
IN_THREADS = [
    ("locks", "0"),
    ("locks of eight", "15"),
    ("queue", "15"),
    ("queue of eight", "0"),
    ("two", "0"),
    ("eight", "15"),
    ("barrier", "0"),
    ("readers and a writer", "15"),
    ("many to many", "0"),
    ("hazard pointers", "15"),
    ("pool", "0"),
    ("chain", "15"),
    ("memory used again", "0"),
]
"""Each with one of the shared tags."""
_WRITABLE = 2
Memops = dict[Key, dict[str, str]]


def on_cores(guest: str) -> tuple[str, ...]:
    """Every thread has a core of its own, in lockstep: owners stay who they are."""
    return ("--cores", "9") if guest.endswith("eight") else ("--cores", "5")


@pytest.mark.parametrize("tag", ["0", "15"])
@pytest.mark.parametrize("guest", GUESTS)
def test_in_lockstep(guest: str, tag: str) -> None:
    where = (*on_cores(guest), "--shared-tag", tag)
    need = needed(where, *GUESTS[guest])
    found = ordered(where, *GUESTS[guest])
    assert need
    assert not need - found, "an access of shared memory that is plain"
    assert len(found - need) <= OVER * len(need)


@pytest.mark.parametrize(("guest", "tag"), IN_THREADS)
def test_in_threads(guest: str, tag: str) -> None:
    """Threads own memory here. No two runs are the same: what needs order in each of some runs
    must have it in another one, and what needs it in none of them should not.

    Where threads begin late, the first one reads what they share before they do; so on a busy
    machine it takes more runs. A second attempt at a lock may not be made in any of them.
    """
    where = ("--threads", "threads", "--shared-tag", tag)
    needs = [needed(where, *GUESTS[guest]) for _ in range(RUNS)]
    always, ever = frozenset.intersection(*needs), frozenset.union(*needs)
    assert always
    runs = [memops_of_run(where, *GUESTS[guest]) for _ in range(RUNS)]
    while missing(always, runs) and len(runs) < MOST_RUNS:
        runs.append(memops_of_run(where, *GUESTS[guest]))
    assert not missing(always, runs), "an access of shared memory that is plain"
    for one in runs:
        assert len(not_local(one) - ever) <= OVER * len(ever)


@pytest.mark.parametrize("tag", ["0", "15"])
def test_data_is_the_first_threads_until_it_is_touched(tag: str) -> None:
    """Two of the few accesses that `message` needs ordered are of data that the first thread never
    touches: whether another one has touched it, no tag tells. With those, it is as the others."""
    where = ("--threads", "threads", "--shared-tag", tag)
    needs = [needed(where, *GUESTS["message"], loaded=True) for _ in range(RUNS)]
    found = ordered(where, *GUESTS["message"])
    always, ever = frozenset.intersection(*needs), frozenset.union(*needs)
    assert always
    assert not always - found
    assert len(found - ever) <= OVER * len(ever)


def test_sticky_orders_what_a_copy_function_touches() -> None:
    """The bound tells policies apart."""
    where = on_cores("three")
    need, found = (
        needed(where, *GUESTS["three"]),
        ordered((*where, "--policy", "sticky"), *GUESTS["three"]),
    )
    assert len(found - need) > 5 * OVER * len(need)


@pytest.mark.parametrize("options", ["", "--shared-tag 15", "--threads threads"])
def test_a_misaligned_access_of_shared_memory_faults_once(options: str, tmp_path: Path) -> None:
    """It is patched, and faults no more. Inside of a granule QEMU allows it (FEAT_LSE2)."""
    out = tmp_path / "profile"
    done = run(f"--profile-out {out} {options}", "misaligned", "4000")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == oracle("misaligned", "4000")
    (program,) = json.loads(out.read_text())["programs"]
    memops = program["memops"]
    assert sum(one["executions"] for one in memops) > 4000 * 2 * 8
    assert sum(one["mode"] == "either" for one in memops) == 6, "those across two granules"
    assert max(one["faults"] for one in memops) <= 4


@pytest.mark.parametrize("options", ["", "--threads threads --shared-tag 15"])
def test_a_memop_for_either_kind_faults_no_more(options: str, tmp_path: Path) -> None:
    """Copies over both kinds of memory, misaligned: a fault a granule of another owner's, and two
    a memop that is patched twice."""
    counts = {}
    for policy in ("sticky", "follow"):
        out = tmp_path / policy
        done = run(f"--policy {policy} --profile-out {out} {options}", "mover")
        assert (done.returncode, done.stderr, done.stdout) == (0, "", oracle("mover"))
        (program,) = json.loads(out.read_text())["programs"]
        memops = program["memops"]
        counts[policy] = sum(one["faults"] for one in memops)
        either = sum(one["mode"] == "either" for one in memops)
        assert (either > 5) is (policy == "follow")
    granules, patches = 8192 // 16, 2 * len(memops)
    assert counts["follow"] <= granules + patches < counts["sticky"]


def needed(
    options: Sequence[str], guest: str, *arguments: str, loaded: bool = False
) -> frozenset[Key]:
    """The memops that touch a granule that two owners, themselves included, have touched by then.

    With `loaded` the first thread has touched the program's data, as it is the runtime's rule.

    Constant pages have no tags, and what never changes needs no order. A locked access over 16
    bytes is performed by the handler alone, whoever owns the memory, and leaves it as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        trace, profile = Path(folder) / "trace", Path(folder) / "profile"
        words = [*RECORDED, "--trace", str(trace), "--profile-out", str(profile), *options]
        checked(words, guest, *arguments)
        memops = memops_of(profile)

        def granules(fault: Record) -> Iterable[int]:
            memop = memops[key(fault)]
            last = fault.address + int(memop["size"]) - 1
            found = {fault.address // GRANULE, last // GRANULE}
            return () if memop["access"] == "rmw" and len(found) > 1 else found

        firsts = data_of(paths.guests() / f"{guest}.elf") if loaded else ()
        return touched(read(trace), granules, firsts).ordered


def ordered(options: Sequence[str], guest: str, *arguments: str) -> frozenset[Key]:
    """The memops that the runtime has ordered, at least on some memory, when the guest ends."""
    return not_local(memops_of_run(options, guest, *arguments))


def memops_of_run(options: Sequence[str], guest: str, *arguments: str) -> Memops:
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        checked(["--profile-out", str(profile), *options], guest, *arguments)
        return memops_of(profile)


def not_local(memops: Memops) -> frozenset[Key]:
    return frozenset(key for key, memop in memops.items() if memop["mode"] != "local")


def missing(always: frozenset[Key], runs: Sequence[Memops]) -> frozenset[Key]:
    """Those that some of the runs made more than a few times, and none ordered."""
    made = {key for one in runs for key, memop in one.items() if int(memop["executions"]) > FEW}
    return (always & made).difference(*map(not_local, runs))


def data_of(program: Path) -> Iterator[int]:
    """The granules of its writable segments."""
    with program.open("rb") as file:
        for one in ELFFile(file).iter_segments("PT_LOAD"):
            if one["p_flags"] & _WRITABLE:
                begin, end = one["p_vaddr"], one["p_vaddr"] + one["p_memsz"]
                yield from range(begin // GRANULE, (end - 1) // GRANULE + 1)


def checked(options: Sequence[str], guest: str, *arguments: str) -> None:
    done = start([*options, str(paths.guests() / f"{guest}.elf"), *arguments])
    assert (done.returncode, done.stderr, done.stdout) == (0, "", oracle(guest, *arguments))


def memops_of(profile: Path) -> Memops:
    (program,) = json.loads(profile.read_text())["programs"]
    return {(int(one["rip"], 16), one["ordinal"]): one for one in program["memops"]}
