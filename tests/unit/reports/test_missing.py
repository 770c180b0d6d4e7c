"""Memory that a core does not have."""

from __future__ import annotations

from mtedbg.analysis.postmortem.missing import missing_memory
from mtedbg.dataclass import replace
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.report import rows_of
from mtedbg.reports.missing import answer
from mtedbg.session import Session
from tests.support.fake import FakeTarget

PAGE = 4096
WHOLE = Region(PAGE, 2 * PAGE, "rw-", "whole", tagged=True)


def lacking(*regions: Region, tags: dict[int, bytes] | None = None) -> Session:
    return Session(FakeTarget(mappings=list(regions), tags=tags or {}))


def test_each_mapping_says_what_it_lacks():
    session = lacking(
        replace(WHOLE, start=0x1000, end=0x2000, name="tags"),
        replace(WHOLE, start=0x2000, end=0x3000, name="both", dumped=False),
        replace(WHOLE, start=0x3000, end=0x4000, name="contents", tagged=False, dumped=False),
        replace(WHOLE, start=0x4000, end=0x5000, name="whole"),
        replace(WHOLE, start=0x5000, end=0x6000, name="nobody's", perms="---", dumped=False),
        tags={0x4000: bytes(256)},
    )
    found = answer(missing_memory(session))
    assert {row["name"]: row["missing"] for row in rows_of(found.body)} == {
        "tags": "tags",
        "both": "contents and tags",
        "contents": "contents",
    }
    assert found.notes == ()


def test_where_all_is_there_that_is_said():
    found = answer(missing_memory(lacking(WHOLE, tags={PAGE: bytes(256)})))
    assert (rows_of(found.body), found.notes) == (
        (),
        ("all mappings are present, with their tags",),
    )


def test_those_that_are_not_shown_are_counted():
    regions = [replace(WHOLE, start=n * PAGE, end=(n + 1) * PAGE) for n in range(5)]
    found = answer(missing_memory(lacking(*regions)), 3)
    assert len(rows_of(found.body)) == 3
    assert found.notes == ("and 2 more",)


def test_where_mappings_are_not_known():
    unknown = Absent(Reason.UNKNOWN, "no list")
    found = answer(missing_memory(Session(FakeTarget(mappings=unknown))))
    assert found.notes == ("mappings: cannot be told here (no list)",)
