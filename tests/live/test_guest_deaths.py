"""What is said of Linux programs that died in the runtime by their own doing."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.cli import main
from mtedbg.commands._offline import answer_line
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from mtedbg.model.cause import CauseKind
from mtedbg.session import Session
from tests.support import signals, x86_64
from tests.support.guest_crashes import crashed, program
from tests.support.patience import LOOK_S, Patience, of_process

pytestmark = x86_64.only_natively("the guests have this machine's x86-64 C library")
WORDS = {
    "thread": r"SIGSEGV: bad address 0x8, in walk at \S+/crashes\.c:\d+",
    "overflow": r"SIGSEGV: stack overflow, rsp 0x\w+, address 0x\w+, in deep at \S+:\d+",
    "divide": r"SIGFPE: division by zero or quotient too large, in divide at \S+:\d+",
    "illegal": r"SIGILL: undefined instruction, in illegal at \S+:\d+",
    "newer": r"SIGILL: unsupported instruction at 0x\w+: 66 0f 38 01 c8  ?phaddw xmm1, xmm0,"
    r" in newer at \S+:\d+",
    "null": r"SIGSEGV: jump or return to 0x0, where no code is; called from null_call at \S+:\d+",
    "abort": r"SIGABRT: sent by itself \(tgkill\), in \w*pthread_kill\w* .*; called from die at .*",
    "memcpy": r"SIGSEGV: bad address 0x\w+, in \w*mem\w+ at .*; called from copy at \S+:\d+",
}


OTHERS = {
    "canonical": r"SIGSEGV: address 0x1234567812345678, which is not canonical, in canonical at .*",
    "after-free": r"SIGSEGV: address 0x5555\w{12}, which is not canonical, in after_free at .*",
    "truncated": r"SIGBUS: address 0x\w+000, behind the end of the mapped file, in past_end at .*",
    "jump-data": r"SIGSEGV: jump or return to 0x\w+, where no code is, in data\.\d+; "
    r"called from jump_to_data at .*",
    "assert": r"SIGABRT: sent by itself \(tgkill\), in .*; called from asserted at .*",
    "unblocked": r"SIGABRT: sent by itself \(tgkill\), in .*; called from unblocked at .*",
    "panic": r"SIGABRT: sent by itself \(tgkill\), in .*; called from panicked at .*",
    "thread-overflow": r"SIGSEGV: stack overflow, rsp 0x\w+, address 0x\w+, in deep at \S+:\d+",
    "overflow-alternate": r"SIGSEGV: stack overflow, rsp 0x\w+, address 0x\w+, in deep at \S+:\d+; "
    r"in its handler: SIGABRT, sent by itself \(tgkill\)",
    "alternate": r"SIGABRT: sent by itself \(tgkill\), in .*; called from on_alternate at .*",
    "free-twice": r"SIGABRT: sent by itself \(tgkill\), in .*; called from freed_twice at .*",
}


@pytest.mark.parametrize(
    ("kind", "how"),
    [*(("dynamic", how) for how in WORDS), *(("deaths", how) for how in OTHERS)],
)
def test_the_first_line_says_why_the_guest_died(kind: str, how: str, tmp_path: Path) -> None:
    found = cause(Session(CoreTarget(crashed(program(kind), tmp_path, how))))
    words = (WORDS | OTHERS)[how]
    assert re.fullmatch(f"the guest died of {words}", found.words), found.words
    assert (found.kind, found.code) == (CauseKind.GUEST, "guest")


def test_a_fault_behind_the_signal_that_killed(tmp_path: Path) -> None:
    """A program that tells of its fault in a handler, and aborts there, died of the fault."""
    session = Session(CoreTarget(crashed(program("deaths"), tmp_path, "overflow-alternate")))
    found = cause(session)
    assert (found.signal, found.killed_by, found.function) == ("SIGSEGV", "SIGABRT", "deep")
    assert found.reasons[0].startswith("called from deep at ")
    made, _ = signature(session)
    assert made.cause.startswith("guest's SIGSEGV: ")
    assert made.place.startswith("deep")
    # The calls are all of them.
    names = [row["function"] for row in answer_line(session, "guest-bt").rows]
    assert "from_handler" in names[: names.index("<signal handler called>")]


def test_a_function_without_a_name_is_a_place_in_its_file(tmp_path: Path) -> None:
    """As `addr2line` asks for it, and the same in every run."""
    path = program("stripped")
    core = crashed(path, tmp_path, "thread")
    found = cause(Session(CoreTarget(core)))
    match = re.fullmatch(
        r"the guest died of SIGSEGV: bad address 0x8, in (.+)\+(0x\w+)", found.words
    )
    assert match, found.words
    assert found.function == f"{match[1]}+{match[2]}"
    assert match[1] == path.name
    line = ["addr2line", "-f", "-e", str(program("dynamic")), match[2]]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout.startswith(
        "walk"
    )


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
def test_where_a_hung_program_was_that_was_killed(tmp_path: Path, threads: str) -> None:
    """By SIGQUIT from outside: two threads that wait for each other's mutex for ever."""
    path = program("deaths")
    words = [str(paths.runtime()), "--threads", threads, str(path), "deadlock"]
    run = 'ulimit -c unlimited; exec qemu-aarch64 -cpu max "$@"'
    with subprocess.Popen(
        [*signals.FRESH, "sh", "-c", run, "sh", *words], cwd=tmp_path, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"both have one\n"
            at_rest = Patience(partial(of_process, process.pid), 60, idle_s=2)
            while not (why := at_rest.lost()):
                with pytest.raises(subprocess.TimeoutExpired):  # it does not end by itself
                    process.wait(LOOK_S)
            assert "did nothing" in why
            process.send_signal(signal.SIGQUIT)
            assert process.wait(60) == -signal.SIGQUIT
        finally:
            process.kill()  # nothing else ends it
    (core,) = tmp_path.glob("*.core")
    shutil.copy(path, tmp_path / path.name)
    session = Session(CoreTarget(core))
    found = cause(session)
    one = r"guest thread {} was in \w*(?:wait|lock)\w* at .*, called from {} at \S+deaths\.c:\d+"
    first, second = one.format(1, "takes_second"), one.format(2, "takes_first")
    both = f"SIGQUIT; {first}"
    if threads == "lockstep":
        both += f"; {second}"
        report = answer_line(session, "guest-bt")
        rows = report.rows
        assert report.headline.startswith("thread 1: its 2 guest threads are parked")
        assert {row["guest_thread"] for row in rows} == {1, 2}
        assert {"takes_first", "takes_second", "main"} < {row["function"] for row in rows}
    assert re.fullmatch(both, found.words), found.words
    made, _ = signature(session)
    assert (made.cause, made.program) == ("SIGQUIT", path.name)
    assert made.place.startswith("takes_second")


def test_calls_that_the_runtime_lacks_are_named(tmp_path: Path) -> None:
    found = cause(Session(CoreTarget(crashed(program("dynamic"), tmp_path, "without-call"))))
    assert found.words.startswith("the guest died of SIGABRT: sent by itself")
    assert "system calls that failed as the runtime lacks them: uselib" in found.reasons


def test_blocks_of_one_library(tmp_path: Path) -> None:
    session = Session(CoreTarget(crashed(program("dynamic"), tmp_path, "qsort")))
    everything = answer_line(session, "jit-blocks").rows
    of_libc = answer_line(session, "jit-blocks --program libc.so.6").rows
    assert 0 < len(of_libc) < len(everything)
    assert of_libc == tuple(row for row in everything if row["program"] == "libc.so.6")
    sorter = next(row for row in answer_line(session, "guest-bt").rows if "qsort" in str(row))
    block = next(row for row in of_libc if row["id"] == sorter["block"])
    (held,) = answer_line(session, f"jit-block {block['base']:#x}").rows
    assert "qsort" in str(held["function"])


def test_a_core_of_the_kernels(lab_vm: Vm, tmp_path: Path) -> None:
    """With host threads: faults on tags were handled before, and nothing of them is blamed."""
    path = tmp_path / "crashes-static"
    shutil.copy(program("static"), path)
    argv = [str(paths.runtime()), "--threads", "threads", str(program("static")), "thread"]
    (core,) = lab_vm.run(argv, cores_to=tmp_path, timeout_s=60).cores
    found = cause(Session(CoreTarget(core)))
    assert re.fullmatch(f"the guest died of {WORDS['thread']}", found.words), found.words
    assert found.reasons[0].startswith("called from thread at ")


def test_triage_groups_by_the_guests_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three crashes of two programs, two of them the same."""
    cores = tmp_path / "cores"
    cores.mkdir()
    runs = (
        ("dynamic", "qsort", ()),
        ("dynamic", "qsort", ("--threads", "threads", "--shared-tag", "15", "--policy", "seed")),
        ("c++", "virtual", ()),
    )
    for number, (kind, how, options) in enumerate(runs):
        folder = tmp_path / str(number)
        folder.mkdir()
        core = crashed(program(kind), folder, how, options=options)
        core.rename(cores / f"core.{number}")
        shutil.copy(program(kind), cores)
    words = ["triage", str(cores), "--json", "--members", "--state", str(tmp_path / "state")]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    groups = {row["program"]: (row["count"], row["place"]) for row in rows}
    assert groups == {
        "crashes-dynamic": (2, groups["crashes-dynamic"][1]),
        "crashes-c++": (1, groups["crashes-c++"][1]),
    }
    assert groups["crashes-dynamic"][1].startswith("walk+")
    assert groups["crashes-c++"][1].startswith("shapes::Square::area")
