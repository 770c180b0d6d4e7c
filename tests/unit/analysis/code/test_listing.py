"""Code as facts: instructions of a block with what is known of them, blocks, segments."""

from __future__ import annotations

import pytest

from mtedbg.analysis.code import tables
from mtedbg.analysis.code.blocks import Wanted, blocks
from mtedbg.analysis.code.listing import BEFORE, Listing, Standing, listing
from mtedbg.analysis.code.segments import segments
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.code import Outcome, Place
from mtedbg.session import Session
from tests.support.runtime_image import JIT_THREAD, THUNK_THREAD, image

BASE = image().places["baseline"]
CHECKSUM = 20


def listed(session: Session, which: int, count: int | None = None, thread=JIT_THREAD) -> Listing:
    found = listing(session, which, count=count, thread=thread)
    assert isinstance(found, Listing)
    return found


def test_instructions_with_their_memop_and_guest() -> None:
    found = listed(image().session(), BASE + 0x14)
    assert found.start == max(BASE, BASE + 0x14 - 4 * BEFORE)
    insert, access = (one for one in found.lines if one.line.address in (BASE + 0x10, BASE + 0x14))
    assert (insert.part, access.part) == (1, 2)
    assert present(access.memop)
    assert insert.memop == access.memop
    assert (insert.guest_rip, insert.guest) == (0x401008, NOT_APPLICABLE)
    assert access.guest_rip == 0x401008
    assert found.lines[0].label == "Function main"
    assert access.label == ""


def test_who_stands_where() -> None:
    target = image().target()
    target.register_sets[2]["pc"] = BASE + 0x14
    session = Session(target)
    standing = {one.line.address: one.standing for one in listed(session, BASE).lines}
    assert standing[BASE + 0x14] == Standing(current=True, threads=(2,))
    others = {one.line.address: one.standing for one in listed(session, BASE, None, None).lines}
    assert others[BASE + 0x14] == Standing(threads=(1, 2))
    swapped = listed(session, BASE, None, THUNK_THREAD).lines
    assert Standing(current=True, threads=(1,)) in [one.standing for one in swapped]


def test_a_block_by_its_id() -> None:
    found = listed(image().session(), 9, count=4)
    assert (found.block.id, len(found.lines), found.end) == (9, 4, found.start + 16)


def test_where_no_code_is_the_place_says_so() -> None:
    found = listing(image().session(), 0x10)
    assert isinstance(found, Place)
    assert (found.pc, found.outcome) == (0x10, Outcome.NOT_JIT)


def test_blocks_and_segments() -> None:
    (found,) = blocks(image().session())
    assert [block.id for block in found.blocks] == [1, 2, 3, 9]
    assert [table.name for table in found.tables] == ["code-map", "retired"]
    (wanted,) = blocks(image().session(), Wanted(kind="baselinetier", function="sum"))
    assert [block.id for block in wanted.blocks] == [2, 9]
    ((space,),) = (one.segments for one in segments(image().session()))
    assert space.base <= BASE < space.base + space.capacity


def test_a_table_that_is_torn_or_lost() -> None:
    made = image()
    torn = made.with_word(made.places["segments.buffer0"] + CHECKSUM, 0, 4)
    (found,) = segments(torn.session())
    assert found.table.stale
    lost = torn.with_word(made.places["segments.buffer1"] + CHECKSUM, 1, 4)
    (found,) = segments(lost.session())
    assert isinstance(found.table.rows, Absent)
    assert found.table.rows.reason is Reason.DAMAGED
    assert found.segments == ()


def test_a_table_is_listed_as_far_as_a_report_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST", 1)
    (found,) = blocks(image().session())
    assert [block.id for block in found.blocks] == [1, 2, 9]
