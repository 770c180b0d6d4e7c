"""Enumerated lockstep schedules: what the runtime did may only end as x86 allows.

A sample of each test's rounds, the same each time; `python -m tests.soundness` runs all of them.
"""

import pytest

from tests.soundness.arm import Everywhere, Form, Patch, Tag
from tests.soundness.plan import SOUND, Config, judged
from tests.soundness.schedules import TESTS, rounds, sample
from tests.soundness.traces import Traced, form_of, steps_of

ROUNDS = 72
SEED_ROUNDS = 192


@pytest.mark.parametrize("config", SOUND, ids=str)
@pytest.mark.parametrize("name", TESTS)
def test_sound_policies_end_as_x86_allows(name: str, config: Config) -> None:
    result = judged(config, TESTS[name], sample(TESTS[name], ROUNDS))
    assert len(result.rounds) == ROUNDS
    assert not result.violations, result.violations[0]


def kinds(traced: Traced) -> set[object]:
    """What happened in a round: steps by their kind, accesses by their form."""
    forms = {turn.access.form for turn in traced.turns if turn.access is not None}
    return {type(step) for step in steps_of(traced.turns)} | forms


def test_memory_moves_in_the_middle_of_these_rounds() -> None:
    """A sample in which nothing is patched or retagged would be sound under any policy."""
    result = judged(Config(), TESTS["MP"], sample(TESTS["MP"], ROUNDS))
    seen = [kinds(traced) for traced in result.rounds]
    assert sum(Tag in each for each in seen) > ROUNDS / 4
    assert sum(Patch in each for each in seen) > ROUNDS / 4
    assert sum({Form.PLAIN, Form.ORDERED, Everywhere} <= each for each in seen) > ROUNDS / 4


@pytest.mark.parametrize("tag", [0, 15])
def test_the_idea_as_first_written_breaks_message_passing(tag: int) -> None:
    config = Config("seed", tag, common=True)
    bad = judged(config, TESTS["MP+2"], sample(TESTS["MP+2"], SEED_ROUNDS)).violations
    assert {violation.stale for violation in bad} == {False, True}


def test_the_number_of_rounds_is_known() -> None:
    """Ten tests; a mistake in the enumeration would show here."""
    counts = {name: sum(1 for _ in rounds(test)) for name, test in TESTS.items()}
    assert counts["MP"] == 6 * 5 * 16 * 4
    assert all(len(set(sample(test, ROUNDS))) == ROUNDS for test in TESTS.values())


def test_another_word_is_no_memop() -> None:
    with pytest.raises(AssertionError, match="0xd503201f"):
        form_of(0xD503201F)
