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

QUESTIONS = questions()


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The cores, unpacked, by name."""
    names = {question.core for question in QUESTIONS}
    return {name: unpacked(name, tmp_path_factory.mktemp(name)) for name in names}


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_the_answer_is_exact(
    frozen: dict[str, Path], question: Question, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(question, frozen[question.core]) == question.expected.read_text()
    said = "" if question.as_json else SAID.get(question.core, "")
    assert capsys.readouterr().err == said


def test_no_answer_is_left_over() -> None:
    there = {path for path in EXPECTED.rglob("*") if path.is_file()}
    assert there == {question.expected for question in QUESTIONS}


def test_the_cores_are_those_of_the_provenance(frozen: dict[str, Path]) -> None:
    made = json.loads(PROVENANCE.read_text())["cores"]
    for name, core in frozen.items():
        assert hashlib.sha256(core.read_bytes()).hexdigest() == made[name]["sha256"]
    assert sum(path.stat().st_size for path in CORES.iterdir()) < 5 << 20
