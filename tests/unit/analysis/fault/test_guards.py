"""Faults on memory that may not be accessed, beside what an allocator gave out."""

from __future__ import annotations

import pytest

from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.heaps import START, glibc_heap
from tests.unit.decode.heap.test_gwp_asan import PAGE, POOL, process

CODE = 0x40_0000
SIGSEGV, MAPERR, ACCERR = 11, 1, 2


def asked(
    target: FakeTarget, text: str, code: int = ACCERR, file: str = "/bin/fake", **registers: int
) -> tuple[Hypothesis, ...]:
    """The hypotheses of a thread that faulted at `text`."""
    target.memory[CODE] = assemble([text])[0].to_bytes(4, "little")
    assert isinstance(target.mappings, list)
    target.mappings.append(Region(CODE, CODE + PAGE, "r-x", file, tagged=False))
    target.mappings.sort(key=lambda region: region.start)
    target.register_sets[1] = {"pc": CODE, **registers}
    session = Session(target)
    target.signals[1] = SignalInfo(SIGSEGV, code, 0)
    at = fault(session, session.current_thread()).at
    assert isinstance(at.pointer, int)
    target.signals[1] = SignalInfo(SIGSEGV, code, at.pointer)
    session = Session(target)
    return heap_hypotheses(session, fault(session, session.current_thread()))


@pytest.mark.parametrize(
    ("address", "relation", "words"),
    [
        (2 * PAGE, Relation.OVERFLOW, "right after an object of 48 bytes"),
        (2 * PAGE + 104, Relation.OVERFLOW, "104 bytes past the end of an object of 48 bytes"),
        (3 * PAGE + 8, Relation.USE_AFTER_FREE, "8 bytes into a freed object of 48 bytes"),
        (3 * PAGE - 8, Relation.USE_AFTER_FREE, "8 bytes before a freed object of 48 bytes"),
    ],
)
def test_what_gwp_asan_has_sampled(address, relation, words):
    (found,) = asked(process(), "ldr x0, [x1]", x1=POOL + address)
    assert (found.relation, found.strength) == (relation, Strength.READ)
    assert words in found.what
    assert found.object is not None
    assert found.object.allocator == "GWP-ASan"


@pytest.mark.parametrize(
    ("error", "relation", "words"),
    [
        (2, Relation.DOUBLE_FREE, "double free: at the beginning of a freed object of 48 bytes"),
        (3, Relation.INVALID_FREE, "invalid free: at the beginning of a freed object of 48 bytes"),
    ],
)
def test_errors_that_it_found_itself(error, relation, words):
    target = process(extra=1, error=error, at=POOL + 3 * PAGE)
    (found,) = asked(target, "str x0, [x1]", x1=POOL + 8 * PAGE - 16)
    assert found.relation is relation
    assert words in found.what


def large(**registers: int) -> FakeTarget:
    """A heap whose only chunk ends with its mapping."""
    target = glibc_heap([(0x2000, 5), (0x1F80, 7), (0x30, 3)], size=0x4000).target(size=0x4000)
    assert isinstance(target.mappings, list)
    end = target.mappings[0].end
    target.mappings.append(Region(end, end + PAGE, "---", "", tagged=False, dumped=False))
    return target


@pytest.mark.parametrize("code", [ACCERR, MAPERR])
def test_past_an_object_by_its_own_base_register(code):
    begin = START + 0x2020
    end = START + 0x4000
    (found,) = asked(large(), "ldr x0, [x1, x2]", code, x1=begin | 7 << 56, x2=end - begin + 8)
    assert (found.relation, found.strength) == (Relation.OVERFLOW, Strength.READ)
    assert found.object is not None
    assert (found.object.start, found.offset) == (begin, end - begin + 8)


def test_a_pointer_that_nothing_is_known_of_is_no_objects():
    assert asked(large(), "ldr x0, [x1]", x1=START + 0x4008) == ()
    assert asked(FakeTarget(), "ldr x0, [x1]", MAPERR, x1=0x4141414141414141) == ()


def test_a_fault_within_free():
    target = FakeTarget(symbols={"free": CODE})
    (found,) = asked(target, "ldr x0, [x1]", MAPERR, "/lib/libc.so.6", x1=0x1234_5678_0000)
    assert (found.relation, found.strength) == (Relation.INVALID_FREE, Strength.LIKELY)
    assert found.reasons == ("it is in free, or in what that calls",)
