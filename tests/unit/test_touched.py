"""Who touched what, by records of faults."""

from tests.support.touched import GRANULE, touched
from tests.support.trace import Record, What

ONE, OTHER = 1, 2
PAGE = 4096
CELL = 0x10000


def fault(core: int, address: int, rip: int = 0x400) -> Record:
    return Record(What.FAULTED, core, core, 0, 0, address, rip, 0)


def tags(address: int, size: int) -> Record:
    return Record(What.TAGS, 0, 0, 0, 0, address, size, 15)


def test_an_access_to_what_another_has_touched() -> None:
    mine, too, theirs = (fault(ONE, CELL + n, n) for n in (0, 8, GRANULE))
    found = touched([mine, fault(OTHER, CELL, 100), too, theirs, fault(ONE, CELL, 101)])
    assert found.ordered == {(100, 0), (8, 0), (101, 0)}
    assert (found.shared, found.executions.total()) == (3, 5)


def test_what_the_first_thread_has_touched_before() -> None:
    records = [fault(ONE, 0), fault(OTHER, CELL, 1), fault(ONE, CELL + GRANULE, 2)]
    assert touched(records, firsts=[CELL // GRANULE]).ordered == {(1, 0)}


def test_memory_that_is_mapped_anew() -> None:
    """A piece of pages; not a granule that gets another tag."""
    for size, shared in ((PAGE, 0), (GRANULE, 1)):
        records = [fault(ONE, CELL), tags(CELL, size), fault(OTHER, CELL)]
        assert touched(records, anew=PAGE).shared == shared
        assert touched(records).shared == 1
    outside = [fault(ONE, CELL), tags(CELL + GRANULE, PAGE), fault(OTHER, CELL)]
    many = [fault(OTHER, 0x90000 + n * GRANULE) for n in range(2 * PAGE // GRANULE)]
    assert touched([*many, *outside], anew=PAGE).shared == 1
