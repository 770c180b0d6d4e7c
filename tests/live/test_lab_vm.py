"""Programs in the VM: what they get, how they end, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtedbg.errors import LabError, ToolMissingError
from mtedbg.lab import gdbserver, machine, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions
from mtedbg.lab.vm import Vm
from tests.support.compile import ROOT, compiled

MTEDBG = [sys.executable, "-m", "mtedbg"]


def lists(output: bytes) -> tuple[bytes, list[bytes], list[bytes]]:
    """What `report.c` printed: folder, arguments, environment."""
    folder, rest = output.split(b"\0", 1)
    arguments, environment = rest.split(b"\0\0")[:2]
    return folder, arguments.split(b"\0"), environment.split(b"\0")


def test_arguments_environment_and_folder_arrive_exactly(lab_vm: Vm) -> None:
    argv = [str(compiled("report")), "exit", "7", "two words", "", "$HOME '\"\\ \n*", "grün"]
    result = lab_vm.run(argv, cwd=str(ROOT / "tests"), env={"A": "1 2", "EMPTY": ""})
    folder, arguments, environment = lists(result.stdout.replace(b"\0\0$", b"\0<>\0$"))
    assert folder == os.fsencode(ROOT / "tests")
    assert arguments == [os.fsencode(a) if a else b"<>" for a in argv]
    assert environment == [b"A=1 2", b"EMPTY="]
    assert result.stderr == b"on standard error\n"
    assert (result.exit_status, result.signal, result.shell_status()) == (7, None, 7)


def test_a_signal_is_told_from_an_exit_status(lab_vm: Vm) -> None:
    result = lab_vm.run([str(compiled("report")), "signal", str(int(signal.SIGTERM))])
    assert (result.exit_status, result.signal) == (None, signal.SIGTERM)
    assert result.shell_status() == 128 + signal.SIGTERM
    assert result.cores == []


def test_much_output_arrives_whole(lab_vm: Vm) -> None:
    size = 3_000_001
    result = lab_vm.run([str(compiled("report")), "flood", str(size)])
    assert result.stdout == (b"abcdefghijklmnopqrstuvwxyz" * (size // 26 + 1))[:size]


def test_output_is_live(lab_vm: Vm) -> None:
    lab_vm.start([str(compiled("report")), "wait"])
    lab_vm.wait_for(b"on standard error")
    lab_vm.kill(signal.SIGTERM)
    assert lab_vm.finish().signal == signal.SIGTERM


def test_an_end_is_waited_for_in_steps(lab_vm: Vm) -> None:
    lab_vm.start([str(compiled("report")), "wait"])
    lab_vm.wait_for(b"on standard error")
    assert not lab_vm.ends_within(0.1)
    lab_vm.kill(signal.SIGTERM)
    assert lab_vm.ends_within(60)
    assert lab_vm.ends_within(0.1)
    assert lab_vm.finish().signal == signal.SIGTERM


def test_a_program_out_of_time_is_killed_and_the_vm_goes_on(lab_vm: Vm) -> None:
    with pytest.raises(LabError, match=r"more than 0\.5 s"):
        lab_vm.run([str(compiled("report")), "wait"], timeout_s=0.5)
    assert lab_vm.run([str(compiled("report")), "exit", "0"]).exit_status == 0


@pytest.mark.parametrize(
    ("argv", "cwd", "said"),
    [
        (["/no/such/program"], "/", b"/no/such/program: No such file"),
        ([str(compiled("report"))], "/no/such/folder", b"/no/such/folder: No such file"),
    ],
)
def test_what_cannot_start_says_why(lab_vm: Vm, argv: list[str], cwd: str, said: bytes) -> None:
    result = lab_vm.run(argv, cwd=cwd)
    assert result.exit_status == 127
    assert said in result.stderr


def test_too_many_arguments_are_refused(lab_vm: Vm) -> None:
    with pytest.raises(LabError, match="more than 4096 words"):
        lab_vm.run([str(compiled("report")), "exit", *["x"] * 5000])
    with pytest.raises(LabError, match="4 MiB"):
        lab_vm.run(["x" * (5 << 20)])
    with pytest.raises(LabError, match="zero byte"):
        lab_vm.run(["a\0b"])


def test_gdbserver_listens_when_it_says_so(lab_vm: Vm) -> None:
    program = compiled("report")
    with gdbserver.serve(lab_vm, [str(program), "exit", "5"]) as port:
        gdb = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote 127.0.0.1:{port}"]
            + ["-ex", "break main", "-ex", "continue", "-ex", "continue", str(program)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "exited with code 05" in gdb.stdout
    assert lab_vm.run([str(program), "exit", "0"]).exit_status == 0


def test_qemu_that_does_not_start_is_reported_in_its_own_words() -> None:
    with (
        pytest.raises(LabError, match="Invalid SMP CPUs"),
        boot(options=MachineOptions(cpus=100_000)),
    ):
        pass


def test_qemu_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissingError, match=machine.PROGRAM), boot():
        pass


def qemus_of(folder: Path) -> list[int]:
    """The QEMU processes that share `folder`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if machine.PROGRAM.encode() in line and os.fsencode(folder) in line:
                found.append(int(process.name))
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("what", ["wait", "flood 2000000000"])
def test_no_qemu_is_left_when_mtedbg_is_ended(
    tmp_path: Path, how: signal.Signals, what: str
) -> None:
    command = [*MTEDBG, "lab", "--", str(compiled("report")), *what.split()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.read(1)  # it runs
        (qemu,) = qemus_of(tmp_path)
        ended = os.pidfd_open(qemu)
        program.send_signal(how)
        status = program.wait(30)
    assert status == {signal.SIGINT: 130, signal.SIGKILL: -9}[how]
    poll(ended, 30)
    assert qemus_of(tmp_path) == []


def poll(process: int, timeout_s: float) -> None:
    """Waits for the end of a process, by its descriptor."""
    import select

    deadline = time.monotonic() + timeout_s
    assert select.select([process], [], [], deadline - time.monotonic())[0], "QEMU goes on"
    os.close(process)


def lab(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MTEDBG, "lab", *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_brings_back_status_output_and_core(tmp_path: Path) -> None:
    program = compiled("sync_fault")
    done = lab("--", str(program), cwd=tmp_path)
    (core,) = tmp_path.glob("core.*")
    assert done.returncode == 128 + signal.SIGSEGV
    assert done.stdout.startswith("memory ")
    assert done.stderr == f"lab: killed by SIGSEGV\nlab: core file: {core.name}\n"
    assert core.read_bytes().startswith(b"\x7fELF")


def test_a_library_that_is_not_there_is_said_with_the_option_for_it(tmp_path: Path) -> None:
    lacking = compiled("report", "-Wl,--no-as-needed", "-lvixl")
    (tmp_path / "libraries").mkdir()
    for library in ("ld-linux-aarch64.so.1", "libc.so.6"):
        real = (paths.DEBIAN_LIBRARIES / library).resolve()
        (tmp_path / "libraries" / library).write_bytes(real.read_bytes())
        (tmp_path / "libraries" / library).chmod(0o755)
    done = lab("--libraries", "libraries", "--", str(lacking), "exit", "0", cwd=tmp_path)
    assert done.returncode == 127
    assert "error while loading shared libraries: libvixl.so.5" in done.stderr
    assert done.stderr.endswith(
        "lab: its libraries were those in libraries; --libraries DIR names others\n"
    )


def test_the_command_runs_a_program_of_the_current_folder(tmp_path: Path) -> None:
    here = tmp_path / "a folder, with: signs"
    here.mkdir()
    (here / "program").write_bytes(compiled("report").read_bytes())
    (here / "program").chmod(0o755)
    done = lab("-e", "X=1", "--", "./program", "exit", "3", cwd=here)
    folder, arguments, environment = lists(done.stdout.encode())
    assert done.returncode == 3
    assert folder == os.fsencode(here)
    assert arguments[1:] == [b"exit", b"3"]
    assert b"X=1" in environment


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "no program is given"),
        (("--", "missing"), 1, "missing: No such file"),
        (("--", "/bin/true"), 1, "not an AArch64 program"),
        (("--env", "X", "--", str(compiled("report"))), 2, "not NAME=VALUE"),
        (("--cpus", "0", "--", str(compiled("report"))), 1, "at least one CPU"),
        (("--libraries", "/no/such", "--", str(compiled("report"))), 2, "/no/such has no ld-linux"),
    ],
)
def test_wrong_use_is_one_line_and_a_next_step(
    tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    done = lab(*words, cwd=tmp_path)
    assert done.returncode == status
    assert done.stdout == ""
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2
