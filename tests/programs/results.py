"""What runs did, kept while nothing that they depend on changes: an interrupted `make` goes on.

A file for each runtime, set of packages and set of inputs, in the folder of what tests build; a
line for each run. Several processes may add to it at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtedbg.lab import paths
from tests.programs.root import inputs, root
from tests.support.compile import BUILT, digest_of


@dataclass(frozen=True)
class Job:
    """A run that is asked for.

    Attributes:
        place: where.
        command: its words.
        options: of the runtime.
        number: counts runs that are the same otherwise.
    """

    place: str
    command: tuple[str, ...]
    options: tuple[str, ...]
    number: int = 0


@dataclass(frozen=True)
class Result:
    """What a run did.

    Attributes:
        difference: to the native run; empty where there is none.
        took_s: seconds, by the clock.
        bound: how often one of its threads was bound to a processor.
    """

    difference: str
    took_s: float
    bound: int = 0


class Results:
    """The results of a file.

    Args:
        path: of the file, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[Job, Result] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                (place, command, options, number), result = json.loads(line)
            except ValueError:  # an empty one, or not whole: its writer was killed
                continue
            job = Job(place, tuple(command), tuple(options), number)
            if result is None:
                self._done.pop(job, None)
            else:
                self._done[job] = Result(*result)

    def of(self, jobs: Iterable[Job]) -> list[Result]:
        """Those that there are of some jobs."""
        return [self._done[job] for job in jobs if job in self._done]

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that have none."""
        return [job for job in jobs if job not in self._done]

    def add(self, job: Job, result: Result) -> None:
        """Writes one down."""
        self._write(job, [result.difference, result.took_s, result.bound])
        self._done[job] = result

    def forget(self, jobs: Iterable[Job]) -> None:
        """Has some run again, also if that is interrupted."""
        for job in jobs:
            self._write(job, None)
            self._done.pop(job, None)

    def _write(self, job: Job, what: object) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps([[job.place, job.command, job.options, job.number], what])
        with self._path.open("a") as file:
            file.write(f"\n{line}\n")  # what is before it need not be whole


def current() -> Results:
    """Those of the runtime that is built."""
    key = digest_of([paths.runtime()], [root().name, inputs().name])
    return Results(BUILT / f"programs-{key}.jsonl")
