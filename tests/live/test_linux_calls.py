"""Programs of nothing but system calls: the runtime's output and status are the processor's own."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mtedbg.formats.profile import read_profile
from mtedbg.lab import paths
from tests.live.test_runtime_guests import TIMEOUT_S, start
from tests.support import x86_64

WAYS = ("", "--threads threads", "--threads threads --policy seed --shared-tag 15 --step 3")


def program(name: str) -> Path:
    return paths.guests() / f"linux-{name}.elf"


def natively(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """By this processor, or by QEMU's user mode where it is another one."""
    return subprocess.run(
        [*x86_64.runner(), str(program(name)), *arguments],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def as_natively(options: str, name: str, *arguments: str, said: str = "") -> None:
    before = natively(name, *arguments)
    done = runtime(options)(name, *arguments)
    assert (done.returncode, done.stdout) == (before.returncode, before.stdout), done.stderr
    assert said in done.stderr


def runtime(options: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda name, *words: start([*options.split(), str(program(name)), *words])


@pytest.mark.parametrize("options", WAYS)
def test_files(options: str, tmp_path: Path) -> None:
    said = "mtetso: system call 134, uselib is not supported: ENOSYS\n"
    as_natively(options, "files", str(tmp_path), said=said)


@pytest.mark.parametrize("options", WAYS)
def test_signals(options: str) -> None:
    as_natively(options, "signals")
    as_natively(options, "signals", "fault", said="bad address 0x1234 at ")


@pytest.mark.parametrize("options", WAYS)
def test_shared_memory(options: str) -> None:
    as_natively(options, "shared")


@pytest.mark.parametrize("options", WAYS)
def test_semaphores_and_messages(options: str) -> None:
    as_natively(options, "queues")


@pytest.mark.parametrize("options", WAYS)
def test_flags_that_are_kept(options: str) -> None:
    as_natively(options, "flags")


@pytest.mark.parametrize("options", WAYS)
def test_processes(options: str, tmp_path: Path) -> None:
    """Each with a folder of its own: the script and its interpreter are files there."""
    self = str(program("processes"))
    outputs = []
    for name, run in (("natively", natively), ("runtime", runtime(options))):
        (tmp_path / name).mkdir()
        done = run("processes", str(tmp_path / name), self)
        outputs.append((done.returncode, done.stdout))
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("options", WAYS[:2])
def test_jobs_in_a_terminal(options: str) -> None:
    as_natively(options, "jobs")


def test_each_process_has_a_profile(tmp_path: Path) -> None:
    """Those that are forked, and what they execute, do not write over the first one's."""
    first, own = tmp_path / "profile", str(program("processes"))
    folder = tmp_path / "folder"
    folder.mkdir()
    done = runtime(f"--profile-out {first}")("processes", str(folder), own)
    assert done.returncode == 0, done.stderr
    others = list(tmp_path.glob("profile.*"))
    assert others
    assert all(one.suffix[1:].isdigit() for one in others)
    for one in (first, *others):
        known = {program.name for program in read_profile(one.read_bytes(), one.name).programs}
        # One of them executes the copy that a script names.
        assert known in ({"linux-processes.elf"}, {"interpreter"} if one != first else {}), one
