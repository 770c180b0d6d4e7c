"""`mtedbg demo`: the main job, start to end, with the programs that come with mtedbg."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mtedbg.system import needs_unix

HELP = "show a tour: a tag check fault, its patch, a crash and its post-mortem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`."""
    parser.add_argument("--gdb", metavar="PATH", help="path of the GDB to use")


def run(arguments: argparse.Namespace) -> int:
    """Tells the story."""
    needs_unix("the demo")
    from mtedbg.shell.demo import demo
    from mtedbg.shell.story import Story
    from mtedbg.shell.which_gdb import which_gdb

    gdb = which_gdb(arguments.gdb)
    with tempfile.TemporaryDirectory(prefix="mtedbg-demo-") as folder:
        demo(Story(), gdb, Path(folder))
    return 0
