"""Instructions are counted as `make programs-table` does it: of a loop whose length is known."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from bench.order.instructions import Instructions, Translators, translators
from tests.support import x86_64

pytestmark = x86_64.only_natively("the machine's C library is for another processor")

ROUNDS = 50_000
GUEST = 3
"""Instructions of a round."""
MOST = 10 * GUEST
"""Of a round, translated."""


@pytest.fixture(scope="module")
def three() -> Iterator[Translators]:
    with translators() as booted:
        yield booted


@pytest.mark.parametrize("name", ["ours", "qemu", "box64"])
def test_rounds_are_counted(three: Translators, name: str) -> None:
    """More rounds are so many instructions more, all of them of the code that was made."""
    run = getattr(three, name)
    counts = [run(["loop", str(times * ROUNDS)]) for times in (2, 3, 4)]
    assert all(isinstance(one, Instructions) for one in counts), counts
    rounds = [(two.made - one.made) / ROUNDS for one, two in pairwise(counts)]
    assert rounds[0] == pytest.approx(rounds[1], rel=0.02)
    assert GUEST * 0.6 < rounds[0] < MOST
    own = [one.all - one.made for one in counts]
    assert min(own) > 0
    # Lockstep's turns are the translator's.
    assert all(two - one < MOST * ROUNDS for one, two in pairwise(own))


def test_why_not(three: Translators) -> None:
    found = three.qemu(["no such program"])
    assert isinstance(found, str)
    assert "no such program" in found
