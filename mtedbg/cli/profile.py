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
    from mtedbg.model.guest import GuestImage
    from mtedbg.model.profile import Profile

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
    action.add_argument(
        "--memops", action="store_true", help="list the memops with the most faults"
    )
    action.add_argument(
        "-n",
        type=int,
        default=_SHOWN,
        metavar="N",
        help=f"maximum number of memops (default: {_SHOWN})",
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
    action.add_argument(
        "--guest", metavar="PROGRAM", action="append", default=[],
        help="executable of the guest program, for --fex; may be repeated",
    )  # fmt: skip


_OWN = {"show": _show_arguments, "merge": _merge_arguments}


def _profiles(paths: list[str]) -> list[Named]:
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats.profile import MOST_BYTES, read_profile

    found = []
    for path in paths:
        found.append((path, read_profile(open_file(path)[: MOST_BYTES + 1], path)))
    return found


def _images(paths: list[str]) -> list[GuestImage]:
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats.guest_elf import guest_image

    return [guest_image(open_file(path), path) for path in paths]


def _write(profile: Profile, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Makes all requested documents, then writes them; returns the notes."""
    from mtedbg.analysis.memops.fex import fex_text
    from mtedbg.commands._documents import write
    from mtedbg.formats.profile import profile_text
    from mtedbg.report import Document

    text = profile_text(profile)
    notes: tuple[str, ...] = ()
    documents = []
    if arguments.fex:
        metadata, notes = fex_text(profile, _images(arguments.guest))
        documents.append(Document(arguments.fex, metadata))
    if arguments.out:
        documents.append(Document(arguments.out, text))
    written = tuple(map(write, documents))
    if not documents:
        sys.stdout.write(text)
    return (*notes, *written)


def run(arguments: argparse.Namespace) -> int:
    """Shows or merges; the exit status."""
    from mtedbg.analysis.memops.profiles import merge

    if arguments.action == "merge" and arguments.guest and not arguments.fex:
        raise UsageError("--guest needs --fex", "name the output file: --fex OUT")
    if arguments.action == "show" and arguments.n < 1:
        raise UsageError("-n must be at least 1", f"the default is {_SHOWN}")
    profile, notes = merge(_profiles(arguments.profiles))
    if arguments.action == "show":
        from mtedbg.reports import profiles

        shown = (
            profiles.memops(profile, arguments.n, notes)
            if arguments.memops
            else profiles.programs(profile, notes)
        )
        show(shown, arguments)
        return 0
    from mtedbg.render import clean

    for note in (*notes, *_write(profile, arguments)):
        print(f"mtedbg: note: {clean(note)}", file=sys.stderr)
    return 0
