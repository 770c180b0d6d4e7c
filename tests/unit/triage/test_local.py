"""Workers, and files that are too much for one."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mtedbg.triage.local import read_all
from tests.unit.triage.readers import troubled

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_file_is_read_once_whatever_happens_to_a_worker(workers: int) -> None:
    paths = [f"/nowhere/core.{number}" for number in range(300)]
    paths[7], paths[8], paths[150] = "/nowhere/deadly.1", "/nowhere/deadly.2", "/nowhere/deadly.3"
    found = list(read_all(paths, workers, reader=troubled))
    assert Counter(one.path for one in found) == Counter(paths)
    lost = {one.path: one.problem for one in found if one.signature is None}
    assert lost == {
        path: "the process that read it died (SIGKILL)" for path in paths if "deadly" in path
    }


def test_a_file_without_end_is_given_up() -> None:
    paths = ["/nowhere/endless", *(f"/nowhere/core.{number}" for number in range(40))]
    found = {one.path: one.problem for one in read_all(paths, 2, 1.0, troubled)}
    assert len(found) == len(paths)
    assert {path for path, problem in found.items() if problem} == {"/nowhere/endless"}
    assert found["/nowhere/endless"] == "takes more than 1 s to read"


def test_workers_end_with_who_wants_no_more(tmp_path: Path) -> None:
    source = read_all([str(tmp_path / f"core.{n}") for n in range(100)], 2)
    assert next(source).problem == "No such file or directory"
    source.close()
    assert list(source) == []


def test_nothing_to_read() -> None:
    assert list(read_all([], 2)) == []


def test_a_worker_killed_between_two_files_costs_none() -> None:
    """As the kernel does where memory runs out."""
    paths = [f"/nowhere/core.{number}" for number in range(3)]
    source = read_all(paths, 1, reader=troubled)  # so few are given one by one
    found = [next(source)]
    (worker,) = multiprocessing.active_children()
    worker.kill()
    worker.join()
    found += source
    assert [(one.path, one.problem) for one in found] == [(path, "") for path in paths]


def test_a_folder_for_temporary_files_with_a_long_name(tmp_path: Path) -> None:
    """The helpers' socket cannot have a name as long as that."""
    long = tmp_path / ("n" * 120)
    long.mkdir()
    words = [sys.executable, "-P", "-m", "mtedbg", "triage", str(tmp_path), "--workers", "1"]
    (tmp_path / "core.1").write_text("none")
    done = subprocess.run(
        [*words, "--state", str(tmp_path / "state")],
        env=os.environ | {"TMPDIR": str(long), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 file" in done.stdout
