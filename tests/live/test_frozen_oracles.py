"""Every frozen core: signal, registers, tags and regions are those that GDB and LLDB read."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region
from tests.golden.cases import PROVENANCE, unpacked
from tests.support.compile import ROOT
from tests.support.lldb_session import ONE_BY_ONE
from tests.support.oracles import GRANULE, tool

NAMES = tuple(json.loads(PROVENANCE.read_text())["cores"])
GRANULES = 4
INSIDE = ROOT / "tests/support"
NO_NETWORK = "settings set symbols.enable-external-lookup false"

Said = dict[str, Any]


def place_of(name: str, folder: Path) -> Path:
    """A frozen core, alone in its folder: no program lies beside it."""
    place = folder / name
    place.mkdir()
    return unpacked(name, place).rename(place / f"{name}.core")


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("frozen")
    return {name: place_of(name, folder) for name in NAMES}


def target_of(core: Path) -> CoreTarget:
    return CoreTarget(core, sysroot="/nonexistent")


def tagged(core: Path) -> list[Region]:
    regions = target_of(core).regions()
    assert not isinstance(regions, Absent)
    return [region for region in regions if region.tagged]


def granules(core: Path) -> list[int]:
    """The first ones of each tagged mapping."""
    return [
        region.start + number * GRANULE for region in tagged(core) for number in range(GRANULES)
    ]


def ask(command: list[str], cores: dict[str, Path], folder: Path) -> dict[str, Said]:
    """What a debugger says of all of them."""
    asked, said = folder / "asked.json", folder / "said.json"
    asked.write_text(json.dumps({str(core): granules(core) for core in cores.values()}))
    environment = {**os.environ, "FROZEN": str(asked), "SAID": str(said), "DEBUGINFOD_URLS": ""}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert said.exists(), done.stdout + done.stderr
    found = json.loads(said.read_text())
    return {name: found[str(core)] for name, core in cores.items()}


@pytest.fixture(scope="module")
def gdb(cores: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    command = [tool("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off"]
    command += ["-iex", "set python print-stack full", "-x", str(INSIDE / "frozen_in_gdb.py")]
    return ask(command, cores, tmp_path_factory.mktemp("gdb"))


@pytest.fixture(scope="module")
def lldb(cores: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    command = [tool("lldb"), "-x", "-b", "-o", NO_NETWORK, "-o", ONE_BY_ONE]
    command += ["-o", f"command script import {INSIDE / 'frozen_in_lldb.py'}"]
    return ask(command, cores, tmp_path_factory.mktemp("lldb"))


@pytest.mark.parametrize("name", NAMES)
def test_signal_and_registers(
    cores: dict[str, Path], gdb: dict[str, Said], lldb: dict[str, Said], name: str
) -> None:
    target = target_of(cores[name])
    threads = target.threads()
    tids = {str(thread.tid) for thread in threads}
    assert set(gdb[name]["threads"]) == set(lldb[name]["threads"]) == tids
    for thread in threads:
        theirs, others = (said[name]["threads"][str(thread.tid)] for said in (gdb, lldb))
        ours = target.registers(thread)
        assert not isinstance(ours, Absent)
        assert {key: ours[key] for key in theirs["registers"]} == theirs["registers"]
        assert {key: ours[key] for key in theirs["registers"]} == {
            key: others["registers"][key] for key in theirs["registers"]
        }
        signal = target.signal(thread)
        if isinstance(signal, Absent):
            assert (theirs["signal"], others["signal"]) == (None, 0)
            continue
        assert [signal.number, signal.code] == theirs["signal"]
        assert signal.number == others["signal"]
        kinds = {8: "async tag check fault", 9: "sync tag check fault"}
        if signal.number == 11 and signal.code in kinds:
            assert kinds[signal.code] in others["said"]


@pytest.mark.parametrize("name", NAMES)
def test_tags(
    cores: dict[str, Path], gdb: dict[str, Said], lldb: dict[str, Said], name: str
) -> None:
    places = granules(cores[name])
    target = target_of(cores[name])
    ours = []
    for place in places:
        (piece,) = target.read_tags(place, place + GRANULE)
        ours.append(None if isinstance(piece.tags, Absent) else piece.tags[0])
    assert ours == gdb[name]["tags"]
    # LLDB 23 reads on into the next segment where one has no tags in the file.
    known = [number for number, tag in enumerate(ours) if tag is not None]
    assert [ours[number] for number in known] == [lldb[name]["tags"][number] for number in known]


@pytest.mark.parametrize("name", NAMES)
def test_regions(
    cores: dict[str, Path], gdb: dict[str, Said], lldb: dict[str, Said], name: str
) -> None:
    regions = target_of(cores[name]).regions()
    assert not isinstance(regions, Absent)
    ours = [[region.start, region.end, region.perms] for region in regions]
    assert ours == lldb[name]["regions"]
    assert [[start, end] for start, end, _ in ours] == gdb[name]["regions"]
