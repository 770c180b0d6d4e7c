"""Where the debug roots of a target are: by symbols and a scan; then along their lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.errors import LayoutError
from mtedbg.layout.root_bytes import MAGIC, SIZE, is_root, is_whole
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.pointer import strip
from mtedbg.model.symbols import LIST_SYMBOL, ROOT_SYMBOL
from mtedbg.target import SparseMemory, Target

if TYPE_CHECKING:
    from mtedbg.layout.runtime import Runtime

_ALIGNMENT = 8
_CHUNK = 1 << 20
_MOST_ROOTS = 16
_SCANNED_DEAD = 1 << 30
_SCANNED_LIVE = 1 << 22
"""Bytes: through a server every one of them travels, at every stop."""


def find_runtimes(target: Target, told: Sequence[int] = ()) -> tuple[Runtime, ...] | Absent:
    """The debug roots of `target`, or why there is none.

    Args:
        target: the process.
        told: where lists of roots begin, where that is known: nothing is searched then.

    Never raises for what is in the target: a damaged root is an `Absent` whose detail says what
    is wrong with it, so that commands that need no runtime go on.
    """
    if told:
        return _chains(target, told)
    known = (target.symbol_address(name) for name in (ROOT_SYMBOL, LIST_SYMBOL))
    starts = [one for one in known if not isinstance(one, Absent)]
    dead = target.info().is_dead
    # Libraries that were loaded apart from each other may have a list each: symbols tell of one.
    scanned = scan(target, only_images=bool(starts)) if dead or not starts else ()
    if isinstance(scanned, Absent):
        return scanned
    return _chains(target, [*starts, *scanned])


def _chains(target: Target, starts: Sequence[int]) -> tuple[Runtime, ...] | Absent:
    """The runtimes of all lists; a list ends at the first root that is no good."""
    from mtedbg.dataclass import replace

    found: list[Runtime] = []
    seen: set[int] = set()
    problems = [_chain(target, start, found, seen) for start in starts if strip(start) not in seen]
    problem = next(filter(None, problems), "")
    if not found:
        return Absent(Reason.DAMAGED, problem) if problem else Absent(Reason.NO_RUNTIME)
    if problem:
        found[-1] = replace(found[-1], problems=(*found[-1].problems, problem))
    return tuple(found)


def _chain(target: Target, first: int, found: list[Runtime], seen: set[int]) -> str:
    """Adds the runtimes from the root at `first` on; returns why the list ends, empty at its end.

    Args:
        target: the process.
        first: a root that was not seen.
        found: the runtimes of all lists.
        seen: the addresses of their roots. A list that runs into another one ends there.
    """
    from mtedbg.layout.root import read_root
    from mtedbg.layout.runtime import make_runtime

    mine: set[int] = set()
    address = strip(first)
    while address:
        if address in mine:
            return f"debug root at {address:#x}: the chain of roots is circular"
        if address in seen:
            return ""
        if len(found) == _MOST_ROOTS or len(mine) > _MOST_ROOTS:
            return f"debug root at {address:#x}: the chain of roots is longer than {_MOST_ROOTS}"
        mine.add(address)
        seen.add(address)
        try:
            root = read_root(target, address)
            if root.schema is not None:
                found.append(make_runtime(target, root, root.schema))
            address = root.next
        except LayoutError as error:
            return error.message
    return ""


def scan(target: Target, *, only_images: bool = False) -> list[int] | Absent:
    """The addresses of whole roots in writable memory, sorted; else of the first damaged one.

    Without an executable there is no symbol. Only bytes that hold their own address count. At
    most `_SCANNED_…` bytes are looked at. All of what files have is searched; what is elsewhere,
    until there is one.

    Args:
        target: the process.
        only_images: whether only what files have is searched.
    """
    regions = target.regions()
    if isinstance(regions, Absent):
        return [] if only_images else Absent(Reason.NO_RUNTIME)
    live = not target.info().is_dead
    left = _SCANNED_LIVE if live else _SCANNED_DEAD
    of_files, other = _candidates(regions)
    whole: list[int] = []
    damaged: list[int] = []
    regions = of_files if live or only_images else of_files + other
    for number, region in enumerate(regions):
        for start in _chunks(target, region):
            if whole and number >= len(of_files):
                return sorted(whole)
            if left <= 0:
                ended = Absent(Reason.NO_RUNTIME, "the search ended early: much writable memory")
                return sorted(whole) or damaged or ([] if only_images else ended)
            # A root may lie across the border of two chunks.
            length = min(_CHUNK + SIZE, region.end - start)
            left -= length
            for address, is_good in _roots_in(target, start, length):
                (whole if is_good else damaged).append(address)
    return sorted(whole) or damaged[:1] or ([] if only_images else Absent(Reason.NO_RUNTIME))


def _chunks(target: Target, region: Region) -> Iterator[int]:
    """Where to read a chunk of `region`: everywhere but in what is known to be zeros."""
    whole = ((region.start, region.end),)
    parts = target.written(*whole[0]) if isinstance(target, SparseMemory) else whole
    for start, end in parts:
        yield from range(start, end, _CHUNK)


def _candidates(regions: Sequence[Region]) -> tuple[list[Region], list[Region]]:
    """Writable regions where a root may be: data and bss of files; others. Small before large.

    The bss of a file is the anonymous region right after it. On a live target nothing else is
    looked at: its symbols are better, and every byte costs.
    """
    of_files: list[Region] = []
    other: list[Region] = []
    end_of_file = -1
    for region in regions:
        writable = "w" in region.perms and region.dumped and region.start < region.end
        of_file = region.name.startswith("/")
        is_tail = not region.name and region.start == end_of_file
        end_of_file = region.end if of_file else -1
        if writable:
            (of_files if of_file or is_tail else other).append(region)
    for one in (of_files, other):
        one.sort(key=lambda region: region.end - region.start)
    return of_files, other


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
