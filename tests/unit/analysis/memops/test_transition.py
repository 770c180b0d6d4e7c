"""What the handler will do, row by row of its table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.analysis.memops.transition import Situation, situation, transition
from mtedbg.model.memop import Memop, Mode
from mtedbg.model.runtime import Config

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
        (LOCAL, "foreign", "Seed", "local → shared: retag memory to shared, patch memop to shared"),
        (SHARED, "foreign", "Seed", "shared → local: retag memory to core 2, patch memop to local"),
        (SHARED, "foreign", "Sticky", f"stays shared: {RETAGGED}retry"),
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
    assert transition(Situation(SHARED, [OWN, 0], OWN, 0, "Sticky")) == (
        f"stays shared: {RETAGGED}retry"
    )
    assert transition(Situation(LOCAL, [OWN, FOREIGN], OWN, 0, "Sticky")) == (
        f"local → shared: {RETAGGED}patch memop to shared"
    )


def test_a_pinned_memop_is_not_weakened():
    now = Situation(SHARED, [OWN], OWN, 0, "Seed", pinned=True)
    assert transition(now) == "stays shared: retag memory to shared, retry"


@pytest.mark.parametrize(
    ("mode", "memory", "expected"),
    [
        (LOCAL, [0], "stays local: retag memory to core 2, barrier, retry"),
        (LOCAL, [0, OWN], "stays local: retag memory to core 2, barrier, retry"),
        (LOCAL, [0, FOREIGN], f"local → shared: {RETAGGED}patch memop to shared"),
        (SHARED, [OWN], "shared → local: patch memop to local"),
        (SHARED, [OWN, 0], f"stays shared: {RETAGGED}retry"),
    ],
)
def test_memory_is_taken_back_past_the_threshold(mode, memory, expected):
    assert transition(Situation(mode, memory, OWN, 0, "Sticky", claims=True)) == expected


def test_thresholds():
    """The memop's faults so far against the runtime's thresholds."""

    def said(policy: str, faults: int, **config: int) -> str:
        memop = Memop(1, 0x100, 0xFC, 0, "Load", 8, "Local", faults=faults, pinned=0)
        return transition(situation(memop, Config(0, policy=policy, **config), [0], OWN))

    assert said("Sticky", 1, claim_threshold=2).startswith("local → shared")
    assert said("Sticky", 2, claim_threshold=2).startswith("stays local: retag")
    assert said("Sticky", 2, claim_threshold=0).startswith("local → shared")
    assert said("Interpret", 1, interpret_threshold=2).startswith("interpret")
    assert said("Interpret", 2, interpret_threshold=2).startswith("local → shared")
    assert said("Sticky", 2, claim_threshold=2, nobody_tag=OWN).startswith("local → shared")


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
