"""The progress bar: only on a terminal, on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(total: int, done: int) -> Iterator[Callable[[], None]]:
    """Gives the function to call after each file; it only has an effect on a terminal.

    Args:
        total: files in all.
        done: those that were read in an earlier run.
    """
    if not sys.stderr.isatty() or done >= total:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda: bar.advance(task)


@contextlib.contextmanager
def bytes_read(total: int, least: int = 1 << 26) -> Iterator[Callable[[int], None]]:
    """The same for bytes of one file.

    Args:
        total: bytes in all.
        least: bytes from which on a bar is worth it.
    """
    if not sys.stderr.isatty() or total < least:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
