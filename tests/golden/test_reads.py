"""How often a post-mortem reads: what several parts of it need, it asks once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent
from mtedbg.model.memory import TagPiece
from mtedbg.model.pointer import GRANULE
from mtedbg.render.text import render_text
from mtedbg.reports.postmortem import parts
from mtedbg.reports.section import Medium
from mtedbg.session import Session
from tests.golden.cases import unpacked

MOST_OF_MEMORY, MOST_OF_TAGS = 75, 40
"""Of the asynchronous fault's core, whose suspects take the most reads of all."""

MOST_OF_A_RUNTIME = 300


class CountingTarget(CoreTarget):
    """A core that notes address and length, or start and end, of what is read of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.memory_read: list[tuple[int, int]] = []
        self.tags_read: list[tuple[int, int]] = []

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        self.memory_read.append((address, length))
        return super().read_memory(address, length)

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        self.tags_read.append((start, end))
        return super().read_tags(start, end)


@pytest.mark.parametrize("medium", Medium, ids=str)
def test_an_asynchronous_fault_is_read_once(tmp_path: Path, medium: Medium) -> None:
    target = CountingTarget(unpacked("async", tmp_path), sysroot="empty")
    found = list(parts(Session(target), medium))
    shown = [render_text(part.report) for part in found if part.report is not None]
    assert "tag check fault (asynchronous)" in shown[0]
    assert 0 < len(target.memory_read) <= MOST_OF_MEMORY
    assert 0 < len(target.tags_read) <= MOST_OF_TAGS
    granules = [start for start, end in target.tags_read if end - start == GRANULE]
    assert len(granules) == len(set(granules))


def test_a_runtime_is_audited_once(tmp_path: Path) -> None:
    target = CountingTarget(unpacked("runtime-patch", tmp_path), sysroot="empty")
    found = [part.title for part in parts(Session(target), Medium.TERMINAL)]
    assert "Code map" in found
    assert "Memops" in found
    assert 0 < len(target.memory_read) <= MOST_OF_A_RUNTIME
