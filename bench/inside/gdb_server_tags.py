"""As `gdb_tags`, at the stop of the live program, which says where its memory is."""

from __future__ import annotations

from typing import Any

import gdb

from bench.inside import gdb_tags


def measure(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds, as `gdb_tags.measure` has them."""
    start = int(gdb.parse_and_eval("(unsigned long) memory"))
    return gdb_tags.measure({**settings, "start": start})
