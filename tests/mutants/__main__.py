"""`make mutants`: every fault, and whether a native unit test notices it."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.mutants import MUTANTS
from tests.mutants.run import Outcome, outcome_of, passing


def main() -> int:
    """Returns 0 if every fault is noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--match", default="", help="only those whose name contains this")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [one for one in MUTANTS if arguments.match in one.name]
    wrong = passing([test for one in chosen for test in one.tests])
    if wrong or not chosen:
        sys.stdout.write(f"fail without any fault: {' '.join(wrong)}\n" if wrong else "none\n")
        return 1
    with ThreadPoolExecutor(arguments.workers) as pool:
        outcomes = list(pool.map(outcome_of, chosen))
    for mutant, outcome in zip(chosen, outcomes, strict=True):
        sys.stdout.write(f"{outcome:<16} {mutant.name}  ({mutant.file})\n")
    killed = outcomes.count(Outcome.KILLED)
    sys.stdout.write(f"{killed} of {len(chosen)} killed\n")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
