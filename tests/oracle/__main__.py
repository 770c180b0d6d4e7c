"""`python -m tests.oracle record`: runs the recorded cases on this x86-64 processor again.

`python -m tests.oracle run --steps N [--seed S] [--options "…"]`: a long run of random sequences;
what differs is made small and kept in `regressions/`, under a name to be replaced by a better one.
"""

from __future__ import annotations

import argparse
import sys

from tests.oracle import check, corpus, long_run, machine
from tests.support import x86_64

_MOST_KEPT = 3
"""Differences of one part that are made small: what is one mistake shows in many sequences."""


def _record() -> int:
    cases = corpus.every_form(3, 1)
    corpus.write_recorded(cases, machine.natively(cases))
    print(f"{len(cases)} cases, {corpus.RECORDED.stat().st_size} bytes")
    return 0


def _run(steps: int, seed: int, options: str) -> int:
    progress = long_run.Progress()
    for part in long_run.run(steps, seed, options):
        progress.add(part)
        for number, wrong in enumerate(list(part.wrong)[:_MOST_KEPT]):
            small = long_run.smallest(wrong, options).case
            file = corpus.save(small, f"seed_{part.seed}_{number}")
            print(f"{file}:\n{small.text}\n" + "\n".join(check.compare([small], options)[small]))
    print(progress)
    return 1 if progress.wrong else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("record", help="record what this processor does")
    run = commands.add_parser("run", help="random sequences, as many as you like")
    run.add_argument("--steps", type=int, default=100_000, help="instructions that are run")
    run.add_argument("--seed", type=int, default=1000, help="of the first part")
    run.add_argument("--options", default="", help="of the runtime")
    chosen = parser.parse_args()
    if not x86_64.is_native():
        sys.exit("the oracle is an x86-64 processor; this machine has another one")
    return (
        _record() if chosen.command == "record" else _run(chosen.steps, chosen.seed, chosen.options)
    )


if __name__ == "__main__":
    sys.exit(main())
