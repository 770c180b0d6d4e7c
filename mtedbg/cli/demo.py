"""`mtedbg demo`: the main job, start to end, with the programs that come with mtedbg."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

HELP = "show a tour: a tag check fault, its patch, a crash and its post-mortem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this subcommand's arguments to `parser`: it has none."""


def run(_arguments: argparse.Namespace) -> int:
    """Tells the story."""
    from mtedbg.shell.demo import demo
    from mtedbg.shell.story import Story

    with tempfile.TemporaryDirectory(prefix="mtedbg-demo-") as folder:
        demo(Story(), Path(folder))
    return 0
