"""`python -m litmus`: runs the litmus files with herd7; `--fetch` gets it first.

Exit status 0 where every verdict is the expected one, 1 where one is not, 2 without herd7.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from litmus import herd, table
from mtedbg.errors import MtedbgError, ToolMissingError

WORKERS = 2


def main(words: Sequence[str] | None = None) -> int:
    """Runs it, prints a line a file, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m litmus", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="get herd7 from apt's mirror first")
    options = parser.parse_args(words)
    try:
        rows = table.expected()
        if options.fetch:
            herd.fetch()
        herd.command()
        with ThreadPoolExecutor(WORKERS) as pool:
            verdicts = list(pool.map(lambda row: herd.verdict(row.file), rows))
    except MtedbgError as error:
        print(f"litmus: {error}", file=sys.stderr)
        return 2 if isinstance(error, ToolMissingError) else 1
    wrong = 0
    for row, verdict in zip(rows, verdicts, strict=True):
        good = verdict == row.verdict
        wrong += not good
        print(f"{row.file.stem:26} {verdict:10}{'' if good else f'expected {row.verdict}'}")
    print(f"{len(rows)} files, {wrong} with another verdict than expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
