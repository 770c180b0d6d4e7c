"""Writes the manual pages and the completions, from the parsers that the program itself has.

Usage: make_manual.py MAN COMPLETIONS (two folders)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from argparse_manpage.manpage import Manpage

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout, not another's

from mtedbg import __version__
from mtedbg.cli import whole_parser
from mtedbg.cli.completion import code

FILES = {"bash": "mtedbg.bash", "zsh": "_mtedbg", "fish": "mtedbg.fish"}
"""Names that the shells look for."""


def pages() -> dict[str, str]:
    """The manual page of the program and of each subcommand, by name."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    day = time.strftime("%Y-%m-%d", time.gmtime(epoch))
    os.environ["COLUMNS"] = "80"  # usage lines are wrapped, whatever terminal this is
    parser = whole_parser()
    (subparsers,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    found = {"mtedbg": parser}
    found |= {f"mtedbg-{name}": each for name, each in subparsers.choices.items()}
    made = {}
    for name, each in found.items():
        page = Manpage(each, format="single-commands-section")
        page.prog, page.date, page.manual = name, day, "mtedbg"
        page.description = each.description
        page.source = f"mtedbg {__version__}"
        made[name] = str(page)
    return made


def main() -> int:
    """Writes all of them."""
    man, completions = map(Path, sys.argv[1:])
    man.mkdir(parents=True, exist_ok=True)
    completions.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (man / f"{name}.1").write_text(text, encoding="utf-8")
    for shell, name in FILES.items():
        (completions / name).write_text(code(whole_parser(), shell), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
