"""Report → text, JSON, HTML, SVG. Never reads a target, never prints.

How to add a format: one file here with one function from a `Report` to a string, called by
`commands/_line.py` or a subcommand where the user asks for it. It escapes whatever came from a
target: names in a process are hostile input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.report import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

_NESTED_ADDRESSES = frozenset({"address", "pc", "rip", "base", "start", "end", "guest_rip", "word"})


def clean(text: str) -> str:
    """`text` with every control character replaced by a visible escape."""
    return "".join(c if c.isprintable() or c == " " else f"\\x{ord(c):02x}" for c in text)


def hex_address(value: int) -> str:
    """An address as every format writes it."""
    return f"{value:#x}"


def nested_kind(key: str) -> Kind:
    """What a number inside a list or mapping is: there the key says it."""
    if key.endswith("_raw"):
        return Kind.RAW
    return Kind.ADDRESS if key in _NESTED_ADDRESSES else Kind.COUNT


def join(parts: Iterable[str], by: str = " ") -> str:
    """The parts that are not empty, joined."""
    return by.join(part for part in parts if part)
