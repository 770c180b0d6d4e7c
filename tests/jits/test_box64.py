"""A use after free under box64 0.4.3, which only Debian's unstable suite has, in a frozen core."""

from __future__ import annotations

import time

import pytest

from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.box64 import Box64, runs
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.commands._offline import answer_line
from mtedbg.decode.jits.box64 import Blocks, Dynablock
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.session import Session
from tests.jits.frozen import CHANGES, damaged, pc_of, random_patches, session_of

NAME, VERSION = "box64-0.4.3", "box64 0.4.3"
LINE = "list.c:18"
"""Of the program's source as it was when the core was made."""
ONE_S = 2.0


@pytest.fixture(scope="module")
def session() -> Session:
    return session_of(NAME)


def test_the_place_in_the_guest(session: Session) -> None:
    place = code_at(session, pc_of(session))
    assert (place.function, place.version) == ("total", VERSION)
    assert str(place.line).endswith(LINE)
    first = cause(session).words
    assert "in total at " in first
    assert VERSION in first


def test_the_guests_calls(session: Session) -> None:
    rows = answer_line(session, "guest-bt").rows
    assert [row["function"] for row in rows] == ["total", "main"]


def test_every_block_is_read(session: Session) -> None:
    (found,) = jits(session)
    assert isinstance(found.jit, Box64)
    listed = found.jit.blocks()
    functions = {code.function for code in listed.codes}
    assert {"total", "main", "_start"} <= functions


def test_damaged_structures_are_told_or_refused(session: Session) -> None:
    pc = pc_of(session)
    block = Blocks(session.target.read_memory, runs(session)).at(pc)
    assert isinstance(block, Dynablock)
    structures = {"record": (block.record, 0x80), "table": (block.end, 16)}
    told = 0
    for what, patches in random_patches(session, 43, structures):
        began = time.process_time()
        found = Box64(damaged(session, patches), None).at(pc)
        assert time.process_time() - began < ONE_S, (what, patches)
        if found is not None and present(found.block):
            told += 1
            assert found.block.start <= pc < found.block.end
        elif found is not None:
            assert isinstance(found.block, Absent)
            assert found.block.reason in (Reason.UNKNOWN_VERSION, Reason.DAMAGED, Reason.UNSTABLE)
    assert 0 < told < 2 * CHANGES
