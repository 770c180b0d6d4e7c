"""Every frozen core, with terabytes of memory that may be executed: a damaged core may say so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mtedbg.commands._offline import answer_line
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent
from mtedbg.session import Session
from tests.jits.engines import CORES
from tests.jits.frozen import TERABYTES, session_of, session_of_core, with_memory

NAMES = sorted(each.name.removesuffix(".core.gz") for each in CORES.glob("*.core.gz"))
LIMIT_S = 20


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_same_and_take_as_long(name: str, tmp_path: Path) -> None:
    core = with_memory(name, *TERABYTES, tmp_path)
    began = time.process_time()
    whole, other = session_of(name), session_of_core(core)
    regions = other.target.regions()
    assert not isinstance(regions, Absent)
    assert TERABYTES in [(one.start, one.end) for one in regions]
    for question in ("jit-block $pc", "jit-block $x30", "jit-blocks"):
        wanted, found = (_rows(session, question) for session in (whole, other))
        # A word may be an address there by chance; what the core has, it has all the same.
        assert not [one for one in wanted if one not in found], question
    assert time.process_time() - began < LIMIT_S


def _rows(session: Session, question: str) -> list[object]:
    """What is answered; who cannot answer says why."""
    try:
        return list(answer_line(session, question).rows)
    except MtedbgError as error:
        return [error.message]
