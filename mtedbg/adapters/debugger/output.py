"""What a terminal wants, whichever debugger writes to it."""

from __future__ import annotations

import os


def refuses_color() -> bool:
    """Whether the terminal has no colours, or its user wants none (no-color.org)."""
    return os.environ.get("TERM", "dumb") == "dumb" or "NO_COLOR" in os.environ
