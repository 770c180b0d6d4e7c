"""Finds cases in which the runtime differs from the processor, and makes them small."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.oracle import machine
from tests.oracle.case import Case, Outcome, differences

Cases = st.SearchStrategy[tuple[Case, ...]]
_HEALTH = list(HealthCheck)


def generate(strategy: Cases, examples: int, seed: int) -> list[Case]:
    """The different cases of so many examples, as hypothesis makes them of this seed."""
    found: dict[Case, None] = {}

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=_HEALTH,
    )
    @hypothesis.given(strategy)
    def collect(cases: tuple[Case, ...]) -> None:
        found.update(dict.fromkeys(cases))

    collect()
    return list(found)


def judge(
    cases: Sequence[Case], native: Iterable[Outcome], runtime: Iterable[Outcome]
) -> dict[Case, list[str]]:
    """The cases that differ, and how."""
    both = zip(cases, native, runtime, strict=True)
    return {case: found for case, a, b in both if (found := list(differences(case, a, b)))}


def compare(
    cases: Sequence[Case], options: str = "", at_once: int = machine.BATCH
) -> dict[Case, list[str]]:
    """Runs all in both worlds, so many in a program: the cases that differ, and how."""
    native = machine.natively(cases, at_once)
    return judge(cases, native, machine.in_runtime(cases, options, at_once))


def smallest(strategy: Cases, examples: int, seed: int, wrong: Case, options: str = "") -> Case:
    """The same difference with as little around it as hypothesis can make it.

    Args:
        strategy, examples, seed: as `generate` had them when it made `wrong`.
        wrong: a case that differs.
        options: of the runtime, with which it differs.
    """
    small, reached = wrong, False

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        phases=[Phase.generate, Phase.shrink],
        deadline=None,
        database=None,
        suppress_health_check=_HEALTH,
    )
    @hypothesis.given(strategy)
    def shrink(cases: tuple[Case, ...]) -> None:
        nonlocal small, reached
        reached = reached or wrong in cases
        if reached and (found := compare(cases, options)):
            small = next(iter(found))
            raise AssertionError

    with contextlib.suppress(AssertionError):
        shrink()
    return small
