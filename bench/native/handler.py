"""`python -m bench.native.handler [WAY]`: the handler's instructions by function.

Not a subject: it says where the numbers of `faults` come from. QEMU's user mode logs each
instruction; what the vDSO's clock takes is left out.
"""

from __future__ import annotations

import bisect
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.native.lab import CROSS
from mtedbg.lab import user

PROGRAM = CROSS / "bench_round_trip"
WAYS = ("patch", "retag-patch", "retry")
HANDLER = "mtetso::(anonymous namespace)::on_fault"
CLOCK, RETURN, OTHERS = "__kernel_clock_gettime", "__kernel_rt_sigreturn", "(other libraries)"
WARM, LEAST = 8, 100


def functions() -> list[tuple[int, str]]:
    """The program's functions: where each begins, and its name."""
    listed = subprocess.run(
        ["aarch64-linux-gnu-nm", "-nC", PROGRAM], capture_output=True, text=True, check=True
    )
    rows = (line.split(" ", 2) for line in listed.stdout.splitlines())
    return [(int(row[0], 16), row[2]) for row in rows if row[0] and row[1] in "tT"]


def handled(log: Path) -> Iterator[list[str]]:
    """The functions of each instruction of each run of the handler."""
    known = functions()
    begins = [begin for begin, _ in known]
    entry = next(begin for begin, name in known if name.startswith(HANDLER))
    base = 0
    run: list[str] | None = None
    for line in log.read_text().splitlines():
        if line.startswith("start_code"):
            base = int(line.split()[-1], 16)
        if not line.startswith("Trace") or base == 0:
            continue
        at, symbol = int(line.split("/")[1], 16) - base, line.rsplit("]", 1)[1].strip()
        run = [] if at == entry else run
        if run is None or symbol == CLOCK:
            continue
        inside = begins[0] <= at < begins[-1] + LEAST
        left = not inside and len(run) > LEAST and run[-1].startswith(HANDLER)
        if symbol == RETURN or left:
            yield run
            run = None
            continue
        run.append(known[bisect.bisect_right(begins, at) - 1][1] if inside else OTHERS)


def main(words: list[str]) -> int:
    """Prints a line a function, the longest first; the exit status."""
    way = words[0].lower() if words else WAYS[0]
    if way not in WAYS:
        print(f"bench: no way {way!r}; there are {', '.join(WAYS)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="mtedbg-bench-") as folder:
        log = Path(folder) / "log"
        command = [user.PROGRAM, "-cpu", user.CPU, "-one-insn-per-tb", "-d", "exec,nochain,page"]
        command += ["-D", str(log), str(PROGRAM), "time", "1", "1", "1"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # Each way has a few faults first, then one of its own.
        run = list(handled(log))[WARM * len(WAYS) + WAYS.index(way)]
    print(f"{way}: {len(run)} instructions")
    for name, count in Counter(run).most_common():
        print(f"{count:6} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
