"""Who may have caused an asynchronous tag check fault, and what is read to tell."""

from __future__ import annotations

import pytest

from mtedbg.analysis.fault.suspects import LOOK_BACK, BaseUse, Suspect, suspects
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.scenes import HEAP, tagged, target_at

CODE = 0x4000_0000


def asked(before: int, gap: int) -> tuple[Suspect, ...]:
    """The suspects where `before` instructions can be read, the first a load `gap` of them back."""
    load, nop = assemble(["ldr x1, [x3]", "nop"])
    words = [nop] * before
    words[before - gap] = load
    base = target_at()
    target = FakeTarget(
        memory={CODE: b"".join(word.to_bytes(4, "little") for word in words)},
        tags=base.tags,
        mappings=base.mappings,
    )
    pc = CODE + 4 * before
    return suspects(Session(target), {"x3": tagged(HEAP, 3), "x4": HEAP}, pc)


@pytest.mark.parametrize("before", [1, 2, 7, LOOK_BACK - 1, LOOK_BACK])
def test_the_first_readable_instruction_is_seen(before):
    first, innocent = asked(before, before)
    assert (first.name, first.pointer_tag, first.memory_tag) == ("x3", 3, 11)
    assert first.used == BaseUse("pc", before)
    assert (innocent.register, innocent.used) == ("x4", None)


def test_none_is_looked_at_from_too_far_away():
    first, _ = asked(LOOK_BACK + 1, LOOK_BACK + 1)
    assert first.used is None
