"""`python -m tests.oracle record`: runs the recorded cases on this x86-64 processor again.

`python -m tests.oracle run --cases N [--seed S] [--options "…"]`: a long run of random sequences;
what differs is made small and kept in `regressions/`, under a name to be replaced by a better one.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.oracle import check, corpus, machine
from tests.oracle.strategies import any_one

_AT_ONCE = 2000


def _record() -> int:
    cases = corpus.every_form(3, 1)
    corpus.write_recorded(cases, machine.natively(cases))
    print(f"{len(cases)} cases, {corpus.RECORDED.stat().st_size} bytes")
    return 0


def _run(count: int, seed: int, options: str) -> int:
    done = steps = wrong = 0
    start = time.monotonic()
    while done < count:
        cases = check.generate(any_one(), _AT_ONCE, seed)
        found = check.compare(cases, options)
        for case in list(found)[:3]:
            small = check.smallest(any_one(), _AT_ONCE, seed, case, options)
            file = corpus.save(small, f"seed_{seed}_{wrong}")
            print(f"{file}:\n{small.text}\n" + "\n".join(check.compare([small], options)[small]))
            wrong += 1
        done += len(cases)
        steps += sum(case.text.count("\n") + 1 for case in cases)
        spent = time.monotonic() - start
        print(f"seed {seed}: {done} sequences, {steps} instructions, {wrong} wrong, {spent:.0f} s")
        seed += 1
    return 1 if wrong else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("record", help="record what this processor does")
    run = commands.add_parser("run", help="random sequences, as many as you like")
    run.add_argument("--cases", type=int, default=10_000, help="sequences")
    run.add_argument("--seed", type=int, default=1000, help="of the first part")
    run.add_argument("--options", default="", help="of the runtime")
    chosen = parser.parse_args()
    if not machine.is_native():
        sys.exit("the oracle is an x86-64 processor; this machine has another one")
    return (
        _record() if chosen.command == "record" else _run(chosen.cases, chosen.seed, chosen.options)
    )


if __name__ == "__main__":
    sys.exit(main())
