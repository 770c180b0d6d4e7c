"""Linux programs without a C library, in the runtime: as the kernel runs them, in every way."""

from __future__ import annotations

import functools
import signal
import subprocess
from pathlib import Path

import pytest

from mtedbg.formats.profile import read_profile
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from mtedbg.model.profile import MemopFacts, Need, ProfileAccess
from tests.live.test_runtime_guests import run
from tests.programs.mutated import HEADERS, mutants, wrong
from tests.support import x86_64
from tests.support.compile import BUILT, PROGRAMS, digest_of, link_once

SOURCES = PROGRAMS / "linux"
FLAGS = [
    *("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-ffreestanding"),
    *("-mgeneral-regs-only", "-fno-stack-protector", "-fcf-protection=none"),
    "-fno-tree-loop-distribute-patterns",
]
KINDS = {
    "fixed": ("-static", "-no-pie"),
    "movable": ("-static-pie", "-fPIE"),
    "stripped": ("-static-pie", "-fPIE", "-s"),
}
WAYS = [
    f"--threads {threads} --shared-tag {tag} --policy {policy}"
    for threads, tag, policy in (
        ("lockstep", 0, "sticky"),
        ("lockstep", 15, "seed"),
        ("lockstep", 15, "follow"),
        ("threads", 0, "seed"),
        ("threads", 15, "sticky"),
    )
]
# Programs of the C library, of one family of calls each.
FAMILIES = ("children", "itself", "locks", "names", "parts_of_buffers", "timers", "waits")
# Without one.
RAW = ("code", "memory", "threads")
KINDS_OF_CALLS = (*RAW, *FAMILIES, "interrupted", "processes")
FUZZED = 25
MAILBOX = 400 * 256
"""Stores of `processes.c` to memory that it shares, by one instruction."""
# The machine's own dynamic programs.
OWN = {
    "dash": ("/bin/dash", "-c", "for i in 1 2; do echo $i; done | wc -l; exit 4"),
    "grep": ("/bin/grep", "-c", "root", "/etc/passwd"),
    "sed": ("/bin/sed", "s/root/toor/", "/etc/passwd"),
    "seq": ("/usr/bin/seq", "1", "0.5", "3"),
    "sha256sum": ("/usr/bin/sha256sum", "/etc/passwd"),
    "sort": ("/usr/bin/sort", "-r", "/etc/passwd"),
}


@functools.cache
def program(name: str, kind: str) -> Path:
    source = SOURCES / f"{name}.c"
    command = [x86_64.compiler(), *FLAGS, *KINDS[kind], str(source)]
    built = BUILT / digest_of([source, SOURCES / "raw.h"], command) / f"{name}-{kind}"
    link_once(built, command)
    return built


@functools.cache
def natively(path: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*x86_64.runner(), str(path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_mapped_as_the_kernel_does_it(kind: str) -> None:
    path = program("memory", kind)
    expected = natively(path, "one", "two words")
    assert expected[0] == 0
    for way in WAYS[:: 1 if kind == "movable" else 3]:
        done = run(way, path, "one", "two words")
        assert (done.returncode, done.stdout) == expected, (way, done.stderr)
        assert done.stderr == "", way


@pytest.mark.parametrize("way", WAYS)
def test_memory_of_accesses_that_begin_as_shared(way: str) -> None:
    path = program("memory", "fixed")
    done = run(f"{way} --memops-start shared", path)
    assert (done.returncode, done.stdout, done.stderr) == (*natively(path), "")


@pytest.mark.parametrize("way", WAYS)
def test_threads_wait_for_each_other(way: str) -> None:
    path = program("threads", "fixed")
    done = run(way, path)
    assert (done.returncode, done.stdout) == natively(path), done.stderr
    assert done.stderr == "mtetso: system call 500 is not supported: ENOSYS\n"


@functools.cache
def with_a_library(name: str) -> Path:
    source = SOURCES / f"{name}.c"
    command = [x86_64.compiler(), "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
    command.append(str(source))
    built = BUILT / digest_of([source], command) / name
    link_once(built, command)
    return built


@pytest.mark.parametrize("way", WAYS)
def test_a_signal_interrupts_the_thread_that_lets_it_in(way: str) -> None:
    path = with_a_library("interrupted")
    done = run(way, path)
    assert (done.returncode, done.stdout, done.stderr) == (*natively(path), "")


@pytest.mark.parametrize("way", [*WAYS, f"{WAYS[3]} --policy sticky --claim-threshold 1"])
def test_processes_share_memory(way: str) -> None:
    path = with_a_library("processes")
    done = run(way, path)
    assert (done.returncode, done.stdout, done.stderr) == (*natively(path), "")
    assert done.returncode == 0


@pytest.mark.parametrize("number", range(len(KINDS_OF_CALLS)), ids=KINDS_OF_CALLS.__getitem__)
def test_they_behave_so_on_a_kernel_with_tags(lab_vm: Vm, number: int) -> None:
    """Its mappings and threads are not those of QEMU's user mode. One way each; they take turns."""
    name = KINDS_OF_CALLS[number]
    path = program(name, "fixed") if name in RAW else with_a_library(name)
    way = WAYS[number % len(WAYS)]
    done = lab_vm.run([str(paths.runtime()), *way.split(), str(path)], timeout_s=300)
    assert (done.shell_status(), done.stdout.decode()) == natively(path), (way, done.stderr)


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
def test_memory_of_processes_is_accessed_itself(threads: str, tmp_path: Path) -> None:
    """A memop learns that it is shared; then no access faults."""
    out = tmp_path / "profile"
    assert (
        run(f"--threads {threads} --profile-out {out}", with_a_library("processes")).returncode == 0
    )
    facts = [
        one
        for module in read_profile(out.read_bytes(), out.name).programs
        for one in module.memops.values()
    ]
    mailbox = max((one for one in facts if one.access is ProfileAccess.STORE), key=executions)
    assert executions(mailbox) >= MAILBOX
    assert mailbox.need is Need.ORDER
    assert mailbox.faults < 10


def executions(facts: MemopFacts) -> int:
    assert facts.executions is not None
    return facts.executions


@pytest.mark.parametrize("way", WAYS[::3])
@pytest.mark.parametrize("name", FAMILIES)
def test_calls_behave_as_the_kernels(name: str, way: str) -> None:
    path = with_a_library(name)
    done = run(way, path)
    said = [one for one in done.stderr.splitlines() if not one.startswith("qemu:")]
    deaths = ["bad address 0x0 at"] if name == "locks" else []  # of a child, on purpose
    assert (done.returncode, done.stdout) == natively(path), done.stderr
    assert done.returncode == 0
    assert len(said) == len(deaths)
    assert all(what in line for line, what in zip(said, deaths, strict=True))


@pytest.mark.parametrize("options", ["", "--threads threads"])
def test_what_is_said_is_not_in_the_guests_files(options: str, tmp_path: Path) -> None:
    """It goes where standard error was at the start; what has another one says nothing."""
    own, said = tmp_path / "own", "mtetso: system call 500 is not supported: ENOSYS\n"
    program = with_a_library("redirected")
    for more, stderr in ((), said), ((program,), ""):
        done = run(options, program, str(own), *map(str, more))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", stderr)
        assert own.read_text() == "own\n"
        own.unlink()
    done = run(f"--trace-calls - {options}", program, str(own))
    assert f"{said}[" in done.stderr
    assert "call_500(" in done.stderr
    assert own.read_text() == "own\n"


@pytest.mark.parametrize(("kilobytes", "pages", "dies"), [(8192, 5000, True), (65536, 5000, False)])
def test_the_first_stack_is_as_large_as_its_limit(kilobytes: int, pages: int, dies: bool) -> None:
    command = [
        *("qemu-aarch64", "-cpu", "max", str(paths.runtime())),
        str(with_a_library("itself")),
    ]
    limited = f'ulimit -S -s {kilobytes}; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *command, str(pages)], capture_output=True, check=False
    )
    assert done.returncode == (-signal.SIGSEGV if dies else 0), done.stderr


@x86_64.only_natively("the machine's own programs are for another processor")
@pytest.mark.parametrize("blocks", [0, 4])
def test_the_limit_of_a_files_length_is_the_guests(blocks: int, tmp_path: Path) -> None:
    """The runtime starts, forks and executes; what the guest writes beyond is SIGXFSZ."""
    guest = f"(echo one) | cat; cat /proc/self/maps | grep -c stack; echo long >{tmp_path}/file"
    command = [*("qemu-aarch64", "-cpu", "max", str(paths.runtime())), "/bin/sh", "-c", guest]
    limited = f'ulimit -f {blocks}; "$@" | cat; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *command], capture_output=True, text=True, check=False
    )
    assert done.stdout == "one\n1\n", done.stderr
    assert done.returncode == (128 + signal.SIGXFSZ if blocks == 0 else 0)


@x86_64.only_natively("the machine's own programs are for another processor")
def test_folders_lead_below_the_sysroot_and_back(tmp_path: Path) -> None:
    """Relative paths are looked up as absolute ones are: there first, and then on the host."""
    root, host = tmp_path / "root", tmp_path / "host"
    (root / "etc").mkdir(parents=True)
    host.mkdir()
    (root / "etc/only-there").write_text("below\n")
    (root / "lib64").symlink_to("/lib64")  # where its interpreter is
    (host / "here").write_text("host\n")
    inside = str(host).lstrip("/")
    text = f"cd /; cat etc/only-there {inside}/here; echo new >{inside}/new; cd {inside}; cat new"
    done = run(f"--sysroot {root}", Path("/bin/sh"), "-c", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "below\nhost\nnew\n", "")
    assert (host / "new").read_text() == "new\n"
    # From descriptor to descriptor.
    done = run(
        f"--sysroot {root}", with_a_library("folders"), "/etc/only-there", str(host / "here")
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "below\nhost\n", "")


@pytest.mark.parametrize("way", WAYS[1:4:2])
def test_the_interfaces_of_the_network(way: str) -> None:
    path = program("interfaces", "fixed")
    done = run(way, path)
    assert (done.returncode, done.stdout, done.stderr) == (*natively(path), "")
    assert done.returncode == 0


@pytest.mark.parametrize("way", WAYS)
def test_code_is_what_was_written(way: str) -> None:
    path = program("code", "movable" if WAYS.index(way) % 2 else "fixed")
    done = run(way, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert natively(path) == (0, "done\n")


@x86_64.only_natively("the machine's own programs are for another processor")
@pytest.mark.parametrize("name", OWN)
def test_programs_of_the_machine(name: str) -> None:
    path, *arguments = OWN[name]
    expected = natively(Path(path), *arguments)
    way = WAYS[sorted(OWN).index(name) % len(WAYS)]
    done = run(way, Path(path), *arguments)
    assert (done.returncode, done.stdout) == expected, (way, done.stderr)


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@x86_64.only_natively("the machine's own programs are for another processor")
def test_scripts(tmp_path: Path) -> None:
    inner = script(tmp_path, "inner", '#!/bin/sh -e\necho "$0" "$@"; exit 3\n')
    outer = script(tmp_path, "outer", f"#!{inner} one word\n")
    for path in (inner, outer):
        done = run("", path, "a", "b c")
        assert (done.returncode, done.stdout, done.stderr) == (*natively(path, "a", "b c"), "")
        assert done.returncode == 3


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("#!/nonexistent/shell\n", 66, "its interpreter /nonexistent/shell: No such file"),
        ("#!\n", 67, "a script without an interpreter"),
        ("#!RUNTIME\n", 67, "not an x86-64 program; --sysroot DIR"),
        ("#!SCRIPT\n", 66, "Too many levels"),
    ],
)
def test_a_script_that_nothing_can_run(
    text: str, status: int, message: str, tmp_path: Path
) -> None:
    named = text.replace("RUNTIME", str(paths.runtime())).replace("SCRIPT", f"{tmp_path}/script")
    done = run("", script(tmp_path, "script", named))
    assert (done.returncode, done.stderr.count("\n")) == (status, 1)
    assert message in done.stderr


@x86_64.only_natively("the machine's own programs are for another processor")
def test_what_the_kernel_shows_is_not_below_the_sysroot(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "lib64").symlink_to("/lib64")  # where its interpreter is
    done = run(f"--sysroot {tmp_path}", Path("/bin/ls"), "/proc")
    assert done.returncode == 0
    assert "self" in done.stdout.split()


@x86_64.only_natively("the machine's own programs are for another processor")
def test_a_stack_overflows_into_nothing() -> None:
    done = run("", Path("/bin/cat"), "/proc/self/maps")
    lines = [line.split() for line in done.stdout.splitlines()]
    stack = next(number for number, line in enumerate(lines) if line[-1] == "[stack]")
    below, low = lines[stack - 1][0].split("-")[1], lines[stack][0].split("-")[0]
    assert int(low, 16) - int(below, 16) >= 1 << 20  # stack_guard_gap


@pytest.mark.parametrize("way", WAYS[1:4:2])
def test_transfers_from_and_to_pages(way: str, tmp_path: Path) -> None:
    path = with_a_library("direct")
    expected = natively(path, str(tmp_path / "natively"))
    assert expected[0] == 0
    done = run(way, path, str(tmp_path / "file"))
    assert (done.returncode, done.stdout, done.stderr) == (*expected, "")
    assert (tmp_path / "file").read_bytes() == (tmp_path / "natively").read_bytes()


def test_a_deadlock_of_threads_is_told() -> None:
    """In lockstep. The C library's own handlers do not count: only its own threads call them."""
    done = run("", with_a_library("deadlock"))
    assert (done.returncode, done.stdout) == (71, "")
    assert done.stderr == "mtetso: deadlock: every guest thread waits for another\n"


def test_calls_are_traced() -> None:
    done = run("--trace-calls -", program("memory", "fixed"))
    assert done.returncode == 0
    assert "mmap(0x0, 0x100000, 0x3, 0x22, 0xffffffffffffffff, 0x0) = 0x3fff" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("exit_group(0x0) = 0")


@pytest.mark.parametrize("threads", ["lockstep", "threads"])
def test_a_stack_is_its_threads_however_it_was_made(threads: str, tmp_path: Path) -> None:
    """Its maker has written to it; what the thread stores there needs no order all the same."""
    out = tmp_path / "profile"
    done = run(f"--threads {threads} --profile-out {out}", program("clones", "fixed"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (profile,) = read_profile(out.read_bytes(), str(out)).programs
    often = [one for one in profile.memops.values() if one.executions == 7777]
    assert [one.need for one in often] == [Need.OWNED]


@pytest.mark.parametrize("way", WAYS[:2])
def test_what_is_left_of_a_files_code_is_still_that_files(way: str, tmp_path: Path) -> None:
    """One of its pages lost its permission; the same functions ran before and after."""
    out = tmp_path / "profile"
    done = run(f"{way} --profile-out {out}", program("parts", "movable"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (profile,) = read_profile(out.read_bytes(), str(out)).programs
    assert profile.name == "parts-movable"
    assert profile.path == str(program("parts", "movable").resolve())
    assert max(one.executions or 0 for one in profile.memops.values()) >= 2 * 5555


MISSING = {
    "instruction": ("unsupported instruction at 0x", "0f 38 01 c8", "phaddw"),
    "old-call": ("unsupported instruction at 0x", "cd 80", "int 0x80"),
    "x32": ("system call 1073741836, of x32 is not supported: ENOSYS",),
    "personality": ("personality 0x8 is not supported: EINVAL",),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_said_in_one_line(what: str) -> None:
    """An instruction is SIGILL, as on a processor that lacks it; a call fails as in a kernel."""
    done = run(WAYS[len(what) % len(WAYS)], program("missing", "fixed"), what)
    (line,) = [one for one in done.stderr.splitlines() if not one.startswith("qemu:")]
    assert line.startswith("mtetso: ")
    assert all(part in line for part in MISSING[what])
    died = what in ("instruction", "old-call")
    assert done.returncode == (-signal.SIGILL if died else 0)


def test_a_handler_gets_what_is_missing() -> None:
    done = run("", program("missing", "fixed"), "instruction", "handled")
    assert (done.returncode, done.stderr) == (4, "")


def test_other_machines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "program"
    whole = bytearray(program("memory", "fixed").read_bytes())
    whole[4] = 1  # EI_CLASS: ELFCLASS32
    for machine, name in ((3, "an i386 program"), (62, "an x32 program")):
        whole[18] = machine
        path.write_bytes(whole)
        done = run("", path)
        assert done.returncode == 67
        assert done.stderr == f"mtetso: {path}: {name}, not a 64-bit ELF: guests are x86-64\n"


def test_a_damaged_program_is_refused_in_one_line(tmp_path: Path) -> None:
    """Or runs to some end of its own; `make mutated-programs` has many more."""
    damaged = tmp_path / "damaged"
    whole = program("memory", "movable").read_bytes()
    for content in mutants(whole, HEADERS, FUZZED, 15):
        damaged.write_bytes(content)
        done = run("", damaged)
        assert not wrong(done.returncode, done.stderr), done.stderr
