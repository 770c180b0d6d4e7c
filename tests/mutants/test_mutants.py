"""A sample of the faults, and what each of them says of itself; `make mutants` runs all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutants.mutants import MUTANTS, Mutant
from tests.mutants.run import SOURCES, Outcome, outcome_of

SAMPLE = ("retag-without-guard", "every-export-renewed")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_it_still_applies(mutant: Mutant) -> None:
    assert mutant.old != mutant.new
    assert (SOURCES / mutant.file).read_text().count(mutant.old) == 1
    for test in mutant.tests:
        assert (SOURCES.parent / f"tests/{test}.cc").is_file()


def test_names_are_unique() -> None:
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_fault_is_noticed(name: str) -> None:
    (mutant,) = [one for one in MUTANTS if one.name == name]
    assert outcome_of(mutant) is Outcome.KILLED


def test_what_is_no_fault_survives() -> None:
    (mutant,) = [one for one in MUTANTS if one.name == "host-gives-back-without-barrier"]
    harmless = replace(mutant, new=mutant.old.replace("return;", "{ return; }"))
    assert outcome_of(harmless) is Outcome.SURVIVED
    assert outcome_of(replace(mutant, old="no such text")) is Outcome.GONE
    assert outcome_of(replace(mutant, new="no such text")) is Outcome.BROKEN
