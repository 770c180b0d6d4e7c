"""`python -m bench.order [NAME…]`: the table of all runs, or of some."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.lab import BenchError
from bench.machine import describe
from bench.names import are_known
from bench.order.instructions import Instructions, Translators, translators
from bench.order.oracle import needed, profiled
from tests.programs.table import PROGRAMS

HEADINGS = (
    *("program", "executed accesses", "need order", "their instructions'", "by the profile"),
    *("faults", "`seed`: by the profile", "faults", "instructions", "QEMU's", "box64's"),
)


@dataclass(frozen=True)
class Run:
    """A run of a program.

    Attributes:
        name: in the table.
        program: its name in `tests/programs/table.py`.
        number: of its runs there.
        oracle: whether each of its accesses is interpreted as well, which takes about 100 µs each.
        limit_s: seconds of processor time that it may take.
    """

    name: str
    program: str
    number: int = 0
    oracle: bool = True
    limit_s: float = 900


RUNS = (
    Run("seq", "coreutils", 5),
    Run("cat", "coreutils", 11),
    Run("sed", "sed", 0, oracle=False),
    Run("dash", "dash", 0, oracle=False),
    Run("sqlite3, one statement", "sqlite3, 200 statements", 1),
    Run("a counter under a mutex, 3 threads", "a counter under a mutex, gcc -O2"),
    Run("pthreads", "pthreads, gcc -O2"),
    Run("C++ threads", "C++, g++ -O2"),
    Run("sqlite3, four threads", "sqlite3, four threads"),
    Run("sort --parallel=3", "coreutils", 3, oracle=False),
    Run("xz -T3", "xz -T3", 0, oracle=False),
    Run("xz -T3 -0, 12 KB", "xz -T3", 2),
)


def main(names: Sequence[str]) -> int:
    """Measures; the exit status."""
    if not are_known(names, (run.name for run in RUNS), "run"):
        return 2
    print(describe(), flush=True)
    print(_line(HEADINGS), _line(["---"] * len(HEADINGS)), sep="\n", flush=True)
    with translators() as three:
        for run in RUNS:
            if names and run.name not in names:
                continue
            try:
                print(_line(_cells(run, three)), flush=True)
            except BenchError as error:
                print(_line([run.name, f"did not run: {str(error)[-200:]}"]), flush=True)
    return 0


def _cells(run: Run, three: Translators) -> Iterator[str]:
    (program,) = (one for one in PROGRAMS if one.name == run.program)
    command = program.runs[run.number]
    ours, seed = profiled(command, run.limit_s), profiled(command, run.limit_s, "--policy", "seed")
    yield run.name
    yield f"{ours.accesses:,}"
    if run.oracle:
        need = needed(command, run.limit_s)
        yield _share(need.shared, need.accesses)
        yield _share(need.memops, need.accesses)
    else:
        yield from ["0 %, no threads" if ours.alone else ""] * 2
    for one in (ours, seed):
        yield _share(one.in_order, one.accesses)
        yield f"{one.faults:,}"
    base = three.ours(command)
    yield _instructions(base, None)
    for other in (three.qemu(command), three.box64(command)):
        yield _instructions(other, base)


def _instructions(one: Instructions | str, base: Instructions | str | None) -> str:
    """Of the code that was made, beside ours; the translator's own behind."""
    if isinstance(one, str):
        print(f"bench: {one[-400:]}", file=sys.stderr, flush=True)
        return "not run"
    text = f"{one.made:,} + {one.all - one.made:,}"
    if isinstance(base, Instructions) and base.made:
        text += f" ({one.made / base.made:.2f} times)"
    return text


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "none"


def _line(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
