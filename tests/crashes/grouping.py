"""How well triage finds the bugs among many cores: pairs of cores, by bug and by group.

Precision: of the pairs that are in one group, how many are of one bug. Recall: of the pairs that
are of one bug, how many are in one group.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtedbg.lab.vm import Vm
from tests.crashes.build import Build
from tests.crashes.cells import HEAP_BUGS, Cell
from tests.crashes.produce import Crash, produce

BUGS = (
    *("uaf_read", "uaf_write", "uaf_inlined", "uaf_memcpy", "uaf_strlen", "uaf_reused"),
    *("over_1", "over_100", "over_walk", "over_memset", "over_memcpy", "under_1", "under_100"),
    *("double_free", "race"),
)
ALLOCATORS = ("glibc", "scudo", "own")
RUNS = 15
LEAST = 0.98
TIMEOUT_S = 1800
_REBUILT = ("-DREBUILT", "-falign-functions=128")
"""A later version: functions were added, and all of them moved."""


@dataclass(frozen=True)
class Score:
    """How well groups are bugs.

    Args:
        cores: how many there were.
        bugs: how many made them.
        groups: how many were found.
        precision: of pairs, 0 to 1.
        recall: of pairs, 0 to 1.
        mixed: groups with more than one bug, and how many of each; for people.
        split: bugs in more than one group, and how many in each; for people.
    """

    cores: int
    bugs: int
    groups: int
    precision: float
    recall: float
    mixed: tuple[str, ...] = ()
    split: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.cores:5} cores, {self.bugs:3} bugs, {self.groups:3} groups:"
            f" precision {self.precision:.3f}, recall {self.recall:.3f}"
        )


def cells(allocator: str, bugs: Iterable[str], *, rebuilt: bool) -> list[Cell]:
    """The crash of each of `bugs` under an allocator, in the program as it was or as it is now."""
    own = ("-DOWN_HEAP",) if allocator == "own" else ()
    how = Build("heap", more=(*own, *_REBUILT) if rebuilt else own)
    return [Cell(how, allocator, bug, "none", HEAP_BUGS[bug], ("48",)) for bug in bugs]


def crashes(
    vm: Vm, allocator: str, bugs: Sequence[str], runs: int, into: Path, *, rebuilt: bool
) -> Iterator[Crash]:
    """Lets each of `bugs` crash `runs` times: addresses and tags are drawn each time."""
    for run in range(runs):
        place = into / f"{'new' if rebuilt else 'old'}-{run}"
        yield from produce(vm, cells(allocator, bugs, rebuilt=rebuilt), place, ("exe", "alone"))


def groups_of(paths: Sequence[Path], work: Path, sysroot: Path | None = None) -> list[list[Path]]:
    """The groups that `mtedbg triage` makes of files."""
    command = [sys.executable, "-m", "mtedbg", "triage", "--json", "--fresh", "--workers", "1"]
    command += ["--state", str(work / "state")]
    command += ["--sysroot", str(sysroot)] if sysroot else []
    done = subprocess.run(
        [*command, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    return [[Path(member["file"]) for member in row["members"]] for row in rows]


def score(groups: Sequence[Sequence[Path]], bug_of: Mapping[Path, str]) -> Score:
    """Holds groups of files against their bugs."""
    in_groups = [Counter(bug_of[path] for path in group) for group in groups]
    of_bugs = Counter(bug_of.values())
    together = sum(_pairs(count.total()) for count in in_groups)
    right = sum(_pairs(number) for count in in_groups for number in count.values())
    same = sum(map(_pairs, of_bugs.values()))
    parts = {bug: [count[bug] for count in in_groups if count[bug]] for bug in of_bugs}
    return Score(
        of_bugs.total(),
        len(of_bugs),
        len(groups),
        right / together if together else 1.0,
        right / same if same else 1.0,
        tuple(str(dict(count)) for count in in_groups if len(count) > 1),
        tuple(f"{bug}: {numbers}" for bug, numbers in parts.items() if len(numbers) > 1),
    )


def _pairs(number: int) -> int:
    return number * (number - 1) // 2


def measure(made: Sequence[Crash], variant: str, work: Path) -> Score:
    """Groups the cores of `made` with the files of a variant beside them."""
    bug_of = {crash.core(variant): str(crash.truth["bug"]) for crash in made}
    nothing = work / "nothing"
    nothing.mkdir(exist_ok=True)
    sysroot = nothing if variant == "alone" else None
    return score(groups_of(list(bug_of), work, sysroot), bug_of)
