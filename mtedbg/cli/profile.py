"""`mtedbg profile`: shows, merges and exports the history of a program's memops."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mtedbg.cli import show
from mtedbg.cli._terminal import add_color
from mtedbg.errors import UsageError

if TYPE_CHECKING:
    from mtedbg.analysis.memops.profiles import Named
    from mtedbg.cli._guest_files import Modules
    from mtedbg.model.profile import Profile
    from mtedbg.report import Report

HELP = "show and merge memop profiles; export them to FEX-Emu"
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg profile` takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, meaning in (
        ("show", "show what profiles contain"),
        ("merge", "merge profiles: counts are added; a memop that is shared in one is shared"),
    ):
        action = actions.add_parser(name, help=meaning, description=meaning)
        action.add_argument(
            "profiles", metavar="PROFILE", nargs="+",
            help="written by `memops --export` or `mtetso --profile-out`",
        )  # fmt: skip
        _OWN[name](action)


def _show_arguments(action: argparse.ArgumentParser) -> None:
    rows = action.add_mutually_exclusive_group()
    rows.add_argument(
        "--functions", action="store_true",
        help="list the functions that need order, by executions, of files that are where they were "
        "when they ran; with --guest or --sysroot that is what is shown",
    )  # fmt: skip
    rows.add_argument("--memops", action="store_true", help="list the memops with the most faults")
    action.add_argument(
        "-n",
        type=int,
        default=_SHOWN,
        metavar="N",
        help=f"maximum number of functions or memops (default: {_SHOWN})",
    )
    _modules_arguments(action, "functions and lines")
    action.add_argument(
        "--html", metavar="OUT", help="also write a page with a picture by module to OUT"
    )
    action.add_argument("--json", action="store_true", help="print JSON")
    add_color(action)


def _merge_arguments(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "-o",
        dest="out",
        metavar="OUT",
        help="write the profile to OUT (default: standard output, unless --fex is given)",
    )
    action.add_argument(
        "--fex", metavar="OUT",
        help="also write FEX-Emu's extended volatile metadata: which instructions need TSO",
    )  # fmt: skip
    _modules_arguments(action, "--fex")


def _modules_arguments(action: argparse.ArgumentParser, purpose: str) -> None:
    action.add_argument(
        "--guest", metavar="PROGRAM", action="append", default=[],
        help=f"a file of the guest program or its libraries, for {purpose}; may be repeated",
    )  # fmt: skip
    action.add_argument(
        "--sysroot", metavar="DIR",
        help=f"a root file system that has the guest's files, for {purpose}",
    )  # fmt: skip


_OWN = {"show": _show_arguments, "merge": _merge_arguments}


def _profiles(paths: list[str]) -> list[Named]:
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats.profile import MOST_BYTES, read_profile

    found = []
    for path in paths:
        found.append((path, read_profile(open_file(path)[: MOST_BYTES + 1], path)))
    return found


def _write(profile: Profile, arguments: argparse.Namespace, modules: Modules) -> tuple[str, ...]:
    """Makes all requested documents, then writes them; returns the notes."""
    from mtedbg.analysis.memops.fex import fex_text
    from mtedbg.commands._documents import write
    from mtedbg.formats.profile import profile_text
    from mtedbg.report import Document

    text = profile_text(profile)
    notes: tuple[str, ...] = ()
    documents = []
    if arguments.fex:
        found = [at[1] for one in profile.programs if (at := modules.find(one)) is not None]
        metadata, notes = fex_text(profile, found)
        names = {module.split(";")[0] for module in metadata.strip().split(":")}
        told = [one for one in profile.programs if one.name in names]
        notes += tuple(map(_not_looked_at, modules.not_executable(told)))
        documents.append(Document(arguments.fex, metadata))
    if arguments.out:
        documents.append(Document(arguments.out, text))
    written = tuple(map(write, documents))
    if not documents:
        sys.stdout.write(text)
    return (*notes, *written)


def _not_looked_at(name: str) -> str:
    return f"{name}: FEX looks only at files that their owners may execute: chmod u+x"


def _reports(
    profile: Profile, arguments: argparse.Namespace, modules: Modules
) -> tuple[Report, Report | None]:
    """The modules, and the functions or memops if these were asked for."""
    from mtedbg.analysis.memops.need import by_function
    from mtedbg.model.absent import Absent
    from mtedbg.reports import profiles

    if arguments.memops:
        notes = modules.missing(profile.programs) if modules else ()
        detail = profiles.memops(profile, arguments.n, notes, modules.names)
        return profiles.programs(profile), detail
    found = by_function(profile, modules.names)
    overview = profiles.programs(profile, profiles.where(profile, found))
    if not (arguments.functions or modules):
        return overview, None
    nameless = {
        one.program for one in found if one.tally.ordered and isinstance(one.function, Absent)
    }
    notes = modules.missing(profile.programs)
    notes += modules.stripped(one for one in profile.programs if one.name in nameless)
    return overview, profiles.functions(profile, found, arguments.n, notes)


def _page(profile: Profile, overview: Report, detail: Report | None, path: str) -> str:
    """Writes the page; the line that says so."""
    from mtedbg import __version__
    from mtedbg.commands._documents import write
    from mtedbg.render.html import render_html
    from mtedbg.report import Document, Part
    from mtedbg.reports import profiles

    parts = [Part("Modules", report=overview, figure=profiles.order_map(profile))]
    if detail is not None:
        parts.append(Part("Where", report=detail))
    return write(Document(path, render_html("profile", parts, __version__)))


def run(arguments: argparse.Namespace) -> int:
    """Shows or merges; the exit status."""
    from mtedbg.analysis.memops.profiles import merge
    from mtedbg.cli._guest_files import Modules

    if arguments.action == "merge" and not arguments.fex and (arguments.guest or arguments.sysroot):
        raise UsageError("--guest and --sysroot need --fex", "name the output file: --fex OUT")
    if arguments.action == "show" and arguments.n < 1:
        raise UsageError("-n must be at least 1", f"the default is {_SHOWN}")
    profile, notes = merge(_profiles(arguments.profiles))
    modules = Modules(arguments.guest, arguments.sysroot)
    if arguments.action == "show":
        overview, detail = _reports(profile, arguments, modules)
        overview = overview.noting(*notes)
        shown = overview if detail is None else detail.noting(*notes)
        if arguments.html:
            shown = shown.noting(_page(profile, overview, detail, arguments.html))
        show(shown, arguments)
        return 0
    from mtedbg.render import clean

    for note in (*notes, *_write(profile, arguments, modules)):
        print(f"mtedbg: note: {clean(note)}", file=sys.stderr)
    return 0
