"""`python -m tests.fuzz [--seconds N] [--target NAME]…`: coverage-guided fuzzing with atheris.

Without targets all of them share the time. What ends a target is put into `build/fuzz/NAME/`: mend
what it shows, and `python -m tests.fuzz.keep NAME FILE…` keeps it for the tests.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600
MOST_MEMORY = 200 << 20
"""Bytes that a reader may take over the mapped file."""

LONGEST_S = 25
"""Of one input, instrumented, on a busy machine: what hangs takes for ever."""

_MORE_S = {"amplified": 150}
"""Of a target whose inputs are to cost what a report may: seconds of processor time, and several
times that where it is instrumented. What it may cost without that is asserted by the target."""

_LIMIT_MB = 1024


def limited(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target with a limit on memory that counts from its first input on."""
    limits: list[int] = []

    def run(data: bytes) -> None:
        if not limits:
            target(b"")  # what is imported and built once is no input's
            status = Path("/proc/self/status").read_text()
            found = re.search(r"VmData:\s+(\d+) kB", status)
            assert found
            limits.append(int(found[1]) * 1024 + MOST_MEMORY)
            resource.setrlimit(resource.RLIMIT_DATA, (limits[0], limits[0]))
        target(data)

    return run


def fuzz(name: str, seconds: float) -> None:
    """Fuzzes one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["mtedbg", "demangle"]):
        from tests.fuzz import seeds, targets

        for seed in seeds.seeds(name):  # what is imported when it is needed, is needed now
            targets.TARGETS[name](seed)
    place = ROOT / "build/fuzz" / name
    corpus = place / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate([*seeds.seeds(name), *seeds.kept(name)]):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={max(1, round(seconds))}", f"-timeout={_MORE_S.get(name, LONGEST_S)}",
        f"-rss_limit_mb={_LIMIT_MB}", f"-artifact_prefix={place}/", "-max_len=16384",
        "-print_final_stats=1", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], limited(targets.TARGETS[name]))
    atheris.Fuzz()


def main() -> int:
    """Fuzzes each target in a process of its own; 1 where one found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=HOUR, help="for all of them (an hour)")
    parser.add_argument("--target", action="append", dest="names", default=[])
    parser.add_argument("--alone", action="store_true", help="in this process; for a debugger")
    arguments = parser.parse_args()
    if arguments.alone:
        fuzz(arguments.names[0], arguments.seconds)
    from tests.fuzz.targets import TARGETS  # not before: what is imported is not instrumented

    names = arguments.names or list(TARGETS)
    share = arguments.seconds / len(names)
    failed = []
    for name in names:
        words = [sys.executable, "-m", "tests.fuzz", "--alone", "--target", name]
        words += ["--seconds", str(share)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        count = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        print(
            f"{name:10} {share:7.0f} s  {count[1] if count else '?':>8} inputs  "
            f"coverage {covered[-1] if covered else '?'}"
            f"  {'ok' if done.returncode == 0 else 'FOUND SOMETHING'}",
            flush=True,
        )
        if done.returncode != 0:
            failed.append(name)
            print(done.stderr[-6000:], file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
