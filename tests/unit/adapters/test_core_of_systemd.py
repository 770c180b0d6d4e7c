"""Files as systemd-coredump keeps them: what the core lacks is in their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zstandard

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.triage import TimeSource
from mtedbg.triage.files import find
from mtedbg.triage.one import Reader
from tests.support.elf_core import Core, Load, ThreadNotes

BOOT = "0123456789abcdef" * 2
NAME = rf"core.a\x2eout.1000.{BOOT}.4321.1764324672123456"
FROM_NAME = (
    "the core does not say which process it was: its id and name are those in the file's name"
)
THREADS = [ThreadNotes(4321, siginfo=(11, 1, 0x1238)), ThreadNotes(4322, signal=0)]


def test_a_core_without_prpsinfo_has_its_process_from_the_name(tmp_path: Path) -> None:
    target = CoreTarget(Core(threads=THREADS, process=None).write(tmp_path, NAME))
    assert (target.info().pid, target.info().executable) == (4321, "a.out")
    assert [thread.name for thread in target.threads()] == ["a.out", ""]
    assert target.remarks == (FROM_NAME,)


def test_what_the_core_says_itself_is_believed(tmp_path: Path) -> None:
    target = CoreTarget(Core(threads=THREADS, process=(7, "guilty")).write(tmp_path, NAME))
    assert (target.info().pid, target.info().executable) == (7, "guilty")
    assert target.remarks == ()


@pytest.mark.parametrize("name", ["core", NAME + ".txt", NAME.replace("4321", "0")])
def test_other_names_say_nothing(name: str, tmp_path: Path) -> None:
    target = CoreTarget(Core(threads=THREADS, process=None).write(tmp_path, name))
    assert target.info().pid == Absent(Reason.NOT_RECORDED)
    assert target.died_at is None


@pytest.mark.parametrize("ending", ["", ".zst"])
def test_triage_has_the_time_of_death_from_the_name(ending: str, tmp_path: Path) -> None:
    contents = Core([Load(0x10000, b"m" * 4096)], threads=THREADS).build()
    path = tmp_path / (NAME + ending)
    path.write_bytes(zstandard.compress(contents) if ending else contents)
    os.utime(path, (2e9, 2e9))  # as a copy's is
    (found,) = find([str(tmp_path)]).paths
    row = Reader()(found)
    assert row.problem == ""
    assert (row.time_s, row.time_source) == (1764324672.123456, TimeSource.NAME)


def test_a_copy_under_another_name_has_the_time_of_the_file(tmp_path: Path) -> None:
    path = Core(threads=THREADS).write(tmp_path, "core.guilty")
    os.utime(path, (2e9, 2e9))
    row = Reader()(str(path))
    assert (row.time_s, row.time_source) == (2e9, TimeSource.FILE)
