"""Tag segments that are mostly holes in the file: neither read nor looked through, and counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.tags.find import find
from mtedbg.analysis.tags.regions import tagged_mappings
from mtedbg.analysis.tags.runs import CHUNK, runs
from mtedbg.session import Session
from tests.support.elf_core import PAGE, Core, Load, Tagged, ThreadNotes, patched

HEAP = 0x1000_0000_0000
TAGS = bytes(range(16)) * 16
LIMIT_S = 20.0


def sparse_core(folder: Path, size: int, *, holes: bool = True) -> Path:
    """A tagged mapping of `size` bytes: the first page has tags, all others have tag 0."""
    core = Core(
        loads=[Load(HEAP, b"h" * PAGE)],
        tagged=[Tagged(HEAP, TAGS)],
        threads=[ThreadNotes(registers={"pc": HEAP}, control=0x7FFF3)],
    ).build()
    core = patched(patched(core, 1, memory_size=size), 2, memory_size=size, file_size=size // 32)
    start = len(core) - len(TAGS) // 2
    path = folder / f"core.{holes}"
    with path.open("wb") as file:
        file.write(core)
        if not holes:
            file.write(bytes(size // 32 - len(TAGS) // 2))
        file.truncate(start + size // 32)
    return path


@pytest.mark.parametrize("size", [4 * CHUNK, 3 * CHUNK + 5 * PAGE])
def test_a_hole_is_as_zeros_that_were_written(tmp_path: Path, size: int) -> None:
    sessions = [
        Session(CoreTarget(sparse_core(tmp_path, size, holes=holes))) for holes in (True, False)
    ]
    hollow, full = (list(runs(one, HEAP, HEAP + size)) for one in sessions)
    assert hollow == full
    hollow, full = (list(runs(one, HEAP + 48, HEAP + size - 16)) for one in sessions)
    assert hollow == full
    for tag in (0, 3):
        found = [find(one, tag, most=500) for one in sessions]
        assert found[0] == found[1]
    counted = [tagged_mappings(one, figure=True) for one in sessions]
    assert counted[0] == counted[1]


def test_half_a_tebibyte_of_nothing_takes_no_time(tmp_path: Path) -> None:
    size = 512 << 30
    session = Session(CoreTarget(sparse_core(tmp_path, size)))
    start = time.process_time()
    (mapping,) = tagged_mappings(session, figure=True).mappings
    assert mapping.tags.total() == size // 16
    assert mapping.tags[3] == 16
    assert find(session, 0, most=500).runs[-1].end == HEAP + size
    assert time.process_time() - start < LIMIT_S
