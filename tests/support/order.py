"""In which order files of tests are given to the workers of a run: the longest first.

A worker has a file to itself, since its tests share what is costly to set up. Where a long one came
last, the other worker would have nothing to do meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LONGEST_FIRST = (
    "tests/live/test_guest_programs.py",
    "tests/fuzz/test_fuzz.py",
    "tests/live/test_oracle.py",
    "tests/soundness/test_enumeration.py",
    "tests/live/test_core_oracles.py",
    "tests/live/test_sanitized_translator.py",
    "tests/live/test_bench_native.py",
    "tests/live/test_bench.py",
    "tests/live/test_runtime_tiers.py",
    "tests/live/test_bad_input.py",
    "tests/live/test_gdb_expressions.py",
    "tests/matrix/test_matrix.py",
    "tests/live/test_runtime_memory.py",
    "tests/live/test_demo.py",
    "tests/soundness/test_stress.py",
    "tests/live/test_gdb_runtime.py",
    "tests/live/test_lab_vm.py",
    "tests/live/test_lab_wheel.py",
    "tests/live/test_shell_piped.py",
    "tests/live/test_lldb_core.py",
    "tests/live/test_runtime_guests.py",
)
"""Those of half a minute and more, by `pytest --durations=0`. The others follow as they come."""


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items, those of `LONGEST_FIRST` before all others."""
    places = {ROOT / name: place for place, name in enumerate(LONGEST_FIRST)}
    return sorted(items, key=lambda item: places.get(item.path, len(places)))
