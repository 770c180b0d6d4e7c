"""What is said of findings that a table has no row for."""

from __future__ import annotations

from collections.abc import Iterator


def left_out(command: str, total: int, shown: int, *, most: int, cut: bool) -> Iterator[str]:
    """A note where not all findings are shown.

    Args:
        command: that shows them all.
        total: how many were found.
        shown: how many have a row.
        most: how many are looked for.
        cut: whether there are more than that.
    """
    if cut:
        yield f"there are more than {most} findings: these are the first"
    elif shown < total:
        yield f"{total - shown} more: `{command}` shows them"
