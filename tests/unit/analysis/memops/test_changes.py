"""Changes in flight, and threads with a stale pair."""

from __future__ import annotations

from typing import Any

import pytest

from mtedbg.analysis.memops.changes import Change, changes, step_of
from mtedbg.analysis.memops.stale import stale_pair, stale_pairs
from mtedbg.dataclass import replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.operation import Operation
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image
from tests.support.scenes import OTHER, OWN, runtime_at


def change() -> Change:
    (found,) = changes(runtime_at(OWN, 0))
    return found


def with_entry(**fields: Any) -> Change:
    found = change()
    return replace(found, entry=replace(found.entry, **fields))


def test_a_patch_in_flight() -> None:
    found = change()
    assert (found.entry.operation, found.thread) == (Operation.PATCH_MEMOP, 1)
    assert str(found) == "local → shared patch of memop 3 in progress by thread 1"
    assert "[1]" in str(step_of(found))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"operation": "RetagOnly", "address": 0x5000, "old_tag": 2, "new_tag": 0},
            "retag of 0x5000, tag 2 → 0, in progress by thread 1",
        ),
        (
            {"operation": "InsertBlock", "block": 7, "thread": 0},
            "insertion of block 7 in progress",
        ),
        ({"operation": "RetireBlock", "block": 7}, "removal of block 7 in progress by thread 1"),
        ({"operation": "Unheard"}, "Unheard in progress by thread 1"),
    ],
)
def test_other_changes_in_words(fields: dict[str, Any], words: str) -> None:
    found = with_entry(**fields)
    assert str(found) == words
    assert step_of(found) == NOT_APPLICABLE


def test_a_thread_that_is_not_known_is_named_by_its_guest() -> None:
    unknown = replace(change(), thread=Absent(Reason.UNKNOWN))
    assert str(unknown).endswith(f"by guest thread {unknown.entry.thread}")


def test_a_runtime_that_cannot_be_read_has_none() -> None:
    assert changes(image().with_root(0, 1).session()) == ()
    assert changes(image().with_schema("Journal.phase :", "Journal.phasE :").session()) == ()
    assert changes(Session(FakeTarget())) == ()


def test_stale_pairs() -> None:
    session = runtime_at(OTHER, 0)
    (found,) = stale_pairs(session)
    assert (found.thread.number, found.memop.id, found.pair.left) == (1, 1, OTHER)
    assert stale_pair(session, found.thread) is found
    assert stale_pairs(runtime_at(OWN, 0)) == ()
    assert stale_pairs(Session(FakeTarget())) == ()
