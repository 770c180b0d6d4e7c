"""Signatures that are known already: a list that a team keeps, or a report of an earlier day."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from mtedbg.errors import DocumentError

MOST = 64 << 20
"""Bytes of such a file."""

_ID = re.compile(r"[0-9a-f]{12}")


def known_signatures(path: str) -> Collection[str]:
    """The signatures that a file lists.

    Args:
        path: of text with a signature at the beginning of a line (what follows, and what begins
            with "#", is for people), or of what `mtedbg triage --json` printed.

    Raises:
        DocumentError: it cannot be read, or is neither.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST + 1)
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}", "name a file: --known FILE") from None
    if len(data) > MOST:
        raise DocumentError(f"{path} is too long", "a signature is a line of it")
    text = data.decode("utf-8", "replace")
    found = _of_report(text) if text.lstrip().startswith("{") else _of_lines(text.splitlines())
    if found is None:
        raise DocumentError(
            f"{path} is no list of signatures",
            "a signature of twelve digits begins each line; or it is what `triage --json` prints",
        )
    return found


def _of_lines(lines: Iterable[str]) -> set[str] | None:
    words = [line.split(maxsplit=1) for line in lines]
    first = [word[0] for word in words if word and not word[0].startswith("#")]
    return set(first) if all(_ID.fullmatch(word) for word in first) else None


def _of_report(text: str) -> set[str] | None:
    try:
        report: Any = json.loads(text)
        rows = [row for row in report["rows"] if not row["damaged"]]
        return {str(one) for row in rows for one in (row["signature"], *row["signatures"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
