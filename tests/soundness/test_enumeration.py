"""Enumerated lockstep schedules: what the runtime did may only end as x86 allows.

A sample of each test's rounds, the same each time; `make soundness` runs all of them.
"""

from dataclasses import replace

import pytest

from tests.soundness.plan import SOUND, Config, judged
from tests.soundness.schedules import SHARED, TESTS, choices
from tests.soundness.steps import Everywhere, Form, Patch, Tag
from tests.soundness.traces import Traced, form_of, steps_of

ROUNDS = 48
SEED_ROUNDS = 72


@pytest.mark.parametrize("config", SOUND, ids=str)
@pytest.mark.parametrize("name", TESTS)
def test_sound_policies_end_as_x86_allows(name: str, config: Config) -> None:
    result = judged(config, TESTS[name], choices(TESTS[name]).sample(ROUNDS, name))
    assert len(result.rounds) == ROUNDS
    assert not result.violations, result.violations[0]


def kinds(traced: Traced) -> set[object]:
    """What happened in a round: steps by their kind, accesses by their form."""
    forms = {turn.access.form for turn in traced.turns if turn.access is not None}
    return {type(step) for step in steps_of(traced.turns)} | forms


def test_memory_moves_in_the_middle_of_these_rounds() -> None:
    """A sample in which nothing is patched or retagged would be sound under any policy."""
    result = judged(Config(), TESTS["MP"], choices(TESTS["MP"]).sample(ROUNDS, "MP"))
    seen = [kinds(traced) for traced in result.rounds]
    assert sum(Tag in each for each in seen) > ROUNDS / 4
    assert sum(Patch in each for each in seen) > ROUNDS / 4
    assert sum({Form.PLAIN, Form.ORDERED, Everywhere} <= each for each in seen) > ROUNDS / 10


@pytest.mark.parametrize("start", ["shared", "either"])
def test_accesses_go_out_of_line_in_these_rounds(start: str) -> None:
    """From the first on, or when an ordered access meets its own memory; by both of their ways."""
    config = Config("follow", start=start)
    result = judged(config, TESTS["MP"], choices(TESTS["MP"]).sample(ROUNDS, "MP"))
    turns = [turn for traced in result.rounds for turn in traced.turns if turn.out_of_line]
    forms = [turn.access.form for turn in turns if turn.access is not None]
    assert forms.count(Form.PLAIN) > ROUNDS / 4
    assert start == "shared" or forms.count(Form.ORDERED) > ROUNDS / 4


def broken(test: str, config: Config, cells: tuple[int, ...], warm: set[int]) -> set[bool]:
    """Runs message passing under `seed`; for each violation whether it takes a stale pair."""
    some = replace(choices(TESTS[test]), cells=[cells], warm=[frozenset(warm)])
    chosen = some.sample(SEED_ROUNDS, test)
    return {violation.stale for violation in judged(config, TESTS[test], chosen).violations}


@pytest.mark.parametrize("tag", [0, 15])
def test_seed_lets_a_third_core_see_a_flag_without_its_data(tag: int) -> None:
    """Hazard 1: the flag is the producer's, the data are shared; one consumer takes the flag over,
    and the other has ordered accesses already."""
    assert False in broken("MP+2", Config("seed", tag), (SHARED, 1), {2})


@pytest.mark.parametrize("tag", [0, 15])
def test_seed_has_stale_pairs(tag: int) -> None:
    """Hazard 2: consumer and a third thread, which is in its own memory, run the same memops."""
    assert broken("MP+own", Config("seed", tag, common=True), (SHARED, SHARED, 3), {0, 1, 2}) == {
        True
    }


@pytest.mark.parametrize("tag", [0, 15])
def test_the_same_rounds_are_sound_otherwise(tag: int) -> None:
    assert not broken("MP+2", Config(tag=tag), (SHARED, 1), {2})
    claims = Config(tag=tag, claim=1, common=True)
    assert not broken("MP+own", claims, (SHARED, SHARED, 3), {0, 1, 2})


def test_the_number_of_rounds_is_known() -> None:
    """A mistake in the enumeration would show here."""
    some = choices(TESTS["MP"])
    every = list(some.rounds())
    assert len(every) == len(set(every)) == some.count() == 6 * 5 * 16 * 4
    assert set(some.sample(ROUNDS, "")) < set(every)
    assert choices(TESTS["IRIW"]).count() == 180 * 7 * 25 * 6


def test_another_word_is_no_memop() -> None:
    with pytest.raises(AssertionError, match="0xd503201f"):
        form_of(0xD503201F)
