"""`mtedbg triage` as a person has it: at a terminal, interrupted, killed, on a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mtedbg.triage.cluster import read_all
from tests.support.elf_core import Core, ThreadNotes
from tests.support.terminal import CTRL_C, at_a_terminal

MTEDBG = [sys.executable, "-m", "mtedbg", "triage"]
COUNT = 3000
KINDS = 3


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files enough that reading them can be interrupted, of three kinds."""
    folder = tmp_path_factory.mktemp("many")
    kinds = [
        Core(threads=[ThreadNotes(registers={"pc": 0x1000}, siginfo=(number, 1, 0x10000))]).write(
            folder, f"kind.{number}"
        )
        for number in (4, 7, 11)
    ]
    for number in range(COUNT):
        os.link(kinds[number % KINDS], folder / f"core.{number}")
    for kind in kinds:
        kind.unlink()
    return folder


def finish(folder: Path, state: Path, *words: str) -> dict[str, Any]:
    """Triage to its end."""
    command = [*MTEDBG, str(folder), "--state", str(state), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def complete(answer: dict[str, Any], state: Path) -> bool:
    """Whether each file is counted once, and was read once."""
    rows = [json.loads(line) for line in state.read_bytes().splitlines()[1:]]
    each_once = set(Counter(row["path"] for row in rows).values()) == {1}
    counts = [row["count"] for row in answer["rows"]]
    return each_once and len(rows) == COUNT and counts == [COUNT // KINDS] * KINDS


def test_killed_in_the_middle_and_run_again(many: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with at_a_terminal([*MTEDBG, str(many), "--state", str(state)]) as terminal:
        terminal.until(rf"[1-9]\d*/{COUNT}")
        while state.stat().st_size < 10000:  # what is shown comes before what is kept
            terminal.until("/")
        terminal.process.send_signal(signal.SIGKILL)
        assert terminal.process.wait(60) == -signal.SIGKILL
    before = state.read_bytes().count(b"\n")
    assert 1 < before < COUNT
    assert complete(finish(many, state), state)


def test_interrupted_with_what_was_read(many: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with at_a_terminal([*MTEDBG, str(many), "--state", str(state), "--no-color"]) as terminal:
        terminal.until(rf"[1-9]\d*/{COUNT}")
        terminal.type(CTRL_C)
        terminal.until(r"\d+ files?, [1-3] signatures?")
        shown = terminal.until("run the same command again to continue")
        assert "Traceback" not in terminal.seen
        assert terminal.status() == 130
    assert "files are not read yet" in shown
    assert complete(finish(many, state), state)


def test_a_cluster_with_a_worker_killed_in_the_middle(many: Path, tmp_path: Path) -> None:
    import distributed

    state = tmp_path / "state"
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        paths = sorted(map(str, many.iterdir()))
        found = []
        for one in read_all(paths, cluster.scheduler_address):
            found.append(one)
            if len(found) == COUNT // 4:
                victim = next(iter(cluster.workers.values())).process.process
                os.kill(victim.pid, signal.SIGKILL)
        assert Counter(one.path for one in found) == Counter(paths)
        assert not [one for one in found if one.signature is None]
        assert complete(finish(many, state, "--scheduler", cluster.scheduler_address), state)


def test_no_scheduler(many: Path, tmp_path: Path) -> None:
    command = [*MTEDBG, str(many), "--state", str(tmp_path / "state")]
    command += ["--scheduler", "tcp://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("mtedbg: no scheduler answers at tcp://127.0.0.1:1")
    assert "Traceback" not in done.stderr
