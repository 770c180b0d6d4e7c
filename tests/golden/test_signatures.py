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
    "sync": "edde9bd67587",
    "filtered": "edde9bd67587",
    "async": "a4e65901f24a",
    "heap": "a274e20dfdb6",
    "abort": "bfd093e85328",
    "other-null": "1dc256db0f8a",
    "other-misaligned": "f63527ed4283",
    "other-signed": "467904b9a821",
    "other-guarded": "2e38070b0d5b",
    "other-data": "a0513860973a",
    "other-file": "4993784b0c7f",
    "sigabrt": "44a5bbc2193d",
    "runtime-thunk": "554e06c67929",
    "runtime-lockstep": "fd119b1eca0b",
    "runtime-stale": "50d5ec345d73",
    "runtime-patch": "2fbb5f292343",
    "runtime-insert": "4deeea9c750e",
}
"""Of frozen cores, one for each kind of signature, in version 4."""


@pytest.mark.parametrize("core", IDS)
def test_other_words_are_another_version(core: str, tmp_path: Path) -> None:
    found, _ = signature(Session(open_dead(str(unpacked(core, tmp_path)), files=False)))
    assert (VERSION, found.id) == (4, IDS[core]), f"{found}: see above"
