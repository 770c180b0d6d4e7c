"""`mtedbg explain`: what a line about a crash means, from a log, a tombstone or a debugger."""

from __future__ import annotations

import argparse
import sys

from mtedbg.cli import show
from mtedbg.errors import UsageError

HELP = "explain a crash text: a line from logcat, a tombstone, dmesg or strace"
_MOST_BYTES = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg explain` takes."""
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="*",
        help="for example 'signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr 0x…'; without"
        " TEXT, or if it is -, standard input is read",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours on a terminal")


def _text(words: list[str]) -> str:
    if words and words != ["-"]:
        return " ".join(words)
    if sys.stdin.isatty() and not words:
        raise UsageError(
            "there is nothing to explain", "give the text, or pipe a file to standard input"
        )
    return sys.stdin.buffer.read(_MOST_BYTES).decode("utf-8", "replace")


def run(arguments: argparse.Namespace) -> int:
    """Explains; the exit status."""
    from mtedbg.analysis.postmortem.crash_text import explain
    from mtedbg.reports.crash_text import report

    text = "\n".join(_plain(line) for line in _text(arguments.text).splitlines())
    show(report(explain(text)), arguments)
    return 0


def _plain(line: str) -> str:
    """`line` with a space for each unprintable character: tabs, escapes, directions."""
    return "".join(one if one.isprintable() else " " for one in line)
