"""Report → text, JSON, HTML, SVG. Never reads a target, never prints.

How to add a format: one file here with one function from a `Report` to a string, called by
`commands/_line.py` or a subcommand where the user asks for it. It escapes whatever came from a
target, for names in a process are hostile input: `clean` for control characters, and for the rest
templates that escape (HTML) or an element tree (SVG), never by hand.
"""

from __future__ import annotations

import re

from mtedbg.report import Kind

_NESTED_ADDRESSES = frozenset({"address", "pc", "rip", "base", "start", "end", "guest_rip"})
_NESTED_WORDS = frozenset({"word", "word_before"})
_WIDTHS = {Kind.RAW: 18, Kind.WORD: 10}

_SURROGATE = "[\ud800-\udfff]"
_BYTES = range(0xDC80, 0xDD00)
"""What Python's surrogateescape makes of bytes that are not UTF-8 (PEP 383)."""

HEX = (Kind.ADDRESS, Kind.RAW, Kind.WORD)
"""What is written in hexadecimal, with 0x before it."""


def clean(text: str) -> str:
    """`text` with every control character replaced by a visible escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def without_surrogates(text: str) -> str:
    """`text` with a visible escape for each byte that is no text: it can be written as UTF-8."""
    return re.sub(_SURROGATE, lambda one: _escape(ord(one[0])), text)


def _escape(code: int) -> str:
    if code in _BYTES:
        code -= _BYTES.start - 0x80
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def hex_number(value: int, kind: Kind) -> str:
    """A number as every format writes it: all digits of an instruction, or where a tag is kept."""
    return f"{value:#0{_WIDTHS.get(kind, 0)}x}"


def nested_kind(key: str, outer: Kind = Kind.LIST) -> Kind:
    """What a number inside a list or mapping is: there the key says it, or the whole column."""
    if key.endswith("_raw") or outer is Kind.RAW:
        return Kind.RAW
    if key in _NESTED_WORDS:
        return Kind.WORD
    return Kind.ADDRESS if key in _NESTED_ADDRESSES else Kind.COUNT
