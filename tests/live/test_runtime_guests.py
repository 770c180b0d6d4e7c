"""Guest programs in the runtime under QEMU's user mode, against the same sources run natively."""

import functools
import os
import shutil
import signal
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.support import x86_64
from tests.support.compile import ROOT

SOURCES = ROOT / "native/guests"
TIMEOUT_S = 120
PROTOCOLS = [
    f"--shared-tag {tag} --policy {policy} --memops-start {start}"
    for tag in (0, 15)
    for policy in ("seed", "sticky", "interpret", "follow")
    for start in ("local", "shared", *(["either"] if policy == "follow" else []))
]
SCHEDULES = {
    "round-robin": "",
    "every-instruction": "--step 1",
    "seed-1": "--schedule seed:1",
    "seed-2-every-instruction": "--schedule seed:2 --step 1",
    "seed-77-four-cores": "--schedule seed:77 --step 3 --cores 4",
    "written": "--schedule 1@2*7,1@1*5,2@2*3,3@1*9,2@1*1,3@2*1,1@4*4 --step 2",
    "threads": "--threads threads",
    "threads-three-cores": "--threads threads --cores 3",
    "cores-without-tags": "--schedule seed:3 --step 2 --cores 20",
    "threads-without-tags": "--threads threads --cores 16",
}
THREADS = ("--threads", "threads")
SMALL = ("counter", "copy", "sum", "message")


def run(options: str, guest: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The runtime with these options; a name is a bundled guest, a path is any file."""
    program = paths.guests() / f"{guest}.elf" if isinstance(guest, str) else guest
    return start([*options.split(), str(program), *arguments])


def start(
    words: list[str], cpu: str = "max", qemu: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:  # where QEMU puts the core of one that crashes
        return subprocess.run(
            ["qemu-aarch64", *qemu, "-cpu", cpu, str(paths.runtime()), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            cwd=folder,
            check=False,
        )


@functools.cache
def oracle(guest: str, *arguments: str) -> str:
    """What the guest prints as an ordinary x86-64 program, with the host functions of libc.

    Its threads share one processor: a lock that spins and yields there changes hands at once. On a
    busy machine with several, each turn would wait for the scheduler.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / guest
        subprocess.run(
            [x86_64.compiler(), "-std=c11", "-O2", "-static", "-pthread"]
            + ["-o", str(program), str(SOURCES / f"{guest}.c"), str(SOURCES / "native_imports.c")],
            check=True,
        )
        done = subprocess.run(
            [
                "taskset",
                "-c",
                str(max(os.sched_getaffinity(0))),
                *x86_64.runner(),
                str(program),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    assert done.stdout
    return done.stdout


def passes(options: str, guest: str, *arguments: str) -> None:
    done = run(options, guest, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == oracle(guest, *arguments)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("guest", SMALL)
def test_every_protocol(guest: str, protocol: str) -> None:
    passes(protocol, guest)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("tag", [0, 15])
@pytest.mark.parametrize("policy", ["seed", "sticky", "interpret", "follow"])
def test_message_passing_under_every_schedule(policy: str, tag: int, schedule: str) -> None:
    passes(f"--policy {policy} --shared-tag {tag} {schedule}", "message", "5")


@pytest.mark.parametrize("options", ["", "--memops-start shared", "--policy seed --step 1"])
@pytest.mark.parametrize(("guest", "arguments"), [("arith", ["10"]), ("programs", [])])
def test_instructions_against_the_processor(guest: str, arguments: list[str], options: str) -> None:
    passes(options, guest, *arguments)


def test_arguments_reach_the_guest() -> None:
    assert run("", "counter", "77").stdout == "counter 77\n"


@pytest.mark.parametrize("options", ["", "--step 1 --schedule seed:3", "--threads threads"])
def test_a_stripped_guest(options: str, tmp_path: Path) -> None:
    for name in ("message", "programs"):
        stripped = tmp_path / name
        strip = shutil.which("x86_64-linux-gnu-strip") or "strip"
        subprocess.run([strip, "-o", stripped, paths.guests() / f"{name}.elf"], check=True)
        done = run(options, stripped)
        assert (done.returncode, done.stdout) == (0, oracle(name))


def test_a_seeded_schedule_repeats() -> None:
    """As many faults each time; another seed has other migrations, and other faults."""

    def faults(seed: int) -> int:
        words = ["--schedule", f"seed:{seed}", "--policy", "seed"]
        done = start([*words, str(paths.guests() / "message.elf")], qemu=("-strace",))
        assert done.returncode == 0
        return done.stderr.count("SIGSEGV")

    counts = [faults(seed) for seed in (1, 2, 3, 4)]
    assert min(counts) > 0
    assert len(set(counts)) > 1
    assert [faults(seed) for seed in (1, 2)] == counts[:2]


def test_cores_without_a_tag_of_their_own() -> None:
    passes("--cores 20 --memops-start shared --schedule seed:9", "message")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 64, "no guest program given"),
        (["--bogus", "x"], 64, "unknown option '--bogus'"),
        (["--cores"], 64, "--cores needs a value"),
        (["--cores", "0", "x"], 64, "a number from 1 to 64, not '0'"),
        (["--policy=best", "x"], 64, "one of seed, sticky, interpret, follow, not 'best'"),
        (["--policy=sticky", "--memops-start=either", "x"], 64, "needs --policy follow"),
        (["--schedule", "1@0*4", "x"], 64, "cores are 1 to 64"),
        (["--schedule", "0@1*4", "x"], 64, "thread numbers start at 1"),
        (["--schedule", "1@1*4,", "x"], 64, "there is no turn after the last ','"),
        (["--schedule", "seed:x", "x"], 64, "a seed is a number"),
        (["--core-id", "pinned", "x"], 64, "other core ids need --threads threads"),
        (["--core-id", "rseq-read", "x"], 64, "other core ids need --threads threads"),
        (["--core-id", "lockstep", "--threads", "threads", "x"], 64, "needs --threads lockstep"),
        ([*THREADS, "--core-id", "rseq-read", "--cores", "3", "x"], 64, "are the machine's"),
        ([*THREADS, "--core-id", "somewhere", "x"], 64, "rseq-strict, lockstep, not 'somewhere'"),
        (["--policy", "seed", "--claim-threshold", "1", "x"], 64, "needs --policy sticky"),
        (["--interpret-threshold", "1", "x"], 64, "needs --policy interpret"),
        ([*THREADS, "--core-id", "rseq-strict", "SUM"], 72, "no restartable sequences"),
        (["--threads", "threads", "--schedule", "seed:1", "x"], 64, "needs --threads lockstep"),
        (["/nonexistent"], 66, "cannot open /nonexistent: No such file"),
        (["/usr"], 66, "cannot read /usr"),
        (["/etc/passwd"], 65, "/etc/passwd: not an ELF file, nor a script"),
        (["/dev/null"], 66, "cannot read /dev/null: not a regular file"),
        (["--profile-in", "/nonexistent", "SUM"], 66, "the profile /nonexistent: No such file"),
        (["--profile-in", "/usr", "SUM"], 66, "the profile /usr: Is a directory"),
        (["--profile-in", "/dev/null", "SUM"], 65, "/dev/null: the profile is malformed"),
        (["RUNTIME"], 67, "wrong machine EM_AARCH64 (183): guests are x86-64"),
    ],
)
def test_what_cannot_be_run(words: list[str], status: int, message: str) -> None:
    files = {"RUNTIME": paths.runtime(), "SUM": paths.guests() / "sum.elf"}
    done = start([str(files.get(word, word)) for word in words])
    assert done.returncode == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("program", ["guest", "dash"])
def test_elf_files_that_are_no_programs_are_named(program: str, tmp_path: Path) -> None:
    """By the headers of a program: its type and machine are elsewhere's."""
    whole = paths.guests() / "sum.elf" if program == "guest" else Path("/usr/bin/dash")
    named = tmp_path / "named"
    for kind, machine, said in (
        (1, 62, "an object file (ET_REL), not a program: link it"),
        (4, 62, "a core file (ET_CORE), not a program: a debugger of its machine reads it"),
        (4, 183, "a core file (ET_CORE), not a program: mtedbg core reads it"),
        (5, 62, "wrong type 5: programs are of ET_EXEC (2) or ET_DYN (3)"),
        (2, 243, "wrong machine EM_RISCV (243): guests are x86-64 (62)\n"),
        (2, 4660, "wrong machine 4660: guests are x86-64 (62)\n"),
    ):
        header = struct.pack("<HH", kind, machine)
        data = whole.read_bytes()
        named.write_bytes(data[:16] + header + data[16 + len(header) :])
        done = run("", named)
        assert done.returncode == 67
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kept", [4, 16, 63, 100, 4100])
def test_a_truncated_guest(kept: int, tmp_path: Path) -> None:
    cut = tmp_path / "cut.elf"
    cut.write_bytes((paths.guests() / "sum.elf").read_bytes()[:kept])
    done = run("", cut)
    assert done.returncode == 65
    assert "truncated" in done.stderr


def test_a_guest_with_damaged_headers(tmp_path: Path) -> None:
    """Bytes of the file header and the program headers set to extremes: a status, no crash."""
    whole = (paths.guests() / "sum.elf").read_bytes()
    damaged = tmp_path / "damaged.elf"
    for at in [*range(4, 64, 3), *range(64, 64 + 56 * 3, 13)]:
        for value in (0x00, 0xFF):
            damaged.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            done = run("", damaged)
            assert done.returncode in (0, 65, 67, 68, 71), (at, value, done.stderr)


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
@pytest.mark.parametrize(
    ("guest", "argument", "status", "message"),
    [
        ("unsupported", "0", 0, ""),
        ("unsupported", "1", 68, "f2 0f 7c c1  haddps xmm0, xmm1"),
        ("badaddress", "1", 71, "bad address 0x7000dead0000 at 0x"),
        ("badaddress", "2", 71, "bad address 0x"),
        ("badaddress", "3", 71, "jumped or returned to an address without code: 0x7000dead0000"),
        ("badaddress", "4", 71, "division by zero"),
        ("badaddress", "6", 71, "jumped or returned to an address without code: 0x1234"),
        ("badaddress", "7", 71, "undefined instruction at 0x"),
        ("badaddress", "8", 71, "quotient too large at 0x"),
        ("badaddress", "9", 71, "quotient too large at 0x"),
        ("badaddress", "10", 71, "quotient too large at 0x"),
        ("badaddress", "11", 71, "quotient too large at 0x"),
        ("badaddress", "12", 71, "bad address 0x"),
        ("badaddress", "13", 71, "misaligned address 0x"),
        ("badaddress", "14", 71, "MXCSR cannot be 0x11f80 at 0x"),
    ],
)
def test_what_a_guest_does_wrong(
    guest: str, argument: str, status: int, message: str, threads: str
) -> None:
    done = run(f"--threads {threads}", guest, argument)
    assert done.returncode == status
    assert message in done.stderr


def test_a_deadlock_is_seen_in_lockstep() -> None:
    done = run("", "badaddress", "5")
    assert done.returncode == 71
    assert "deadlock" in done.stderr


def test_no_tagging_here() -> None:
    done = start([str(paths.guests() / "sum.elf")], cpu="cortex-a72")
    assert done.returncode == 69
    assert "this machine has no memory tagging" in done.stderr


@pytest.mark.parametrize("tag", [0, 15])
@pytest.mark.parametrize(
    "words", ["--no-handler --data-start shared;counter", "--threads threads;crash", ";crash"]
)
def test_a_death_by_tag_check_fault(words: str, tag: int) -> None:
    options, guest = words.split(";")
    done = run(f"--shared-tag {tag} {options}", guest)
    assert done.returncode in (-signal.SIGSEGV, 128 + signal.SIGSEGV)


def test_help_names_every_option_and_status() -> None:
    done = start(["--help"])
    assert done.returncode == 0
    for word in ("--policy", "--schedule", "--step", "--no-handler", "68", "71"):
        assert word in done.stdout
    assert start(["--version"]).stdout.startswith("mtetso ")
