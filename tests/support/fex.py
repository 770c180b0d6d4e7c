"""A strict reader of FEX-Emu's extended volatile metadata, and what FEX does with it on Linux.

Written from the format's description (`mtedbg/analysis/memops/fex.py` names its source), with none
of FEX's lenience: what FEX takes for something else, or for nothing, is an error here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = "0x(?:0|[1-9a-f][0-9a-f]*)"
_RANGE = f"{_NUMBER}-{_NUMBER}"
_MODULE = re.compile(
    rf"(?P<name>[^:;,\n]+);(?P<ranges>{_RANGE}(?:,{_RANGE})*);(?P<offsets>{_NUMBER}(?:,{_NUMBER})*)"
)

Span = tuple[int, int]


class WrongError(Exception):
    """A text is not of the form."""


@dataclass(frozen=True)
class Module:
    """What is said of a module: offsets in its file, and from its mapping's beginning."""

    ranges: tuple[Span, ...]
    offsets: tuple[int, ...]


@dataclass(frozen=True)
class Mapping:
    """A part of a file as the guest maps it: [address, address + length) from `offset` on."""

    address: int
    length: int
    offset: int


def read(text: str) -> dict[str, Module]:
    """The modules of a text.

    Raises:
        WrongError: it is not of this form, or says a thing twice, backwards or about nothing.
    """
    if not text.endswith("\n") or text.count("\n") != 1:
        raise WrongError("one line")
    found: dict[str, Module] = {}
    for part in text[:-1].split(":") if text != "\n" else ():
        match = _MODULE.fullmatch(part)
        if match is None or match["name"] in found:
            raise WrongError(part)
        ranges = tuple(
            (int(begin, 16), int(end, 16))
            for begin, end in (one.split("-") for one in match["ranges"].split(","))
        )
        offsets = tuple(int(one, 16) for one in match["offsets"].split(","))
        edges = [edge for one in ranges for edge in one]
        if len(set(edges)) != len(edges) or edges != sorted(edges):
            raise WrongError(f"ranges {match['ranges']}")
        if len(set(offsets)) != len(offsets) or [*offsets] != sorted(offsets):
            raise WrongError(f"offsets {match['offsets']}")
        found[match["name"]] = Module(ranges, offsets)
    return found


@dataclass(frozen=True)
class Told:
    """What FEX knows of a mapping, in guest addresses."""

    ranges: tuple[Span, ...]
    ordered: frozenset[int]

    def is_ordered(self, block: Span, instruction: int) -> bool:
        """Whether an access of a block of FEX's is: where nothing is said of the block, it is."""
        inside = any(begin <= block[0] and block[1] <= end for begin, end in self.ranges)
        concerned = inside and any(block[0] <= one < block[1] for one in self.ordered)
        return not concerned or instruction in self.ordered


def applied(module: Module, mapping: Mapping) -> Told:
    """What FEX makes of it where a mapping appears: nothing, as soon as an offset is outside."""
    end = mapping.address + mapping.length
    ordered = frozenset(mapping.address + one for one in module.offsets)
    if any(one >= end for one in ordered):
        return Told((), frozenset(one for one in ordered if one < end))
    by = mapping.address - mapping.offset
    ranges = tuple(
        (begin + by, stop + by)
        for begin, stop in module.ranges
        if begin >= mapping.offset and stop < mapping.offset + mapping.length
    )
    return Told(ranges, ordered)
