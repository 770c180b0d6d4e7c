"""Cores that Linux 6.12 writes, beside those of 6.1 that all other tests read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.words import headline, remarks
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.cli import main
from mtedbg.lab import newer_kernel, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import Share
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent
from mtedbg.session import Session
from tests.support.compile import ROOT, compiled
from tests.support.cores import CASES, Case, KernelCore, produce
from tests.support.oracles import gdb_registers, gdb_tags, lldb_tags

ADDRESS_BITS = (1 << 56) - 1
CODES = {"sync": 9, "straddle": 9, "async": 8, "heap": 9, "abort": 1, "threads": 9}
GRANULES = 64


@pytest.fixture(scope="module")
def newer_vm() -> Iterator[Vm]:
    with boot([Share(ROOT, str(ROOT))], image=newer_kernel.cached()) as vm:
        yield vm


@pytest.fixture(scope="module")
def cores(newer_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, KernelCore]:
    assert newer_vm.kernel.startswith("6.12.")
    folder = tmp_path_factory.mktemp("newer")
    return {name: produce(newer_vm, CASES[name], folder / name) for name in CODES}


@pytest.mark.parametrize("name", CODES)
def test_a_core_is_read_as_gdb_and_lldb_read_it(
    cores: dict[str, KernelCore], tmp_path: Path, name: str
) -> None:
    case = cores[name]
    target = CoreTarget(case.core)
    assert target.remarks == ()
    session = Session(target)
    info = fault(session, session.current_thread()).signal
    assert not isinstance(info, Absent)
    assert info.code == CODES[name]
    theirs = gdb_registers(case.core, case.program, tmp_path)
    ours = [target.registers(thread) for thread in target.threads()]
    assert [{key: one[key] for key in theirs[0]} for one in ours] == theirs  # type: ignore[index]
    if "memory" in case.facts:
        start = case.fact("memory") & ADDRESS_BITS
        (piece,) = target.read_tags(start, start + GRANULES * 16)
        assert isinstance(piece.tags, bytes)
        assert [*piece.tags] == gdb_tags(case.core, case.program, tmp_path, start, GRANULES)
        assert [*piece.tags] == lldb_tags(case.core, start, GRANULES)
    if "tags" in case.facts:
        assert [*piece.tags] == case.facts["tags"][:GRANULES]


def test_a_crash_has_the_signature_that_it_has_under_the_other_kernel(
    cores: dict[str, KernelCore], kernel_cores: dict[str, KernelCore]
) -> None:
    for name in ("sync", "async", "abort", "threads"):
        both = (kernel_cores[name].core, cores[name].core)
        first, second = (signature(Session(CoreTarget(core, files=False))) for core in both)
        assert first == second


def test_a_core_of_the_runtime(
    newer_vm: Vm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [str(paths.runtime()), "--no-handler", str(paths.guests() / "message.elf")]
    result = newer_vm.run(argv, cores_to=tmp_path, timeout_s=120)
    (core,) = result.cores
    words = ["core", str(core), "--sysroot", "/nowhere", "--json"]
    assert main([*words, "-x", "memop", "-x", "guest-frame", "-x", "mte-fault"]) == 0
    memop, frame, faulted = json.loads(capsys.readouterr().out)["reports"]
    assert memop["rows"][0]["consistent"] is True
    assert frame["rows"][0]["consistent"] is True
    assert faulted["rows"][0]["memop"] == memop["rows"][0]["id"]
    assert not any(answer["partial"] for answer in (memop, frame, faulted))


# What each form of `accesses` does, as the first line of a post-mortem says it. QEMU begins a copy
# or set anew at each granule that it has checked: what is left of it is named.
ACCESSES = {
    "ldp": "load of 16 bytes",
    "stp": "store of 32 bytes",
    "ldr-straddle": "load of 8 bytes",
    "pre-index": "store of 8 bytes",
    "ld4": "load of 64 bytes",
    "st3-lane": "store of 3 bytes",
    "ld1r": "load of 4 bytes",
    "cas": "read-modify-write of 8 bytes",
    "casp": "read-modify-write of 16 bytes",
    "ldaddal": "read-modify-write of 4 bytes",
    "ldxr": "load of 8 bytes",
    "ldapr": "load of 8 bytes",
    "dc-zva": "store of 64 bytes",
    "st1b": "store of up to 64 bytes",
    "st1b-vl": "store of up to 64 bytes",
    "ld1w-index": "load of up to 64 bytes",
    "ldff1b": "load of up to 64 bytes",
    "ldr-z": "load of up to 64 bytes",
    "gather": "load",
    "gather-vector": "load",
    "scatter": "store",
    "setp": "store of the last 188 bytes of a memory set",
    "cpyfp-load": "load of the last 188 bytes of a memory copy",
    "cpyfp-store": "store of the last 188 bytes of a memory copy",
    "cpyp-down": "store of the last 128 bytes of a memory copy",
}


@pytest.mark.parametrize("form", ACCESSES)
def test_every_access_is_named_with_its_extent(newer_vm: Vm, tmp_path: Path, form: str) -> None:
    case = produce(newer_vm, Case("accesses", (form,)), tmp_path / "core")
    session = Session(CoreTarget(case.core))
    met = fault(session, session.current_thread())
    begins = met.begin if "last" in ACCESSES[form] else case.fact("begin") & ADDRESS_BITS
    assert headline(met).startswith(
        f"tag check fault (synchronous): {ACCESSES[form]} at {begins:#x},"
        " pointer tag 3, memory tag 5"
    )
    assert met.begin == begins
    assert met.failed == case.fact("failed")
    assert not any("does not access" in one for one in remarks(met))


def test_what_checks_no_tag_does_not_fault(newer_vm: Vm, tmp_path: Path) -> None:
    program = compiled("accesses")
    result = newer_vm.run([str(program), "harmless"], env={}, cores_to=tmp_path, timeout_s=60)
    assert (result.exit_status, result.cores) == (0, [])
