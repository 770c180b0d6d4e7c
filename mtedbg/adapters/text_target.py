"""Texts about crashes as targets: a tombstone for people, and what any writer says of one crash."""

from __future__ import annotations

import shlex
from itertools import islice

from mtedbg.adapters.crash_texts import crashes_in_file
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.tombstone.target import MOST_BYTES, TombstoneTarget
from mtedbg.adapters.unpacked import unpack
from mtedbg.errors import FileFormatError
from mtedbg.formats.packed import packed_with
from mtedbg.formats.profile import says_profile
from mtedbg.formats.texts.as_tombstone import as_tombstone
from mtedbg.formats.tombstone_text import from_text
from mtedbg.model.crash_text import CrashText

_ANDROID = "Android"


def open_text(path: str, line: int = 0) -> TombstoneTarget:
    """The one crash that a text tells of, or the one that begins at `line`.

    Raises:
        FileFormatError: it tells of none, or of several.
    """
    found = chosen(path, line)
    whole = _whole_tombstone(path) if not line and found.source == _ANDROID else None
    if whole is not None:
        return whole
    return TombstoneTarget(as_tombstone(found), list(found.notes))


def chosen(path: str, line: int = 0) -> CrashText:
    """The crash that is meant.

    Raises:
        FileFormatError: there is none, or several and none of them is named.
    """
    if line:
        for crash in crashes_in_file(path):
            if crash.line == line:
                return crash
        raise FileFormatError(f"no crash begins at line {line} of {path}", "see mtedbg explain")
    found = list(islice(crashes_in_file(path), 2))
    if not found and says_profile(open_file(path)[:64]):
        raise FileFormatError(
            f"{path} is a profile, not a crash", f"mtedbg profile show {shlex.quote(path)}"
        )
    if not found:
        raise FileFormatError(
            f"{path} is text that does not say why a process crashed",
            "give a core file, a minidump, a tombstone, or a text about a crash",
        )
    if len(found) > 1:
        raise FileFormatError(
            f"{path} tells of several crashes, of which the first begins at line {found[0].line}",
            f"mtedbg explain {path} lists them; open {path}:LINE",
        )
    return found[0]


def _whole_tombstone(path: str) -> TombstoneTarget | None:
    """All of it, where the text is one tombstone and not a log with one in it."""
    remarks: list[str] = []
    data = open_file(path)
    if how := packed_with(data[:8]):
        data = unpack(path, how, remarks, MOST_BYTES)
    if len(data) > MOST_BYTES:
        return None
    try:
        found = from_text(bytes(data[:]).decode("utf-8", "replace"), path)
    except FileFormatError:
        return None
    return TombstoneTarget(found, remarks)
