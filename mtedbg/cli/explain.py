"""`mtedbg explain`: what texts about crashes mean: logs, tombstones, trackers' lines, reports."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mtedbg.cli import show
from mtedbg.cli._redact import add_argument
from mtedbg.cli._terminal import add_color
from mtedbg.errors import FileFormatError, MtedbgError, UsageError

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.crash_text import ExplainedCrash

HELP = "explain crash texts: logs, tombstones, kernel reports, lines of trackers"
MOST_CRASHES = 10_000
"""Rows; of more, the number is said."""
_LONGEST_NAME = 4096
_NAME = re.compile(r"[\w@%+:.,~/-]*(?:/[\w@%+:.,~/-]*|\w\.[A-Za-z]\w{0,9})")
"""A word with a folder, or with a suffix."""
_SIGNALS = re.compile(r"[A-Z0-9_]+(?:/[A-Z0-9_]+)+")
"""A signal and its code, as some trackers write them."""
_FILE_OR_TEXT = "give the path of a file, or a text: signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), …"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg explain` takes."""
    parser.add_argument(
        "text",
        metavar="TEXT|FILE",
        nargs="*",
        help="files, or a text, for example 'signal 11 (SIGSEGV), code 9 (SEGV_MTESERR), fault addr"
        " 0x…'; without any, or if it is -, standard input is read",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_argument(parser)
    add_color(parser)


def _are_files(words: list[str]) -> bool:
    """Whether the words name files, and are no text themselves."""
    found = [len(word) < _LONGEST_NAME and "\n" not in word and _is_file(word) for word in words]
    if any(found) and not all(found):
        missing = words[found.index(False)]
        raise UsageError(f"{missing}: no such file", "give files only, or a text only")
    return all(found)


def _check_names(words: list[str]) -> None:
    """Stops where words that are no files were meant as files.

    Raises:
        UsageError: a word is a folder, or all look like names of files: they are no text, whatever
            stands in a name.
    """
    for word in words:
        if len(word) < _LONGEST_NAME and os.path.isdir(word):  # noqa: PTH112 - takes any text
            raise UsageError(f"{word} is a folder", f"mtedbg triage {word} reads what is in it")
        if len(word) < _LONGEST_NAME and os.path.lexists(word):
            raise UsageError(f"{word} is neither a file nor a pipe", _FILE_OR_TEXT)
    if all(_NAME.fullmatch(word) and not _SIGNALS.fullmatch(word) for word in words):
        raise UsageError(f"{words[0]}: no such file", _FILE_OR_TEXT)


def _nothing_said(words: list[str]) -> MtedbgError:
    """What to say of words without a crash: a single one may have been meant as a file too."""
    if len(words) == 1 and len(words[0].split()) == 1 and len(words[0]) < _LONGEST_NAME:
        what = f"{words[0]} is no file, and as a text it does not say why a process crashed"
        return UsageError(what, _FILE_OR_TEXT)
    from mtedbg.analysis.postmortem.crash_text import nothing_said

    return nothing_said()


def _is_file(word: str) -> bool:
    """Whether a word names a file or a pipe: a shell's `<(command)` is one."""
    try:
        return Path(word).is_file() or Path(word).is_fifo()
    except (OSError, ValueError):
        return False


class _Found:
    """The crashes, and how many more there were."""

    def __init__(self) -> None:
        self.crashes: list[ExplainedCrash] = []
        self.files: list[str] = []
        self.more = 0

    def add(self, crash: ExplainedCrash, file: str) -> None:
        if len(self.crashes) < MOST_CRASHES:
            self.crashes.append(crash)
            self.files.append(file)
        else:
            self.more += 1


def _of_files(words: list[str], found: _Found) -> list[str]:
    """Reads files; what is to be said of those without a crash."""
    said: list[str] = []
    for path in words:
        before = len(found.crashes) + found.more
        where = path if len(words) > 1 else ""
        if Path(path).is_fifo():  # which can be read once
            with Path(path).open("rb") as pipe:
                _of_stream(pipe, found, where)
        else:
            said += _of_file(path, where, found)
        if len(found.crashes) + found.more == before:
            said.append(f"{path} {_no_crash(path)}")
    return said


def _no_crash(path: str) -> str:
    """What is to be said of a file, or a pipe that was read, without a crash."""
    from mtedbg.formats.profile import says_profile

    if Path(path).is_file():
        with Path(path).open("rb") as file:
            if says_profile(file.read(64)):
                return f"is a profile: mtedbg profile show {shlex.quote(path)}"
    return "does not say why a process crashed"


def _of_file(path: str, where: str, found: _Found) -> Iterator[str]:
    from mtedbg.adapters.crash_files import crashes_in
    from mtedbg.analysis.postmortem.crash_text import explained
    from mtedbg.triage.progress import bytes_read

    with bytes_read(Path(path).stat().st_size) as advance:
        for name, text in crashes_in(path, advance):
            if text is None:
                yield f"{name} is a core file: mtedbg core {name}"
                continue
            inside = name != path and not name.removeprefix(f"{path}:").isdigit()
            for crash in explained((text,)):
                found.add(crash, name if inside else where)


def _of_stream(stream: BinaryIO, found: _Found, name: str = "") -> None:
    from mtedbg.adapters.crash_texts import crashes_in_stream
    from mtedbg.analysis.postmortem.crash_text import explained

    for crash in explained(crashes_in_stream(stream)):
        found.add(crash, name)


def run(arguments: argparse.Namespace) -> int:
    """Explains; the exit status."""
    from mtedbg.analysis.postmortem.crash_text import explained, nothing_said
    from mtedbg.formats.texts import read
    from mtedbg.reports.crash_text import report

    words: list[str] = arguments.text
    found, said = _Found(), []
    if not words or words == ["-"]:
        if sys.stdin.isatty() and not words:
            raise UsageError(
                "there is nothing to explain", "give a file or a text, or pipe one to it"
            )
        _of_stream(sys.stdin.buffer, found)
    elif _are_files(words):
        said = _of_files(words, found)
    else:
        _check_names(words)
        for crash in explained(read(" ".join(words))):
            found.add(crash, "")
        if not found.crashes:
            raise _nothing_said(words)
    if not found.crashes:
        if said:
            raise FileFormatError(said[0], "mtedbg core reads core files; explain reads text")
        raise nothing_said()
    if found.more:
        said.append(f"{found.more} more crashes are left out: their number is all that is said")
    show(report(found.crashes, found.files, said), arguments)
    return 0
