"""Crashes that were grouped by an earlier run have to be found in their groups again.

A signature's id is made of its words. Who changes one of them raises `VERSION`, so that states
kept by earlier readers are read again, and writes the new ids here.
"""

from pathlib import Path

import pytest

from mtedbg.adapters.dead import open_dead
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.model.triage import VERSION
from mtedbg.session import Session
from tests.golden.cases import unpacked

IDS = {
    "sync": "21271213600b",
    "filtered": "21271213600b",
    "async": "068147942392",
    "heap": "cdf04b9d2a3e",
    "abort": "d7d748bd64d3",
    "other-null": "e2d32dbd435e",
    "other-misaligned": "c574d3386acd",
    "other-signed": "96ff21af0c7b",
    "other-guarded": "1de1da1b059e",
    "other-data": "b10029bb6ed2",
    "other-file": "81aa2ceefaef",
    "sigabrt": "1b0ba42be776",
    "runtime-thunk": "516f6186b07f",
    "runtime-lockstep": "e1d362df4d21",
    "runtime-stale": "acff5cc26754",
    "runtime-patch": "770c903cf71a",
    "runtime-insert": "5adac8f969b5",
}
"""Of frozen cores, one for each kind of signature, in version 8."""


@pytest.mark.parametrize("core", IDS)
def test_other_words_are_another_version(core: str, tmp_path: Path) -> None:
    found, _ = signature(Session(open_dead(str(unpacked(core, tmp_path)), files=False)))
    assert (VERSION, found.id) == (8, IDS[core]), f"{found}: see above"
