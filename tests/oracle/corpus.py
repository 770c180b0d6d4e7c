"""The cases of a test run, those that were recorded, and those that once went wrong."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

from tests.oracle import check
from tests.oracle.case import ARENA, OUTPUT, STACK, X87, Case, Outcome
from tests.oracle.forms import FORMS, FUNCTIONS, Form
from tests.oracle.machine import ARENA_MID
from tests.oracle.strategies import tour

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json.xz"
REGRESSIONS = HERE / "regressions"
PART = 16
"""Forms in one example: more make hypothesis run out of choices."""


def parts(forms: tuple[Form, ...]) -> list[tuple[Form, ...]]:
    """`forms` in tuples that one example can hold."""
    return [forms[at : at + PART] for at in range(0, len(forms), PART)]


def of_forms(forms: tuple[Form, ...], examples: int, seed: int) -> list[Case]:
    """So many examples of each form, in sequences with others."""
    made = (check.generate(tour(part), examples, seed) for part in parts(forms))
    return list({case: None for cases in made for case in cases})


def every_form(examples: int, seed: int) -> list[Case]:
    """Examples of each instruction form."""
    return of_forms(FORMS, examples, seed)


def every_function(examples: int, seed: int) -> list[Case]:
    """Examples of calls of each compiled function."""
    return of_forms(FUNCTIONS, examples, seed)


def _untouched(case: Case) -> bytes:
    """The outcome of a sequence that does nothing, or nearly: what records are kept against."""
    given = case.input(ARENA_MID)
    stack = b"\x5a" * STACK
    return (
        given[:128] + bytes(8) + given[128 : 128 + ARENA] + stack + case.vector_input() + bytes(X87)
    )


def _difference(case: Case, record: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(_untouched(case), record, strict=True))


def write_recorded(cases: list[Case], outcomes: list[Outcome]) -> None:
    """Keeps what the processor did, for machines with another one."""
    records = [_difference(c, o.record).hex() for c, o in zip(cases, outcomes, strict=True)]
    text = json.dumps({"cases": [case.to_json() for case in cases], "records": records})
    RECORDED.write_bytes(lzma.compress(text.encode(), preset=9))


def read_recorded() -> tuple[list[Case], list[Outcome]]:
    """The recorded cases and what the processor did."""
    kept = json.loads(lzma.decompress(RECORDED.read_bytes()))
    cases = [Case.from_json(case) for case in kept["cases"]]
    records = [
        _difference(c, bytes.fromhex(r)) for c, r in zip(cases, kept["records"], strict=True)
    ]
    assert all(len(record) == OUTPUT for record in records)
    return cases, [Outcome(record) for record in records]


def regressions() -> list[Case]:
    """Cases that once differed, each a file with a name that says what was wrong."""
    files = sorted(REGRESSIONS.glob("*.json"))
    return [Case.from_json(json.loads(file.read_text())) for file in files]


def save(case: Case, name: str) -> Path:
    """Makes a regression of it."""
    file = REGRESSIONS / f"{name}.json"
    file.write_text(json.dumps(case.to_json(), indent=1) + "\n")
    return file
