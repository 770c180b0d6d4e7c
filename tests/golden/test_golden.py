"""The exact text and JSON of every command on frozen kernel cores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.golden.cases import (
    CORES,
    EXPECTED,
    PROVENANCE,
    SAID,
    Question,
    answer,
    questions,
    unpacked,
)
from tests.golden.helps import HELP, Meanings, all_meanings, help_text, meanings, without_help

QUESTIONS = questions()


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The cores, unpacked, by name."""
    names = {question.core for question in QUESTIONS}
    return {name: unpacked(name, tmp_path_factory.mktemp(name)) for name in names}


@pytest.fixture(scope="session")
def every() -> Meanings:
    """The help of all columns."""
    return all_meanings()


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_the_answer_is_exact(
    frozen: dict[str, Path],
    every: Meanings,
    question: Question,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = answer(question, frozen[question.core])
    assert without_help(given) == question.expected.read_text()
    if question.as_json:
        assert meanings(given).items() <= every.items()
    said = "" if question.as_json else SAID.get(question.core, "")
    assert capsys.readouterr().err == said


def test_help_is_exact(every: Meanings) -> None:
    assert help_text(every) == HELP.read_text()


def test_no_answer_is_left_over() -> None:
    there = {path for path in EXPECTED.rglob("*") if path.is_file()}
    assert there == {question.expected for question in QUESTIONS} | {HELP}


def test_a_columns_help_stands_in_one_golden_alone() -> None:
    """What is left out of the answers is everything that JSON says a column means."""
    for question in QUESTIONS:
        if question.as_json:
            assert '"help":' not in question.expected.read_text()


def test_the_cores_are_those_of_the_provenance(frozen: dict[str, Path]) -> None:
    made = json.loads(PROVENANCE.read_text())["cores"]
    for name, core in frozen.items():
        assert hashlib.sha256(core.read_bytes()).hexdigest() == made[name]["sha256"]
    assert sum(path.stat().st_size for path in CORES.iterdir()) < 5 << 20
