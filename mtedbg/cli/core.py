"""`mtedbg core`: a core file without any debugger: single commands, or the whole post-mortem."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from os.path import split
from typing import TYPE_CHECKING

from mtedbg.budget import MOST_FACTOR, USUAL, Budget
from mtedbg.cli._debuginfod import add_argument, client
from mtedbg.cli._redact import add_argument as add_redact
from mtedbg.cli._redact import private
from mtedbg.cli._terminal import add_color, wants_color, width
from mtedbg.errors import MtedbgError, UsageError, too_much_memory

if TYPE_CHECKING:
    from mtedbg.adapters.dead import DeadTarget
    from mtedbg.commands._line import Continuations
    from mtedbg.report import Part, Report
    from mtedbg.session import GivenFile, GivenFiles, Session

Remarks = tuple[str, ...]
HELP = "show a post-mortem of a core file, or run commands on it, without a debugger"
EXIT_ERROR, EXIT_USAGE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg core` takes."""
    parser.add_argument(
        "core",
        metavar="CORE",
        help="core file of an AArch64 Linux program, minidump, tombstone or crash text; a pipe, "
        "or - for standard input",
    )
    parser.add_argument("--exe", default="", help="its program; used only if its build id matches")
    parser.add_argument(
        "--sysroot",
        default="",
        metavar="DIR",
        help="find its program and libraries under DIR (default: this machine's, by build id)",
    )
    parser.add_argument(
        "--perf-map", default="", metavar="FILE",
        help="what a JIT of it wrote for perf of its code: /tmp/perf-PID.map",
    )  # fmt: skip
    parser.add_argument(
        "--jitdump", default="", metavar="FILE",
        help="likewise jit-PID.dump, which also has lines of source",
    )  # fmt: skip
    parser.add_argument(
        "-x",
        dest="commands",
        metavar="CMD",
        action="append",
        default=[],
        help="run command CMD, for example 'mte-tags $x0 64' or 'help mte-tags'; may be repeated"
        " (default: the post-mortem)",
    )
    add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--html", metavar="OUT", help="write the post-mortem to OUT as one HTML file"
    )
    parser.add_argument(
        "--budget", type=float, default=1.0, metavar="N",
        help="let the report read, compute and keep N times as much as usual (default: 1)",
    )  # fmt: skip
    add_redact(parser)
    add_color(parser)


class _Output:
    """Where answers go: text at once, JSON when all are there; errors to standard error.

    Attributes:
        color: whether text may be in colour.
        width: columns that there are; 0 where that does not matter.
    """

    def __init__(self, *, as_json: bool, color: bool, width: int) -> None:
        self._json = as_json
        self.color, self.width = color, width
        self._reports: list[Report] = []
        self.status = 0

    def heading(self, text: str) -> None:
        if not self._json:
            from mtedbg.render import clean

            plain = "\n".join(map(clean, text.split("\n")))
            print(f"\x1b[1m{plain}\x1b[0m" if self.color else plain)

    def answer(self, report: Report) -> None:
        if self._json:
            self._reports.append(report)
            return
        from mtedbg.render.text import render_text

        sys.stdout.write(render_text(report, color=self.color, width=self.width))

    def error(self, error: MtedbgError) -> None:
        from mtedbg.cli import complain

        sys.stdout.flush()
        complain(error)
        status = EXIT_USAGE if isinstance(error, UsageError) else EXIT_ERROR
        self.status = max(self.status, status)

    def finish(self, remarks: tuple[str, ...], *, several: bool) -> None:
        """Prints the JSON, and what is wrong with the core on standard error."""
        if not self._json:
            from mtedbg.render import clean

            sys.stdout.flush()
            for remark in remarks:
                print(f"mtedbg: note: {clean(remark)}", file=sys.stderr)
            return
        from mtedbg.render.json import json_text, render_json_all, to_object

        objects = [to_object(report.noting(*remarks)) for report in self._reports]
        if several:
            sys.stdout.write(render_json_all(objects))
        elif objects:
            sys.stdout.write(json_text(objects[0]))


def _run_commands(
    session: Session, budget: Budget, lines: list[str], output: _Output, *, as_json: bool
) -> None:
    from mtedbg.adapters.limits import watched
    from mtedbg.commands._offline import answer_line, print_line

    continuations: Continuations = {}
    for line in lines:
        if len(lines) > 1:
            output.heading(f"(mtedbg) {line}")
        budget.renew()
        text, report = "", None
        try:
            with watched(budget):
                if as_json:
                    report = answer_line(session, line, continuations, as_json=True)
                else:
                    text = print_line(
                        session, line, continuations, color=output.color, width=output.width
                    )
        except MtedbgError as error:
            output.error(error)
        except MemoryError:
            output.error(too_much_memory())
        sys.stdout.write(text)
        if report is not None:
            output.answer(report)


def _watched(budget: Budget, parts: Iterator[Part]) -> Iterator[Part]:
    """The parts, each made within what is left of the budget."""
    from mtedbg.adapters.limits import watched

    while True:
        with watched(budget):
            part = next(parts, None)
        if part is None:
            return
        yield part


def _post_mortem(session: Session, budget: Budget, output: _Output, *, as_json: bool) -> None:
    from mtedbg.dataclass import replace
    from mtedbg.reports.postmortem import parts
    from mtedbg.reports.section import Medium

    medium = Medium.JSON if as_json else Medium.TERMINAL
    for number, part in enumerate(_watched(budget, parts(session, medium))):
        report = part.report
        if number == 0 and report is not None and report.headline and not as_json:
            output.heading(report.headline)
            report = replace(report, answer=replace(report.answer, headline=""))
        if number:
            output.heading(f"\n{part.title}  ({part.line})" if part.line else f"\n{part.title}")
        if report is not None:
            output.answer(report)
        elif part.error is not None:
            output.error(part.error)


def _write_html(
    session: Session,
    budget: Budget,
    arguments: argparse.Namespace,
    remarks: Callable[[], Remarks],
) -> str:
    """Writes the whole post-mortem as HTML; the line that says so."""
    from mtedbg import __version__
    from mtedbg.commands._documents import write
    from mtedbg.render.html import render_html
    from mtedbg.report import Answer, Document, Part, Report
    from mtedbg.reports.postmortem import parts
    from mtedbg.reports.section import Medium

    budget.renew()
    found = list(_watched(budget, parts(session, Medium.PAGE)))
    if said := remarks():
        found.append(
            Part("Remarks", report=Report("remarks", session.info, answer=Answer(notes=said)))
        )
    page = private(arguments, render_html(split(arguments.core)[1], found, __version__))
    return write(Document(arguments.html, page))


def _open(arguments: argparse.Namespace, path: str, budget: Budget) -> DeadTarget:
    from mtedbg.adapters.dead import open_dead
    from mtedbg.adapters.limits import watched

    found = client(arguments.debuginfod)
    with watched(budget):
        return open_dead(path, arguments.exe, arguments.sysroot, debuginfod=found, budget=budget)


def _files_of(session: Session) -> Iterator[str]:
    from mtedbg.model.absent import Absent

    yield session.info.executable
    regions = session.target.regions()
    if not isinstance(regions, Absent):
        yield from {region.name for region in regions}


def run(arguments: argparse.Namespace) -> int:
    """Answers from the core file; the exit status."""
    from mtedbg.adapters.limits import limited_memory
    from mtedbg.adapters.spooled import spooled

    if not 0 < arguments.budget <= MOST_FACTOR:
        raise UsageError(f"--budget is above 0 and at most {MOST_FACTOR}", "the default is 1")
    with limited_memory(arguments.budget), spooled(arguments.core) as path:
        return _answer(arguments, path, Budget(USUAL.scaled(arguments.budget)))


def _given(arguments: argparse.Namespace) -> GivenFiles:
    """The files of JITs that were given beside the core."""
    from mtedbg.formats import jitdump, perf_map
    from mtedbg.session import GivenFiles

    return GivenFiles(
        _read(arguments.perf_map, perf_map.MAX_BYTES), _read(arguments.jitdump, jitdump.MAX_BYTES)
    )


def _read(path: str, most: int) -> GivenFile | None:
    from mtedbg.session import GivenFile

    if not path:
        return None
    from pathlib import Path

    try:
        if Path(path).stat().st_size > most:
            raise UsageError(f"{path} has more than {most >> 20} MiB", "no JIT writes that much")
        return GivenFile(path, Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a file that can be read") from None


def _answer(arguments: argparse.Namespace, path: str, budget: Budget) -> int:
    from mtedbg.session import Session

    target = _open(arguments, path, budget)
    as_json: bool = arguments.json
    output = _Output(as_json=as_json, color=wants_color(arguments), width=width())
    session = Session(target, budget=budget, given_files=_given(arguments))
    if arguments.redactor is not None:
        arguments.redactor.know(_files_of(session))
    if arguments.commands:
        _run_commands(session, budget, arguments.commands, output, as_json=as_json)
    elif arguments.html is None or as_json:
        _post_mortem(session, budget, output, as_json=as_json)
    if arguments.html is not None:
        said = _write_html(session, budget, arguments, lambda: target.remarks)
        from mtedbg.render import clean

        print(clean(said), file=sys.stderr if as_json else sys.stdout)
    output.finish(target.remarks, several=len(arguments.commands) != 1)
    return output.status
