"""`python -m bench [--quick] [SUBJECT…]`: measures, and prints the tables.

`--quick` has everything small, to see that it works: its numbers say nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module

from bench.lab import lab
from bench.machine import describe
from bench.names import are_known
from bench.result import table

SUBJECTS = ("tags", "condition", "code_map", "jit_list", "jits", "startup")
OTHERS = ("cores", "triage")
"""Measured when they are named."""


def main(names: list[str]) -> int:
    """Measures the subjects; the exit status."""
    quick = "--quick" in names
    names = [name for name in names if name != "--quick"]
    if not are_known(names, SUBJECTS + OTHERS, "subject"):
        return 2
    print(describe(), flush=True)
    with lab(quick=quick) as room:
        for name in names or SUBJECTS:
            module = import_module(f"bench.{name}")
            print(f"\n## {module.__doc__.partition(chr(10))[0]}\n", flush=True)
            print("\n".join(table(module.measure(room))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
