"""A core that somebody writes to while it is open: told, and nobody dies of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.adapters.core.target import CHANGED, CoreTarget
from mtedbg.adapters.file_bytes import open_file
from mtedbg.model.absent import Absent, Reason
from tests.support.elf_core import PAGE, Core, Load, Tagged, ThreadNotes

ROOT = Path(__file__).resolve().parents[3]
START, SIZE = 0x10000, 64 * PAGE

_CUT_WHILE_OPEN = f"""
import os, sys
from mtedbg.adapters.dead import open_dead
from mtedbg.reports.postmortem import parts
from mtedbg.reports.section import Medium
from mtedbg.session import Session

target = open_dead(sys.argv[1], files=False)
target.threads(), target.regions()
os.truncate(sys.argv[1], int(sys.argv[2]))
print(target.read_memory({START} + {SIZE} - 64, 64))
print(target.read_tags({START}, {START} + {SIZE})[-1].tags)
print(len([part for part in parts(Session(target), Medium.TERMINAL)]))
print(*target.remarks)
"""


def core() -> Core:
    return Core(
        loads=[Load(START, b"m" * SIZE)],
        tagged=[Tagged(START, bytes(SIZE // 16))],
        threads=[ThreadNotes(100, {"pc": START, "sp": START + SIZE - 64}, siginfo=(11, 9, START))],
    )


@pytest.mark.parametrize("left", [0, 100, 4096, 20000])
def test_cut_off_while_it_is_open(tmp_path: Path, left: int) -> None:
    """A process of its own: one that maps the file is killed by SIGBUS."""
    path = core().write(tmp_path)
    words = [sys.executable, "-c", _CUT_WHILE_OPEN, str(path), str(left)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    memory, tags, count, *rest = done.stdout.splitlines()
    assert memory == "unreadable (the file has become shorter)"
    assert tags == "not dumped in this core (the file is truncated)"
    assert int(count) > 3
    assert CHANGED in rest[0]


def test_written_to_while_it_is_open(tmp_path: Path) -> None:
    path = core().write(tmp_path)
    target = CoreTarget(path)
    assert target.remarks == ()
    os.utime(path, ns=(1, 1))
    assert CHANGED in target.remarks


def test_a_file_that_became_shorter_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100_000)
    data = open_file(str(path))
    os.truncate(path, 50_000)
    assert (len(data), len(data[:]), data[49_999], data[50_000:50_010]) == (
        100_000,
        50_000,
        97,
        b"",
    )
    with pytest.raises(IndexError):
        data[50_000]
    assert data.changed()


@pytest.mark.parametrize("start", [0, 1, 4095, 16383, 16384, 99_990, 99_999, 100_000, 100_001])
@pytest.mark.parametrize("length", [0, 1, 12, 4096, 16383, 16384, 16385, 200_000])
def test_slices_are_those_of_bytes(tmp_path: Path, start: int, length: int) -> None:
    path = tmp_path / "file"
    contents = bytes(number * 7 % 251 for number in range(100_000))
    path.write_bytes(contents)
    data = open_file(str(path))
    data[16000:16010]  # what is kept of an earlier one
    assert data[start : start + length] == contents[start : start + length]
    assert (data[-5:], data[:-99_995], data[5:3]) == (contents[-5:], contents[:5], b"")


def test_a_disk_that_fails_is_a_file_that_ends(tmp_path: Path) -> None:
    """What /proc/self/mem gives at 0 is EIO; a regular file's own descriptor put there."""
    path = core().write(tmp_path)
    target = CoreTarget(path)
    descriptor = os.open("/proc/self/mem", os.O_RDONLY)
    os.dup2(descriptor, target._data._descriptor)
    os.close(descriptor)
    found = target.read_memory(START + 30000, 64)
    assert isinstance(found, Absent)
    assert found.reason is Reason.UNREADABLE
