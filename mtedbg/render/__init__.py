"""Report → text, JSON, HTML, SVG. Never reads a target, never prints.

How to add a format: one file here with one function from a `Report` to a string, called by
`commands/_line.py` or a subcommand where the user asks for it. It escapes whatever came from a
target: names in a process are hostile input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def clean(text: str) -> str:
    """`text` with every control character replaced by a visible escape."""
    return "".join(c if c.isprintable() or c == " " else f"\\x{ord(c):02x}" for c in text)


def hex_address(value: int) -> str:
    """An address as every format writes it."""
    return f"{value:#x}"


def join(parts: Iterable[str], by: str = " ") -> str:
    """The parts that are not empty, joined."""
    return by.join(part for part in parts if part)
