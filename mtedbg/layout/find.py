"""Where the debug roots of a target are: by symbol, else by a scan; then along the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.errors import LayoutError
from mtedbg.layout.root_bytes import MAGIC, SIZE, is_root, is_whole
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.symbols import ROOT_SYMBOL
from mtedbg.target import SparseMemory, Target

if TYPE_CHECKING:
    from mtedbg.layout.runtime import Runtime

_ALIGNMENT = 8
_CHUNK = 1 << 20
_MOST_ROOTS = 16
_SCANNED_DEAD = 1 << 30
_SCANNED_LIVE = 1 << 22
"""Bytes: through a server every one of them travels, at every stop."""


def find_runtimes(target: Target) -> tuple[Runtime, ...] | Absent:
    """The debug roots of `target`, or why there is none.

    Never raises for what is in the target: a damaged root is an `Absent` whose detail says what
    is wrong with it, so that commands that need no runtime go on.
    """
    address = target.symbol_address(ROOT_SYMBOL)
    if isinstance(address, Absent):
        address = scan(target)
    if isinstance(address, Absent):
        return address
    return _chain(target, address)


def _chain(target: Target, first: int) -> tuple[Runtime, ...] | Absent:
    """The runtimes from the root at `first` on; the chain ends at the first that is no good."""
    from mtedbg.dataclass import replace
    from mtedbg.layout.root import read_root
    from mtedbg.layout.runtime import make_runtime

    found: list[Runtime] = []
    problem, address, seen = "", first, set[int]()
    while address and not problem:
        if address in seen or len(seen) == _MOST_ROOTS:
            turns = address in seen
            why = "is circular" if turns else f"is longer than {_MOST_ROOTS}"
            problem = f"debug root at {address:#x}: the chain of roots {why}"
            break
        seen.add(address)
        try:
            root = read_root(target, address)
            if root is None:
                break
            found.append(make_runtime(target, root))
            address = root.next
        except LayoutError as error:
            problem = error.message
    if not found:
        return Absent(Reason.DAMAGED, problem) if problem else Absent(Reason.NO_RUNTIME)
    if problem:
        found[-1] = replace(found[-1], problems=(*found[-1].problems, problem))
    return tuple(found)


def scan(target: Target) -> int | Absent:
    """The address of the first whole root in writable memory; else of the first damaged one.

    Without an executable there is no symbol. Only bytes that hold their own address count. At
    most `_SCANNED_…` bytes are looked at, those of files first.
    """
    regions = target.regions()
    if isinstance(regions, Absent):
        return Absent(Reason.NO_RUNTIME)
    live = not target.info().is_dead
    left = _SCANNED_LIVE if live else _SCANNED_DEAD
    damaged = 0
    for region in _candidates(regions, live):
        for start in _chunks(target, region):
            if left <= 0 and not damaged:
                return Absent(Reason.NO_RUNTIME, "the search ended early: much writable memory")
            if left <= 0:
                return damaged
            # A root may lie across the border of two chunks.
            length = min(_CHUNK + SIZE, region.end - start)
            left -= length
            for address, whole in _roots_in(target, start, length):
                if whole:
                    return address
                damaged = damaged or address
    return damaged or Absent(Reason.NO_RUNTIME)


def _chunks(target: Target, region: Region) -> Iterator[int]:
    """Where to read a chunk of `region`: everywhere but in what is known to be zeros."""
    whole = ((region.start, region.end),)
    parts = target.written(*whole[0]) if isinstance(target, SparseMemory) else whole
    for start, end in parts:
        yield from range(start, end, _CHUNK)


def _candidates(regions: Sequence[Region], live: bool) -> list[Region]:
    """Writable regions where a root may be: data and bss of files first, small before large.

    The bss of a file is the anonymous region right after it. On a live target nothing else is
    looked at: its symbols are better, and every byte costs.
    """
    likely: list[Region] = []
    other: list[Region] = []
    end_of_file = -1
    for region in regions:
        writable = "w" in region.perms and region.dumped and region.start < region.end
        of_file = region.name.startswith("/")
        is_tail = not region.name and region.start == end_of_file
        end_of_file = region.end if of_file else -1
        if writable:
            (likely if of_file or is_tail else other).append(region)
    likely.sort(key=lambda region: region.end - region.start)
    other.sort(key=lambda region: region.end - region.start)
    return likely if live else likely + other


def _roots_in(target: Target, start: int, length: int) -> Iterator[tuple[int, bool]]:
    """Address and soundness of every root in `length` bytes at `start`."""
    data = target.read_memory(start, length)
    if isinstance(data, Absent):
        return
    at = data.find(MAGIC)
    while at >= 0:
        address, found = start + at, data[at : at + SIZE]
        if address % _ALIGNMENT == 0 and is_root(found, address):
            yield address, is_whole(found)
        at = data.find(MAGIC, at + 1)
