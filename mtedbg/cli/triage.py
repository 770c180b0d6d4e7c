"""`mtedbg triage`: many dead processes, one line per distinct crash."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.cli import show
from mtedbg.errors import MtedbgError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mtedbg.model.absent import Absent
    from mtedbg.model.triage import Read
    from mtedbg.report import Report

HELP = "group core files: one line per distinct crash"
EXIT_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg triage` takes."""
    parser.add_argument("places", metavar="PATH", nargs="+", help="core files, or folders of them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--html", metavar="FILE", default="", help="also write the result to FILE as HTML"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N",
        help="number of processes that read (default: number of CPUs)",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", default="", metavar="ADDRESS",
        help="read with the workers of a dask.distributed cluster; they must see the same paths",
    )  # fmt: skip
    parser.add_argument(
        "--state", default="", metavar="FILE",
        help="keep results in FILE (default: a file in ~/.local/state/mtedbg)",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="ignore kept results: read every file")
    parser.add_argument(
        "--sysroot",
        default="",
        metavar="DIR",
        help="find executables, for names, under DIR (default: this machine's, by build id)",
    )  # fmt: skip
    parser.add_argument("--no-color", action="store_true", help="no colours on a terminal")


def _reader(arguments: argparse.Namespace, paths: Sequence[str]) -> Generator[Read, None, None]:
    if arguments.scheduler:
        from mtedbg.triage import cluster

        return cluster.read_all(paths, arguments.scheduler)
    from mtedbg.triage import local

    return local.read_all(paths, arguments.workers)


def _read(
    arguments: argparse.Namespace, paths: Sequence[str], reads: dict[str, Read], place: Path
) -> MtedbgError | KeyboardInterrupt | None:
    """Fills `reads`, from kept results first; returns what stopped it, or None."""
    from mtedbg.triage.progress import progress
    from mtedbg.triage.state import State

    with State(place) as state:
        if not arguments.fresh:
            reads.update((one.path, one) for one in state.known(paths))
        left = [path for path in paths if path not in reads]
        try:
            with (
                closing(_reader(arguments, left)) as source,
                progress(len(paths), len(reads)) as advance,
            ):
                for one in source:
                    reads[one.path] = one
                    state.add(one)
                    advance()
        except (MtedbgError, KeyboardInterrupt) as stopped:
            return stopped
    return None


def _symbol(one: Read, sysroot: str) -> str | Absent:
    """The symbol that contains the PC of an exemplar, from its program's own files."""
    from mtedbg.adapters.dead import open_dead
    from mtedbg.model.absent import NOT_APPLICABLE, Absent

    if one.pc is None:
        return NOT_APPLICABLE
    try:
        found = open_dead(one.path, sysroot=sysroot).symbol_at(one.pc)
    except MtedbgError:
        return NOT_APPLICABLE
    return NOT_APPLICABLE if isinstance(found, Absent) else str(found)


def _write(report: Report, arguments: argparse.Namespace) -> None:
    if arguments.html:
        from mtedbg import __version__
        from mtedbg.commands._documents import write
        from mtedbg.render.html import render_html
        from mtedbg.report import Document, Part

        page = render_html("Triage", [Part("Signatures", "", report)], __version__)
        report = report.noting(write(Document(arguments.html, page)))
    show(report, arguments)


def _counted(files: int, of_one: str, of_many: str) -> str:
    return f"1 file {of_one}" if files == 1 else f"{files} files {of_many}"


def run(arguments: argparse.Namespace) -> int:
    """Reads, groups and prints; the exit status."""
    from mtedbg.analysis.postmortem.groups import groups
    from mtedbg.reports.triage import report
    from mtedbg.triage.files import find
    from mtedbg.triage.state import usual_path

    if arguments.workers < 1:
        raise UsageError("--workers must be at least 1", "the default is the number of CPUs")
    found = find(arguments.places)
    place = Path(arguments.state) if arguments.state else usual_path(arguments.places)
    reads: dict[str, Read] = {}
    stopped = _read(arguments, found.paths, reads, place)
    notes = []
    if found.skipped:
        notes.append(_counted(found.skipped, "in these folders is not a core: left out",
                              "in these folders are not cores: left out"))  # fmt: skip
    if stopped is not None:
        unread = _counted(len(found.paths) - len(reads), "is not read yet", "are not read yet")
        notes.append(f"stopped: {unread}; run the same command again to continue")
    made = groups(reads.values(), lambda one: _symbol(one, arguments.sysroot))
    _write(report(made, notes), arguments)
    if isinstance(stopped, MtedbgError):
        sys.stdout.flush()
        raise stopped
    return EXIT_INTERRUPTED if stopped is not None else 0
