"""SpiderMonkey's maps of wasm code against themselves: what a change that went wrong would leave.

A change is made to the list that is not read, then the two change places, and then it is made to
the other one. Lists that differ by one block are a change that was going on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mtedbg.decode.jits.spidermonkey import Vector, WasmBlock, WasmCode, map_at
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.finding import Finding, Flaw, Severity

MOST_RANGES = 1 << 18
"""Ranges that are looked at, of all blocks together."""
MOST_BLOCKS = 1 << 16


def audit(code: WasmCode) -> Iterator[Finding]:
    """Every finding about the process's map, the maps of each `Code`, and their blocks."""
    try:
        lists = _lists(code.words, code.address)
    except HoleError as hole:
        yield _unread("the process's map", hole.why)
        return
    yield from _compared("the process's map", *lists)
    left, before, owned = MOST_RANGES, None, dict[int, list[int]]()
    for address in lists[1][:MOST_BLOCKS]:
        where = f"block at {address:#x}"
        try:
            block = code.block(address)
        except HoleError as hole:
            yield _unread(where, hole.why)
            continue
        if before is not None and block.start < before.end:
            yield _error(
                Flaw.UNSORTED if block.start < before.start else Flaw.OVERLAP,
                where,
                f"begins at {block.start:#x}, the block before it ends at {before.end:#x}",
            )
        before = block
        owned.setdefault(block.code, []).append(address)
        yield from _ranges(code, block, where, min(left, block.ranges.count))
        left -= min(left, block.ranges.count)
    if not left or len(lists[1]) > MOST_BLOCKS:
        yield Finding(Severity.WARNING, Flaw.NOT_LOOKED_AT, "wasm code", "there is more of it")
    for one, blocks in owned.items():
        yield from _of_code(code, one, blocks)


def _lists(words: Words, address: int) -> tuple[list[int], list[int]]:
    """The blocks of a map's two lists: the one that is changed next, and the one that is read."""
    found = map_at(words, address)
    if found is None:
        raise HoleError(Absent(Reason.DAMAGED, f"there is no map at {address:#x}"))
    changed, read = (_addresses(words, one) for one in found)
    return changed, read


def _addresses(words: Words, listed: Vector) -> list[int]:
    return [words.strip(one) for one in words.words(listed.address, listed.count)]


def _compared(where: str, changed: Sequence[int], read: Sequence[int]) -> Iterator[Finding]:
    """The two lists of a map have the same, if no change was going on."""
    others = set(changed) ^ set(read)
    if len(others) == 1:
        yield Finding(
            Severity.INFO,
            Flaw.IN_FLIGHT,
            where,
            f"the block at {others.pop():#x} is being added or removed",
        )
    elif others:
        yield _error(Flaw.STALE, where, f"its two lists differ by {len(others)} blocks")


def _ranges(code: WasmCode, block: WasmBlock, where: str, count: int) -> Iterator[Finding]:
    """The ranges of a block are in it, in order, and apart."""
    end = block.start
    try:
        for number, one in zip(range(count), code.ranges(block), strict=False):
            if one.start < end:
                yield _error(
                    Flaw.OVERLAP, f"range {number} of {where}", f"it begins before {end:#x}"
                )
            end = one.end
    except HoleError as hole:
        yield _unread(f"ranges of {where}", hole.why)


def _of_code(code: WasmCode, one: int, blocks: list[int]) -> Iterator[Finding]:
    """The map of a `Code` has the same blocks of it as the process's."""
    address = code.map_of(one)
    if address is None:
        return
    where = f"the map of the code at {one:#x}"
    try:
        changed, read = _lists(code.words, address)
    except HoleError as hole:
        yield _unread(where, hole.why)
        return
    yield from _compared(where, changed, read)
    for missing in sorted(set(blocks) - set(read)):
        yield _error(Flaw.DANGLING, where, f"it lacks the block at {missing:#x}")
    for more in sorted(set(read) - set(blocks)):
        yield _error(Flaw.DANGLING, where, f"the process's map lacks its block at {more:#x}")


def _error(what: Flaw, where: str, detail: str) -> Finding:
    return Finding(Severity.ERROR, what, where, detail)


def _unread(where: str, why: Absent) -> Finding:
    if why.reason is Reason.DAMAGED:
        return _error(Flaw.DAMAGED, where, why.detail)
    return Finding(Severity.WARNING, Flaw.UNREADABLE, where, str(why))
