"""The steps of the GitHub Action, run as its runner does; what the container's file names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.cases import unpacked
from tests.support.compile import ROOT

SCRIPT = ROOT / "action/triage.sh"


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """What a runner sets, and a folder of cores; mtedbg is on the path."""
    (tmp_path / "bin").mkdir()
    mtedbg = tmp_path / "bin/mtedbg"
    mtedbg.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m mtedbg "$@"\n')
    mtedbg.chmod(0o755)
    (tmp_path / "cores").mkdir()
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "CORES": str(tmp_path / "cores"),
        "KNOWN": "",
    }


def ran(runner: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT], env=runner, capture_output=True, text=True, timeout=120, check=False
    )


def test_cores_become_annotations(runner: dict[str, str], tmp_path: Path) -> None:
    unpacked("heap", Path(runner["CORES"]))
    done = ran(runner)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^::(error|warning) .*tag check fault", done.stdout, re.MULTILINE)
    assert "| tag check fault" in (tmp_path / "summary").read_text()
    (line,) = (tmp_path / "output").read_text().splitlines()
    assert "tag check fault" in Path(line.removeprefix("html=")).read_text()


def test_what_is_not_known_fails_the_step(runner: dict[str, str], tmp_path: Path) -> None:
    unpacked("heap", Path(runner["CORES"]))
    known = tmp_path / "known"
    known.write_text("")
    assert ran(runner | {"KNOWN": str(known)}).returncode == 3
    signature = re.search(r"\b[0-9a-f]{12}\b", (tmp_path / "summary").read_text())
    assert signature
    known.write_text(f"{signature[0]}\n")
    assert ran(runner | {"KNOWN": str(known)}).returncode == 0


def test_a_job_without_cores_is_none(runner: dict[str, str]) -> None:
    done = ran(runner)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no files" in done.stdout


def test_the_definition_runs_that_script_with_its_inputs() -> None:
    text = (ROOT / "action/action.yml").read_text()
    assert "using: composite" in text
    assert "${GITHUB_ACTION_PATH}/triage.sh" in text
    assert os.access(SCRIPT, os.X_OK)
    set_there = set(re.findall(r"^        ([A-Z]+): \$\{\{ inputs\.", text, re.MULTILINE))
    assert set_there == {"CORES", "KNOWN", "MTEDBG"}
    for name in set_there:
        assert f"${{{name}" in SCRIPT.read_text()


def test_the_container_uses_files_that_are_there() -> None:
    text = (ROOT / "container/Dockerfile").read_text()
    for name in (
        "scripts/setup",
        "scripts/make_wheel.py",
        *re.findall(r"scripts/locks/\S+txt", text),
    ):
        assert name in text
        assert (ROOT / name).is_file()
    assert 'CMD ["demo"]' in text
