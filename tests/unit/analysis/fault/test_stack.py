"""Faults on a tagged stack, where no debug information names what is there."""

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
from tests.support.scenes import SIGSEGV, SYNC, tagged

CODE, STACK, PAGE = 0x40_0000, 0xFFFF_F000_0000, 4096
SP = STACK + 0x400
TAGS = {0x500: (3, 4), 0x540: (3, 5), 0x570: (2, 6)}
"""Of variables by where they begin: granules and tag; everything else has tag 0, as sp has."""


def asked(text: str, slot: int = 0, **registers: int) -> tuple[Hypothesis, ...]:
    tags = bytearray(PAGE // 16)
    stack = bytearray(PAGE)
    stack[SP - STACK + 8 : SP - STACK + 16] = slot.to_bytes(8, "little")
    for start, (count, tag) in TAGS.items():
        tags[start // 16 : start // 16 + count] = bytes([tag]) * count
    target = FakeTarget(
        memory={CODE: assemble([text])[0].to_bytes(4, "little"), STACK: bytes(stack)},
        tags={STACK: bytes(tags)},
        mappings=[
            Region(CODE, CODE + PAGE, "r-x", "/bin/fake", tagged=False),
            Region(STACK, STACK + PAGE, "rw-", "[stack]", tagged=True),
        ],
        register_sets={1: {"pc": CODE, "sp": SP, "x30": 0, "x29": 0, **registers}},
        signals={1: SignalInfo(SIGSEGV, SYNC, 0)},
    )
    session = Session(target)
    at = fault(session, session.current_thread()).at
    assert isinstance(at.pointer, int)
    target.signals[1] = SignalInfo(SIGSEGV, SYNC, at.pointer)
    session = Session(target)
    return heap_hypotheses(session, fault(session, session.current_thread()))


@pytest.mark.parametrize("below", [1, 16, 0x200])
def test_below_the_stack_pointer_is_after_a_return(below):
    first = asked("ldrb w0, [x1]", x1=tagged(SP - below, 7))[0]
    assert (first.relation, first.strength) == (Relation.USE_AFTER_RETURN, Strength.READ)
    assert f"{below} byte{'s' if below > 1 else ''} below the stack pointer" in first.what
    assert f"sp is {SP:#x}" in first.reasons[0]


def test_beyond_a_variable_whose_name_is_not_known():
    first = asked("ldr x0, [x1, #48]", x1=tagged(STACK + 0x500, 4))[0]
    assert (first.relation, first.strength) == (Relation.OVERFLOW, Strength.LIKELY)
    assert f"memory of 48 bytes with the pointer's tag at {STACK + 0x500:#x}" in first.what
    assert first.object is None


def test_what_is_nowhere_near_is_not_called_freed():
    found = asked("ldr x0, [x1, #8]", x1=tagged(STACK + 0x540, 12))
    assert all("use after free" not in one.what for one in found)
    assert found[0].relation in (Relation.USE_AFTER_RETURN, Relation.UNKNOWN)
    assert "use after return or scope" in found[0].what


@pytest.mark.parametrize(
    ("distance", "strength"),
    [
        (-1, Strength.LIKELY),
        (-16, Strength.LIKELY),
        (-17, Strength.POSSIBLE),
        (-109, Strength.POSSIBLE),
    ],
)
def test_a_variable_of_the_frame_with_the_tag_by_chance(distance, strength):
    """A frame holds pointers to its variables: one says nothing of an access that is not next."""
    start = STACK + 0x500
    found = asked("ldrb w0, [x1]", slot=tagged(start, 4), x1=tagged(start + distance, 4))
    under = next(one for one in found if one.relation is Relation.UNDERFLOW)
    assert "[sp+0x8] points to its first byte" in under.reasons[1]
    assert under.strength is strength
