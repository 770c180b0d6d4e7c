"""Files of this machine that a debugged process, or somebody else, made."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mtedbg.adapters.debugger.host_files import (
    is_qemu_here,
    read_of_process,
    read_regular,
    why_not_believed,
)
from mtedbg.model.absent import Absent, Reason

ME, ROOT, OTHER = 1000, 0, 1001


@pytest.mark.parametrize(
    ("mode", "uid", "believed"),
    [
        (stat.S_IFREG | 0o644, ME, True),
        (stat.S_IFREG | 0o664, ME, True),
        (stat.S_IFREG | 0o600, ROOT, True),
        (stat.S_IFREG | 0o644, OTHER, False),
        (stat.S_IFREG | 0o666, ME, False),
        (stat.S_IFREG | 0o646, ROOT, False),
        (stat.S_IFIFO | 0o600, ME, False),
        (stat.S_IFCHR | 0o600, ROOT, False),
        (stat.S_IFLNK | 0o777, ME, False),
        (stat.S_IFDIR | 0o755, ME, False),
    ],
)
def test_whose_word_is_taken(mode: int, uid: int, believed: bool) -> None:
    assert (not why_not_believed("/tmp/perf-1.map", mode, uid, ME)) is believed


def test_my_own_file_of_my_own_process(tmp_path: Path) -> None:
    path = tmp_path / "perf.map"
    path.write_bytes(b"1000 10 f\n")
    path.chmod(0o644)
    assert read_of_process(str(path), os.getpid(), 100) == b"1000 10 f\n"
    path.chmod(0o646)
    found = read_of_process(str(path), os.getpid(), 100)
    assert isinstance(found, Absent)
    assert found.reason is Reason.NOT_BELIEVED
    assert read_regular(str(path), 100) == b"1000 10 f\n", "of which nothing is believed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_a_file_of_another_user(tmp_path: Path) -> None:
    path = tmp_path / "perf.map"
    path.write_bytes(b"1000 10 f\n")
    os.chown(path, OTHER, OTHER)
    found = read_of_process(str(path), os.getpid(), 100)
    assert isinstance(found, Absent)
    assert f"is of user {OTHER}" in found.detail


def test_a_process_that_is_gone(tmp_path: Path) -> None:
    assert isinstance(read_of_process(str(tmp_path), 1 << 30, 100), Absent)
    assert not is_qemu_here(1 << 30)
    assert not is_qemu_here(os.getpid())
