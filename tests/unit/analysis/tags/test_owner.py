"""Whose memory a tag marks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mtedbg.analysis.tags.owner import owner, owner_of, owners
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.session import Session
from tests.support.fake import FakeTarget


def session_with(runtimes) -> Session:
    session = Session(FakeTarget())
    session.__dict__["runtimes"] = runtimes
    return session


def test_conventions():
    assert [owner_of(tag, 0) for tag in range(16)] == ["shared", *range(1, 16)]
    assert [owner_of(tag, 15) for tag in range(16)] == [*range(15), "shared"]


def test_no_runtime():
    assert owner(session_with(Absent(Reason.NO_RUNTIME)), 3) is NOT_APPLICABLE


def test_damaged_runtime():
    hole = Absent(Reason.DAMAGED, "checksum")
    assert owner(session_with(hole), 3) == hole


def test_one_runtime():
    assert owners(session_with((SimpleNamespace(shared_tag=0),)))[:3] == ("shared", 1, 2)


@pytest.mark.parametrize(("first", "second", "agree"), [(0, 0, True), (0, 15, False)])
def test_several_runtimes(first, second, agree):
    runtimes = (SimpleNamespace(shared_tag=first), SimpleNamespace(shared_tag=second))
    assert (owner(session_with(runtimes), 1) == 1) is agree
