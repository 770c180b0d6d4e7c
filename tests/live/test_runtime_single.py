"""A program with one thread needs no order, and no access of it is ordered or faults."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.live.test_runtime_guests import run

SINGLE = ("arith", "bytecode", "copy", "counter", "heap", "lz", "sum")


@pytest.mark.parametrize("tag", [0, 15])
@pytest.mark.parametrize("threads", ["lockstep", "threads"])
@pytest.mark.parametrize("guest", SINGLE)
def test_nothing_is_ordered(guest: str, threads: str, tag: int, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    done = run(f"--threads {threads} --shared-tag {tag} --profile-out {file}", guest)
    assert done.returncode == 0, done.stderr
    (program,) = json.loads(file.read_text())["programs"]
    modes = Counter(memop["mode"] for memop in program["memops"])
    assert modes == {"local": len(program["memops"])}
    assert sum(memop["faults"] for memop in program["memops"]) == 0
