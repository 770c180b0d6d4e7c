"""`mtedbg triage`: many dead processes, one line per distinct crash."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.cli import show
from mtedbg.cli._redact import add_argument, private
from mtedbg.cli._terminal import add_color
from mtedbg.errors import MtedbgError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mtedbg.analysis.postmortem.groups import Group
    from mtedbg.model.triage import Read
    from mtedbg.report import Part, Report

HELP = "group core files: one line per distinct crash"
EXIT_UNREADABLE, EXIT_INTERRUPTED = 1, 130
EXIT_NEW = 3
"""There is a crash that `--known` does not list."""
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
"""Seconds in what a word for `--since` may end in."""
_MOST_REPORTS = 32
"""Groups of a page that have the report of their exemplar in it, the most frequent."""
_REPORTS_S = 60.0
"""Seconds after which no other report is begun."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg triage` takes."""
    parser.add_argument(
        "places",
        metavar="PATH",
        nargs="+",
        help="core files and what else `mtedbg core` reads, or folders and zip archives of them",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV, for a spreadsheet")
    form.add_argument("--markdown", action="store_true", help="print a table in Markdown")
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
        help="find programs and libraries under DIR (default: next to the core, and this machine's"
        " with the same build id)",
    )
    parser.add_argument(
        "--core-only",
        action="store_true",
        help="look for no programs: calls and names by what the cores themselves hold",
    )
    parser.add_argument("--members", action="store_true", help="list the files of each group")
    parser.add_argument(
        "--min-count", type=int, default=1, metavar="N", help="show groups of N or more crashes"
    )
    parser.add_argument(
        "--since", default="", metavar="WHEN",
        help='show crashes since then: 90m, 12h, 7d, or a UTC time such as "2026-11-29 08:00"',
    )  # fmt: skip
    parser.add_argument(
        "--junit", metavar="FILE", default="", help="also write the result to FILE as JUnit's XML"
    )
    parser.add_argument(
        "--annotations", choices=("github",),
        help="print the groups as annotations of a GitHub workflow, instead of a table",
    )  # fmt: skip
    parser.add_argument(
        "--known", metavar="FILE", default="",
        help="the signatures in FILE are known: exit with status 3 if there is any other. FILE has"
        " a signature at the beginning of each line, or is what --json printed",
    )  # fmt: skip
    add_argument(parser)
    add_color(parser)


def _reader(arguments: argparse.Namespace, paths: Sequence[str]) -> Generator[Read, None, None]:
    from mtedbg.triage.one import Reader

    reader = Reader(arguments.sysroot, files=not arguments.core_only)
    if arguments.scheduler:
        from mtedbg.triage import cluster

        return cluster.read_all(paths, arguments.scheduler, reader)
    from mtedbg.triage import local

    return local.read_all(paths, arguments.workers, reader=reader)


def _read(
    arguments: argparse.Namespace,
    paths: Sequence[str],
    reads: dict[str, Read],
    place: Path,
    notes: list[str],
) -> MtedbgError | KeyboardInterrupt | None:
    """Fills `reads`, from kept results first, and `notes`; returns what stopped it, or None."""
    from mtedbg.triage.progress import progress
    from mtedbg.triage.state import State

    programs = "none" if arguments.core_only else arguments.sysroot
    with State(place, programs) as state:
        notes += state.remarks
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


def _write(report: Report, shown: Sequence[Group], arguments: argparse.Namespace) -> None:
    if arguments.html:
        from mtedbg import __version__
        from mtedbg.commands._documents import write
        from mtedbg.render.html import render_triage
        from mtedbg.report import Document

        times = [[one.time_s for one in group.members] for group in shown]
        reports = _reports(shown, arguments)
        title = ", ".join(arguments.places)
        page = private(arguments, render_triage(title, report, times, reports, __version__))
        report = report.noting(write(Document(arguments.html, page)))
    if arguments.junit:
        from mtedbg.commands._documents import write
        from mtedbg.render.checks import render_junit
        from mtedbg.report import Document

        page = private(arguments, render_junit(report))
        report = report.noting(write(Document(arguments.junit, page)))
    if arguments.annotations:
        from mtedbg.render.checks import render_annotations

        sys.stdout.write(render_annotations(report))
        return
    if arguments.csv or arguments.markdown:
        from mtedbg.render.tables import render_csv, render_markdown

        sys.stdout.write((render_csv if arguments.csv else render_markdown)(report))
        return
    show(report, arguments)


def _reports(shown: Sequence[Group], arguments: argparse.Namespace) -> dict[str, list[Part]]:
    """What the post-mortem says of the exemplars of the most frequent groups, by their paths."""
    from mtedbg.adapters.core.kept import Kept
    from mtedbg.adapters.dead import open_dead
    from mtedbg.adapters.limits import limited_memory, watched
    from mtedbg.budget import Budget
    from mtedbg.reports.postmortem import parts
    from mtedbg.reports.section import Medium
    from mtedbg.session import Session

    kept, found = Kept(), {}
    until = time.monotonic() + _REPORTS_S
    groups = [one for one in shown if one.signature is not None]
    for group in groups[:_MOST_REPORTS]:
        path = group.exemplar.path
        if time.monotonic() > until:
            break
        budget = Budget()
        try:
            with limited_memory(), watched(budget):
                target = open_dead(
                    path,
                    sysroot=arguments.sysroot,
                    files=not arguments.core_only,
                    kept=kept,
                    budget=budget,
                )
                found[path] = list(parts(Session(target, budget=budget), Medium.PAGE))
        except Exception:  # noqa: S112 - it may be gone, or hostile: the page says there is none
            continue
    return found


def _counted(files: int, of_one: str, of_many: str) -> str:
    return f"1 file {of_one}" if files == 1 else f"{files} files {of_many}"


def _time(word: str) -> float:
    """Seconds since 1970 of what `--since` says; before all where it says nothing.

    Raises:
        UsageError: it is no time.
    """
    if not word:
        return -math.inf
    unit = _UNITS.get(word[-1:])
    if unit is not None and word[:-1].isdecimal():
        return time.time() - int(word[:-1]) * unit
    try:
        when = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(
            f"--since {word}: not a time", 'write 90m, 12h, 7d or "2026-11-29 08:00"'
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def run(arguments: argparse.Namespace) -> int:
    """Reads, groups and prints; the exit status."""
    from mtedbg.analysis.postmortem.groups import groups, since
    from mtedbg.model.words import counted
    from mtedbg.reports.triage import is_new, report
    from mtedbg.triage.files import find
    from mtedbg.triage.known import known_signatures
    from mtedbg.triage.state import usual_path

    if arguments.workers < 1:
        raise UsageError("--workers must be at least 1", "the default is the number of CPUs")
    begin = _time(arguments.since)
    known = known_signatures(arguments.known) if arguments.known else None
    found = find(arguments.places)
    if arguments.redactor is not None:
        arguments.redactor.know(found.paths)
    place = Path(arguments.state) if arguments.state else usual_path(arguments.places)
    reads: dict[str, Read] = {}
    notes = list(found.unreadable)
    stopped = _read(arguments, found.paths, reads, place, notes)
    if found.skipped:
        notes.append(_counted(found.skipped, "in these folders is not a core: left out",
                              "in these folders are not cores: left out"))  # fmt: skip
    if stopped is not None:
        unread = _counted(len(found.paths) - len(reads), "is not read yet", "are not read yet")
        notes.append(f"stopped: {unread}; run the same command again to continue")
    everything = groups(reads.values())
    recent = since(everything, begin)
    made = [one for one in recent if len(one.members) >= arguments.min_count]
    if older := sum(len(one.members) for one in everything) - sum(len(o.members) for o in recent):
        notes.append(_counted(older, f"is older than {arguments.since}: left out",
                              f"are older than {arguments.since}: left out"))  # fmt: skip
    if rarer := len(recent) - len(made):
        notes.append(f"{counted(rarer, 'group')} of fewer than {arguments.min_count}: left out")
    _write(report(made, notes, known, members=arguments.members), made, arguments)
    if isinstance(stopped, MtedbgError):
        sys.stdout.flush()
        raise stopped
    if stopped is not None:
        return EXIT_INTERRUPTED
    if known is not None and any(is_new(one, known) for one in recent):
        return EXIT_NEW
    return EXIT_UNREADABLE if found.unreadable else 0
