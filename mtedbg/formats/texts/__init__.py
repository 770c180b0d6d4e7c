"""Crashes as people have them in hand: logs, tombstones, trackers' lines, kernels' reports.

`lines` takes off what carried a line, `writers` is the table of those who write crashes down,
`reader` cuts a text into crashes and joins what two writers tell of one, `draft` is one of them
while it is read.

To add a writer: a file with a `WRITER` (`draft.Writer`), which names the source of its format, a
row in `writers.py`, texts of it in `tests/support/texts`, a row in `docs/crash-texts.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.model.crash_text import CrashText


def read(text: str) -> Iterator[CrashText]:
    """The crashes of a text, in the order in which they begin."""
    from mtedbg.formats.texts.reader import CrashReader

    reader = CrashReader()
    yield from reader.feed(text.splitlines())
    yield from reader.end()
