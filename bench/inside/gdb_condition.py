"""What a breakpoint's condition costs: its value at a stop, and hits that it lets pass."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

import gdb

from bench.result import seconds


def measure(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds, for each of `conditions` by its name.

    Args:
        settings: `conditions`: name to an expression that is false; `rounds`: evaluations, and
            hits, of each, in turn.

    Returns:
        `NAME_value`: of an evaluation, the median; `NAME_hit`: of a hit, on average.
    """
    conditions, rounds = settings["conditions"], settings["rounds"]
    gdb.execute("tbreak visit", to_string=True)
    gdb.execute("continue", to_string=True)
    times: dict[str, list[float]] = {name: [] for name in conditions}
    for _ in range(rounds):
        for name, text in conditions.items():
            times[name].append(seconds(partial(gdb.parse_and_eval, text)))
    found = {f"{name}_value": median(each) for name, each in times.items()}
    for name, text in conditions.items():
        passed = gdb.Breakpoint("visit")
        passed.condition = text
        last = gdb.Breakpoint("visit", temporary=True)
        last.ignore_count = rounds
        found[f"{name}_hit"] = seconds(partial(gdb.execute, "continue", to_string=True)) / rounds
        passed.delete()
    return found
