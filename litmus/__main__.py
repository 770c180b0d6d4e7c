"""`python -m litmus`: runs the litmus files with herd7; `--fetch` gets it first.

`--record` keeps the verdicts in `verdicts.json`, where every one of them is the expected one. Exit
status 0 then, 1 where one is not, 2 without herd7.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from litmus import herd, record, table
from litmus.record import Record, Verdict
from mtedbg.errors import MtedbgError, ToolMissingError

WORKERS = 2


def main(words: Sequence[str] | None = None) -> int:
    """Runs it, prints a line a file, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m litmus", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="get herd7 from apt's mirror first")
    parser.add_argument("--record", action="store_true", help="keep the verdicts in verdicts.json")
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
    if options.record and not wrong:
        _keep(rows, verdicts)
    return 1 if wrong else 0


def _keep(rows: Sequence[table.Expected], verdicts: Sequence[str]) -> None:
    files = {
        row.file.stem: Verdict(record.digest(row.file), verdict)
        for row, verdict in zip(rows, verdicts, strict=True)
    }
    today = datetime.now(UTC).date().isoformat()
    record.write(Record(herd.version(), herd.VARIANT, today, files))
    print(f"recorded in {record.FILE}")


if __name__ == "__main__":
    sys.exit(main())
