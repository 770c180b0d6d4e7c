"""`python -m tests.soundness`: every round of every test, or a sample of so many of each.

Prints a line for each test and each way to run the runtime: rounds, how many of them could end as
x86 does not allow, and how many of those take a stale pair. Exit status 1 where a sound policy has
one, or `seed` has none on message passing.
"""

import argparse
import sys
import time

from tests.soundness.plan import EVERY_SEED, EVERY_SOUND, Judged, judged
from tests.soundness.schedules import TESTS, choices

BREAKS = ("MP+2", "MP+own")
"""Of two threads alone `seed` has none: it takes a third one that runs in between."""

POLICIES = tuple(dict.fromkeys(way.policy for way in (*EVERY_SOUND, *EVERY_SEED)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soundness", description=__doc__)
    parser.add_argument("--rounds", type=int, help="of each test (default: all)")
    parser.add_argument("--test", choices=TESTS, action="append", help="only this one")
    parser.add_argument("--policy", choices=POLICIES, action="append", help="only ways of this one")
    options = parser.parse_args()
    policies = options.policy or POLICIES
    ways = [way for way in (*EVERY_SOUND, *EVERY_SEED) if way.policy in policies]
    failed, total = False, 0
    broken = dict.fromkeys(BREAKS, 0)
    for name in options.test or TESTS:
        test = TESTS[name]
        some = choices(test)
        chosen = some.sample(options.rounds or some.count(), name)
        for config in ways:
            begin = time.monotonic()
            result = judged(config, test, chosen)
            total += len(chosen)
            failed |= config.policy != "seed" and bool(result.violations)
            if config.policy == "seed" and name in broken:
                broken[name] += len(result.violations)
            print(f"{name:10} {config!s:48} {line(result)} {time.monotonic() - begin:7.1f} s")
            sys.stdout.flush()
    for name, count in broken.items():
        failed |= count == 0 and name in (options.test or TESTS) and "seed" in policies
    print(f"{total} rounds")
    return 1 if failed else 0


def line(result: Judged) -> str:
    bad = {violation.traced.round for violation in result.violations}
    stale = {violation.traced.round for violation in result.violations if violation.stale}
    return f"{len(result.rounds):6} rounds {len(bad):5} bad {len(stale):5} by a stale pair"


if __name__ == "__main__":
    sys.exit(main())
