"""Cores that QEMU's user mode writes of its guest: no tags, no siginfo, no list of files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.model.absent import Absent, Reason
from tests.support.compile import compiled
from tests.support.cores import parse_facts

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, list[int]]]:
    """The core, the program, and what it said."""
    folder = tmp_path_factory.mktemp("qemu")
    program = compiled("sync_fault", "-static")
    run = f"ulimit -c unlimited; exec qemu-aarch64 -cpu max {program}"
    done = subprocess.run(["sh", "-c", run], cwd=folder, capture_output=True, check=False)
    (core,) = folder.glob("*.core")
    return core, program, parse_facts(done.stdout)


def test_what_is_there_is_shown(crashed: tuple[Path, Path, dict[str, list[int]]]) -> None:
    core, program, facts = crashed
    target = CoreTarget(core, str(program))
    assert target.info().tag_source == "none"
    (thread,) = target.threads()
    registers = target.registers(thread)
    assert not isinstance(registers, Absent)
    assert facts["pointer"][0] in registers.values()
    signal = target.signal(thread)
    assert not isinstance(signal, Absent)
    assert signal.number == 11
    missing = Absent(Reason.NOT_RECORDED, "no NT_SIGINFO in this core")
    assert (signal.code, signal.address) == (missing, missing)
    (piece,) = target.read_tags(facts["memory"][0], facts["memory"][0] + 64)
    assert piece.tags == Absent(Reason.NOT_RECORDED, "this core has no tag segments")
    symbol = target.symbol_at(registers["pc"])
    assert not isinstance(symbol, Absent)
    assert target.symbol_address(symbol.name) == registers["pc"] - symbol.offset


def test_the_post_mortem(crashed: tuple[Path, Path, dict[str, list[int]]], capsys: Capture) -> None:
    core, program, _ = crashed
    assert main(["core", str(core), "--exe", str(program)]) == 0
    captured = capsys.readouterr()
    first, *rest = captured.out.splitlines()
    assert first == ("SIGSEGV, a tag check fault or not: not recorded (no NT_SIGINFO in this core)")
    assert any(line.startswith("=> 0x") and "ldr x0" in line for line in rest)
    assert captured.err.endswith("could not be compared: the core has nothing of it\n")
