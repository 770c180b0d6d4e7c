"""What standard output can show: colours, and how many columns.

Sources: no-color.org (NO_COLOR, where it is not empty); bixense.com/clicolors (CLICOLOR_FORCE,
unless 0); terminfo (TERM=dumb).
"""

from __future__ import annotations

import argparse
import os
import sys

from mtedbg.system import refuses_color

WHEN = ("auto", "always", "never")


def add_color(parser: argparse.ArgumentParser) -> None:
    """Adds the options for colours to a subcommand's parser."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--color",
        choices=WHEN,
        default=WHEN[0],
        help="colours: on a terminal (auto, unless NO_COLOR is set), or always, for less -R",
    )
    group.add_argument(
        "--no-color", dest="color", action="store_const", const="never", help="no colours"
    )


def wants_color(arguments: argparse.Namespace) -> bool:
    """Whether to use colours."""
    if arguments.color != WHEN[0]:
        return bool(arguments.color == "always")
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return sys.stdout.isatty() and not refuses_color()


def width() -> int:
    """Columns of the terminal; 0 where standard output is none, and lines may be of any length."""
    if not sys.stdout.isatty():
        return 0
    from shutil import get_terminal_size

    return get_terminal_size().columns
