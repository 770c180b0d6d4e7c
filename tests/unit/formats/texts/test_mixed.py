"""Crashes put into logs of anything are found, all and no others, each with its own facts."""

from __future__ import annotations

import random

import pytest

from mtedbg.analysis.postmortem.crash_text import explain, explained
from mtedbg.formats.texts import read
from tests.support import mixed_logs
from tests.support.crash_texts import CASES
from tests.unit.formats.texts.test_writers import is_as, only

# A word by itself counts only where nothing else is.
STRONG = tuple(
    case
    for case in CASES
    if case.name not in ("words-async", "words-cause", "rust-panic", "words-sent")
)
ANDROID = tuple(case for case in STRONG if case.name.startswith("android"))


@pytest.mark.parametrize("wrapper", mixed_logs.ANYWHERE, ids=lambda one: one.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_however_it_is_carried(case, wrapper):
    lines = wrapper(case.text.splitlines(), random.Random(1))
    is_as(only("\n".join(lines)), case)


@pytest.mark.parametrize("number", range(len(mixed_logs.ANDROID)))
@pytest.mark.parametrize("name", ["android-sync", "gwp-asan-tombstone", "android-guest"])
def test_in_every_form_of_logcat(name, number):
    case = next(case for case in CASES if case.name == name)
    lines = mixed_logs.ANDROID[number](case.text.splitlines(), random.Random(1))
    is_as(only("\n".join(lines)), case)


@pytest.mark.parametrize("seed", range(40))
def test_all_that_was_put_in_and_nothing_else(seed):
    chance = random.Random(seed)
    cases = chance.sample(STRONG, 12)
    found = tuple(explained(read(mixed_logs.mixed(cases, chance, mixed_logs.ANYWHERE, 30))))
    assert [one.text.source for one in found] == [only(case.text).text.source for case in cases]
    for one, case in zip(found, cases, strict=True):
        is_as(one, case)


def test_a_megabyte_of_noise_is_no_crash():
    text = "\n".join(mixed_logs.noise(random.Random(7), 45_000))
    assert len(text) > 1 << 20
    assert not list(read(text))


@pytest.mark.parametrize("seed", range(4))
def test_a_megabyte_with_all_of_them(seed):
    chance = random.Random(seed)
    cases = [*STRONG]
    chance.shuffle(cases)
    text = mixed_logs.mixed(cases, chance, mixed_logs.ANYWHERE, 1200)
    assert len(text) > 1 << 20
    found = tuple(explained(read(text)))
    assert [one.text.source for one in found] == [only(case.text).text.source for case in cases]
    for one, case in zip(found, cases, strict=True):
        is_as(one, case)


@pytest.mark.parametrize("seed", range(30))
def test_interleaved_by_process(seed):
    chance = random.Random(seed)
    cases = chance.sample(ANDROID, 2)
    queues = [mixed_logs.THREADTIME(case.text.splitlines(), chance) for case in cases]
    queues.append(mixed_logs.THREADTIME(mixed_logs.noise(chance, 60), chance))
    lines = []
    while any(queues):
        lines.append(chance.choice([queue for queue in queues if queue]).pop(0))
    found = explain("\n".join(lines))
    by_pid = {one.text.pid: one for one in found}
    assert len(found) == len(by_pid) == 2
    for case in cases:
        is_as(by_pid[only(case.text).text.pid], case)
