"""Which accesses of a guest need order: those that touch memory that another owner has touched.

The runtime records it itself, by another way than the one that is judged: with `--data-start
nobody` no memory has a tag that any pointer has, so that every access faults and is interpreted, in
an order that the handler's lock decides, and `--trace` has each fault.
"""

from __future__ import annotations

import json
import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from mtedbg.lab import paths
from tests.live.test_runtime_guests import oracle, start

GRANULE = 16
FAULTED = 8
_WRITABLE = 2
_RECORD = struct.Struct("=4I4Q")

Key = tuple[int, int]
"""A memop: its guest instruction, and its place among that one's accesses."""


def needed(
    options: Sequence[str], guest: str, *arguments: str, loaded: bool = False
) -> frozenset[Key]:
    """The memops that touch a granule that two owners, themselves included, have touched by then.

    With `loaded` the first thread has touched the program's data, as it is the runtime's rule.

    Constant pages have no tags, and what never changes needs no order. A locked access over 16
    bytes is performed by the handler alone, whoever owns the memory, and leaves it as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        trace, profile = Path(folder) / "trace", Path(folder) / "profile"
        words = ["--policy", "interpret", "--data-start", "nobody", "--trace", str(trace)]
        _run([*words, "--profile-out", str(profile), *options], guest, *arguments)
        faults = list(_RECORD.iter_unpack(trace.read_bytes()))
        memops = _memops(profile)
    owners: dict[int, set[int]] = defaultdict(set)
    if loaded:
        first = next(owner for what, _, owner, *_ in faults if what == FAULTED)
        owners.update((granule, {first}) for granule in _data(paths.guests() / f"{guest}.elf"))
    found = set()
    for what, _, owner, _, _, address, rip, ordinal in faults:
        if what != FAULTED:
            continue
        memop = memops[rip, ordinal]
        granules = {address // GRANULE, (address + int(memop["size"]) - 1) // GRANULE}
        if memop["access"] == "rmw" and len(granules) > 1:
            continue
        for granule in granules:
            owners[granule].add(owner)
            if len(owners[granule]) > 1:
                found.add((rip, ordinal))
    return frozenset(found)


def ordered(options: Sequence[str], guest: str, *arguments: str) -> frozenset[Key]:
    """The memops that the runtime has ordered, at least on some memory, when the guest ends."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        _run(["--profile-out", str(profile), *options], guest, *arguments)
        memops = _memops(profile)
    return frozenset(key for key, memop in memops.items() if memop["mode"] != "local")


def _data(program: Path) -> Iterator[int]:
    """The granules of its writable segments."""
    with program.open("rb") as file:
        for one in ELFFile(file).iter_segments("PT_LOAD"):
            if one["p_flags"] & _WRITABLE:
                begin, end = one["p_vaddr"], one["p_vaddr"] + one["p_memsz"]
                yield from range(begin // GRANULE, (end - 1) // GRANULE + 1)


def _run(options: Sequence[str], guest: str, *arguments: str) -> None:
    done = start([*options, str(paths.guests() / f"{guest}.elf"), *arguments])
    assert (done.returncode, done.stderr, done.stdout) == (0, "", oracle(guest, *arguments))


def _memops(profile: Path) -> dict[Key, dict[str, str]]:
    (program,) = json.loads(profile.read_text())["programs"]
    return {(int(one["rip"], 16), one["ordinal"]): one for one in program["memops"]}
