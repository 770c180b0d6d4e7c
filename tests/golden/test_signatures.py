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
    "sync": "d281b9ef140f",
    "filtered": "c17dda9441c8",
    "async": "889f0e33b7e2",
    "heap": "7bd02e850d95",
    "abort": "ca869b50f439",
    "other-null": "6ac82d55ca68",
    "other-misaligned": "2b7a11d4b3a7",
    "other-signed": "331ab5fc7a6d",
    "other-guarded": "93c3f222b63d",
    "other-data": "0552551ca522",
    "other-file": "f5bcbb09e51c",
    "sigabrt": "60275be4c3b2",
    "runtime-thunk": "7f39d5605543",
    "runtime-lockstep": "187c09007aad",
    "runtime-stale": "511c03147e6a",
    "runtime-patch": "ece0ada6c0af",
    "runtime-insert": "5cc1d384bde1",
}
"""Of frozen cores, one for each kind of signature, in version 3."""


@pytest.mark.parametrize("core", IDS)
def test_other_words_are_another_version(core: str, tmp_path: Path) -> None:
    found = signature(Session(open_dead(str(unpacked(core, tmp_path)), files=False)))
    assert (VERSION, found.id) == (3, IDS[core]), f"{found}: see above"
