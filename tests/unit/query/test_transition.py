"""What the handler will do, row by row of its table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.model.memop import Mode
from mtedbg.query.transition import Situation, transition

LOCAL, SHARED = Mode.LOCAL, Mode.SHARED
RETAGGED = "retag memory to shared, barrier, "
OWN, FOREIGN = 2, 3


@pytest.mark.parametrize("shared", [0, 15])
@pytest.mark.parametrize(
    ("mode", "whose", "policy", "expected"),
    [
        (LOCAL, "shared", "Sticky", "local → shared: patch memop to shared"),
        (LOCAL, "shared", "Seed", "local → shared: patch memop to shared"),
        (LOCAL, "foreign", "Sticky", f"local → shared: {RETAGGED}patch memop to shared"),
        (LOCAL, "own", "Sticky", "stays local, the core register was stale: reload it, retry"),
        (LOCAL, "own", "Interpret", "stays local, the core register was stale: reload it, retry"),
        (SHARED, "own", "Sticky", f"stays shared: {RETAGGED}retry"),
        (SHARED, "own", "Seed", "shared → local: patch memop to local"),
        (SHARED, "foreign", "Seed", f"stays shared: {RETAGGED}retry"),
        (SHARED, "shared", "Seed", "stays shared, another thread was first: retry"),
        (
            LOCAL,
            "shared",
            "Interpret",
            "interpret: perform the access in the handler, patch nothing",
        ),
        (
            SHARED,
            "foreign",
            "Interpret",
            "interpret: perform the access in the handler between barriers on every core,"
            " patch nothing",
        ),
    ],
)
def test_table(shared, mode, whose, policy, expected):
    tag = {"shared": shared, "own": OWN, "foreign": FOREIGN}[whose]
    assert transition(Situation(mode, [tag], OWN, shared, policy)) == expected


def test_two_granules_come_to_one_tag():
    """One pointer for both: where they are not all mine, all are taken to shared."""
    assert transition(Situation(SHARED, [OWN, 0], OWN, 0, "Seed")) == (
        f"stays shared: {RETAGGED}retry"
    )
    assert transition(Situation(LOCAL, [OWN, FOREIGN], OWN, 0, "Sticky")) == (
        f"local → shared: {RETAGGED}patch memop to shared"
    )


def test_a_pinned_memop_is_not_weakened():
    now = Situation(SHARED, [OWN], OWN, 0, "Seed", pinned=True)
    assert transition(now) == f"stays shared: {RETAGGED}retry"


@given(
    st.sampled_from([LOCAL, SHARED]),
    st.lists(st.integers(0, 15), min_size=1, max_size=2),
    st.sampled_from([0, 15]),
    st.sampled_from(["Seed", "Sticky", "Interpret"]),
    st.booleans(),
)
def test_nothing_is_mine_without_a_tag_of_my_own(mode, memory, shared, policy, pinned):
    """A core beyond the fifteenth never claims memory, and never believes a register stale."""
    said = transition(Situation(mode, memory, shared, shared, policy, pinned=pinned))
    assert "to local" not in said
    assert "stale" not in said
