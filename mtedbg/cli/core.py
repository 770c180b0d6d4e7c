"""`mtedbg core`: a core file without any debugger: single commands, or the whole post-mortem."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.errors import MtedbgError, UsageError

if TYPE_CHECKING:
    from mtedbg.adapters.dead import DeadTarget
    from mtedbg.report import Report
    from mtedbg.session import Session

HELP = "look into a core file, without any debugger"
EXIT_ERROR, EXIT_USAGE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg core` takes."""
    parser.add_argument("core", metavar="CORE", help="core file of an AArch64 Linux program")
    parser.add_argument("--exe", default="", help="its program; used if it is the same one")
    parser.add_argument(
        "--sysroot", default="/", metavar="DIR", help="look for its program and libraries below DIR"
    )
    parser.add_argument(
        "-x",
        dest="commands",
        metavar="CMD",
        action="append",
        default=[],
        help="run CMD, as 'mte-tags $x0 64' (again for more); without: the post-mortem",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours on a terminal")


class _Output:
    """Where answers go: text at once, JSON when all are there; errors to standard error."""

    def __init__(self, *, as_json: bool, color: bool) -> None:
        self._json = as_json
        self._color = color
        self._reports: list[Report] = []
        self.status = 0

    def heading(self, text: str) -> None:
        if not self._json:
            print(f"\x1b[1m{text}\x1b[0m" if self._color else text)

    def answer(self, report: Report) -> None:
        if self._json:
            self._reports.append(report)
            return
        from mtedbg.render.text import render_text

        sys.stdout.write(render_text(report, color=self._color))

    def error(self, error: MtedbgError) -> None:
        from mtedbg.cli import complain

        sys.stdout.flush()
        complain(error)
        status = EXIT_USAGE if isinstance(error, UsageError) else EXIT_ERROR
        self.status = max(self.status, status)

    def finish(self, remarks: tuple[str, ...], *, several: bool) -> None:
        """Prints the JSON, and what is wrong with the core beside it."""
        if not self._json:
            from mtedbg.render import clean

            sys.stdout.flush()
            for remark in remarks:
                print(f"mtedbg: note: {clean(remark)}", file=sys.stderr)
            return
        from mtedbg.render.json import render_json_all, to_object

        objects = [to_object(report.noting(*remarks)) for report in self._reports]
        if several:
            sys.stdout.write(render_json_all(objects))
        elif objects:
            import json

            sys.stdout.write(json.dumps(objects[0], indent=1) + "\n")


def _answer(session: Session, line: str, *, as_json: bool) -> Report:
    """Runs one command line."""
    from mtedbg.commands import find, names
    from mtedbg.commands._line import parse, report

    name, _, rest = line.strip().partition(" ")
    command = find(name)
    if command is None:
        raise UsageError(f"there is no command {name!r}", f"commands: {', '.join(names())}")
    return report(session, command, parse(session, command, rest + (" --json" * as_json)))


def _run_commands(session: Session, lines: list[str], output: _Output, *, as_json: bool) -> None:
    for line in lines:
        if len(lines) > 1:
            output.heading(f"(mtedbg) {line}")
        try:
            output.answer(_answer(session, line, as_json=as_json))
        except MtedbgError as error:
            output.error(error)


def _parts(session: Session, *, as_json: bool) -> Iterator[tuple[str, Report | MtedbgError]]:
    """Title and answer of each section of the post-mortem."""
    from mtedbg.query.postmortem import sections

    for section in sections(session, whole=as_json):
        title = f"{section.title}  ({section.line})" if section.line else section.title
        try:
            if section.ask is not None:
                yield title, section.ask(session)
            else:
                yield title, _answer(session, section.line, as_json=as_json)
        except MtedbgError as error:
            yield title, error


def _post_mortem(session: Session, output: _Output, *, as_json: bool) -> None:
    from dataclasses import replace

    for number, (title, part) in enumerate(_parts(session, as_json=as_json)):
        if number == 0 and not isinstance(part, MtedbgError) and part.headline and not as_json:
            output.heading(part.headline)
            part = replace(part, headline="")
        if number:
            output.heading(f"\n{title}")
        if isinstance(part, MtedbgError):
            output.error(part)
        else:
            output.answer(part)


def _open(arguments: argparse.Namespace) -> DeadTarget:
    from mtedbg.adapters.dead import open_dead

    return open_dead(arguments.core, arguments.exe, arguments.sysroot)


def run(arguments: argparse.Namespace) -> int:
    """Answers from the core file; the exit status."""
    from mtedbg.session import Session

    target = _open(arguments)
    as_json: bool = arguments.json
    color = sys.stdout.isatty() and not arguments.no_color and "NO_COLOR" not in os.environ
    output = _Output(as_json=as_json, color=color)
    session = Session(target)
    if arguments.commands:
        _run_commands(session, arguments.commands, output, as_json=as_json)
    else:
        _post_mortem(session, output, as_json=as_json)
    output.finish(target.remarks, several=len(arguments.commands) != 1)
    return output.status
