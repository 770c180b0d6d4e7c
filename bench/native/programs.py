"""Linux programs in the runtime, and under `qemu-x86_64`: processor time in QEMU's user mode."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.lab import BenchError
from bench.native.lab import CROSS, NativeLab
from bench.result import Row, number_text
from mtedbg.lab import user
from tests.programs.root import inputs, root
from tests.programs.run import ENVIRONMENT
from tests.support import signals

CPU = "max,pauth-impdef=on"
OPTIONS = ("--threads", "threads", "--shared-tag", "15")
ROUNDS = 3
_SQL = (
    "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n"
    " where i < 3000) insert into t select i, i * i % 97 from n;"
    " select count(*) from t where b < 9; select b, sum(a) from t group by b order by 2 limit 3;"
)
PROGRAMS: dict[str, Sequence[str]] = {
    "ls /": ("ls", "/"),
    "busybox sh, a loop of 20,000": (
        *("busybox", "sh", "-c"),
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo $i",
    ),
    "sqlite3, four statements": ("sqlite3", ":memory:", _SQL),
    "gzip -c": ("gzip", "-c", "text"),
    "python3.13 -c pass": ("python3.13", "-c", "pass"),
}


def measure(lab: NativeLab) -> Iterator[Row]:
    """In turns; where `MTETSO_BEFORE` names another runtime, that one as well."""
    before = os.environ.get("MTETSO_BEFORE")
    runtimes = [CROSS / "mtetso", *([Path(before)] if before else [])]
    for name, command in list(PROGRAMS.items())[: 1 if lab.quick else None]:
        ways = [_way(_runtime(each, command)) for each in runtimes]
        ways.append(_way(_qemu(command)))
        rounds = [[way() for way in ways] for _ in range(1 if lab.quick else ROUNDS)]
        ours, theirs = median(one[0] for one in rounds), median(one[-1] for one in rounds)
        ratio = median(one[0] / one[-1] for one in rounds)
        text = f"qemu-x86_64 {number_text(theirs)} s: {ratio:.3g} times"
        if before:
            old, gain = median(o[1] for o in rounds), median(o[1] / o[0] for o in rounds)
            text += f"; before {number_text(old)} s: {gain:.2f} times"
        yield Row(name, f"{number_text(ours)} s", text)


def _runtime(runtime: Path, command: Sequence[str]) -> list[str]:
    program = f"/usr/bin/{command[0]}"
    own = ["--sysroot", str(root()), "--argv0", program, f"{root()}{program}"]
    return [user.PROGRAM, "-cpu", CPU, str(runtime), *OPTIONS, *own, *command[1:]]


def _qemu(command: Sequence[str]) -> list[str]:
    program = f"{root()}/usr/bin/{command[0]}"
    return ["qemu-x86_64", "-L", str(root()), program, *command[1:]]


def _way(words: Sequence[str]) -> Callable[[], float]:
    """A run: its processor time, the kernel's part included, in seconds."""

    def run() -> float:
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [*signals.FRESH, *words], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=ENVIRONMENT, cwd=inputs(),
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                said = output.read()[-500:].decode(errors="replace")
                raise BenchError(f"{' '.join(words)}: status {process.returncode}: {said}")
        return used.ru_utime + used.ru_stime

    return run
