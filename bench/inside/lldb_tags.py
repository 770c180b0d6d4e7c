"""Allocation tags in LLDB: mtedbg's command, and LLDB's own on a sample."""

from __future__ import annotations

from typing import Any

import lldb

from bench.result import alternating, seconds

GRANULE = 16


def _run(line: str) -> None:
    result = lldb.SBCommandReturnObject()
    lldb.debugger.GetCommandInterpreter().HandleCommand(line, result)
    if not result.Succeeded() or not result.GetOutput():
        raise RuntimeError(f"{line}: {result.GetError()}")


def measure(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds for all of `size` bytes at `start`; LLDB's own from `sample` granules of them."""
    start, size, sample = settings["start"], settings["size"], settings["sample"]
    end = start + sample * GRANULE
    factor = size / (sample * GRANULE)
    ways = {
        "runs": lambda: seconds(lambda: _run(f"mte-tags {start:#x} {size} --runs")),
        "read": lambda: seconds(lambda: _run(f"memory tag read {start:#x} {end:#x}")) * factor,
    }
    _run(f"mte-tags {start:#x} 16")
    return dict(zip(ways, alternating(list(ways.values()), settings["rounds"]), strict=True))
