"""QEMU's user mode with its gdb stub: ready when it says so, gone afterwards."""

import subprocess
from pathlib import Path

import pytest

from mtedbg.errors import FileFormatError, LabError
from mtedbg.lab import user
from tests.support.compile import compiled


def test_a_debugger_attaches_to_a_stopped_program() -> None:
    program = compiled("report")
    with user.start([program, "exit", "4"]) as running:
        gdb = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote {running.socket}"]
            + ["-ex", "break main", "-ex", "continue", "-ex", "continue", str(program)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "exited with code 04" in gdb.stdout
        assert running.process.wait(20) == 4
        assert "on standard error" in running.output()


def test_it_ends_with_the_block() -> None:
    with user.start([compiled("report"), "wait"]) as running:
        assert running.process.poll() is None
    assert running.process.returncode is not None
    assert not running.socket.exists()


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(FileFormatError, match="No such file"), user.start([missing]):
        pass


def test_a_program_that_qemu_refuses(tmp_path: Path) -> None:
    cut_off = tmp_path / "cut-off"
    cut_off.write_bytes(compiled("report").read_bytes()[:100])
    cut_off.chmod(0o755)
    with pytest.raises(LabError, match="qemu-aarch64 ended"), user.start([cut_off]):
        pass
