"""`python -m bench.libraries [NAME…]`: the table of all programs, or of some."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from bench.libraries.measure import run
from bench.libraries.programs import PROGRAMS, Program, built
from bench.machine import describe
from bench.names import are_known
from bench.result import Row, Target, table

ORDERED = Target(0.01, "of them")
"""Of executed accesses."""


def main(names: Sequence[str]) -> int:
    """Measures; the exit status."""
    if not are_known(names, (program.name for program in PROGRAMS), "program"):
        return 2
    print(describe(), flush=True)
    chosen = [program for program in PROGRAMS if not names or program.name in names]
    print("\n".join(table(_rows(chosen), ours="default")), flush=True)
    return 0


def _rows(programs: Sequence[Program]) -> Iterator[Row]:
    for program in programs:
        elf = built(program)
        ours, seed = run(elf), run(elf, "--policy", "seed")
        name = f"{program.name}, {program.source.package} {program.source.version}"
        yield Row(
            f"{name}: memops ordered of {ours.memops:,}", f"{ours.ordered}", f"seed {seed.ordered}"
        )
        yield Row(
            f"{name}: ordered of {ours.executions:,} executions",
            f"{100 * ours.share:.3g} %",
            f"seed {100 * seed.share:.3g} %",
            ORDERED.verdict(ours.share),
        )
        yield Row(
            f"{name}: faults",
            f"{ours.faults}",
            f"seed {seed.faults}",
            Target(seed.faults, "faults").verdict(ours.faults),
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
