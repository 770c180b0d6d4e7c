"""Guarded Control Stacks and protection keys of a core: as GDB and LLDB read its notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.control import Protection, ShadowStack
from tests.support.elf_core import Core, Load, ThreadNotes
from tests.support.gdb_session import gdb
from tests.support.lldb_session import lldb
from tests.support.offline import offline

HWCAP_GCS = 1 << 32
"""Linux, arch/arm64/include/uapi/asm/hwcap.h: debuggers look for it in the auxiliary vector."""
ENABLED, LOCKED, POINTER, OVERLAYS = 1, 7, 0xFFFF_9000_0FF8, 0x35_0000_0417


@pytest.fixture
def core(tmp_path: Path) -> Path:
    thread = ThreadNotes(
        control=0xFFFFB, overlays=OVERLAYS, shadow_stack=(ENABLED, LOCKED, POINTER)
    )
    made = Core([Load(0x40_0000, bytes(4096))], threads=[thread], auxv={16: HWCAP_GCS})
    return made.write(tmp_path)


def assert_told(row: dict[str, object]) -> None:
    assert row["store_only"] is True
    assert (row["gcs_enabled"], row["gcs_locked"]) == (["enable"], ["enable", "write", "push"])
    assert row["gcs_pointer"] == f"{POINTER:#x}"
    assert row["overlays"] == {"0": "rwx", "1": "r", "2": "w", "8": "rw", "9": "rx"}


def test_offline(core: Path) -> None:
    report, _ = offline(core, None, ["mte-ctl", "mte-regions"])
    assert_told(report["rows"][0])


def test_as_gdb_reads_them(core: Path) -> None:
    with gdb("gdb18", ["-c", core]) as session:
        names = ("gcs_features_enabled", "gcs_features_locked", "gcspr")
        assert [session.number(f"${name}") for name in names] == [ENABLED, LOCKED, POINTER]
        assert_told(session.rows("mte-ctl")[0])


def test_as_lldb_reads_them(core: Path) -> None:
    with lldb("lldb23", ["-c", core]) as session:
        shown = session.execute(
            "register read gcs_features_enabled gcs_features_locked gcspr_el0 por_el0"
        )
        values = [int(line.split("= ")[1], 16) for line in shown.splitlines() if " = 0x" in line]
        assert values == [ENABLED, LOCKED, POINTER, OVERLAYS]
        assert_told(session.rows("mte-ctl")[0])


def test_a_core_without_them(tmp_path: Path) -> None:
    core = Core(threads=[ThreadNotes(control=0x7FFF3)]).write(tmp_path)
    target = CoreTarget(core)
    assert target.protection(target.threads()[0]) == Protection(NOT_APPLICABLE, NOT_APPLICABLE)
    thread = ThreadNotes(shadow_stack=(0, 0, 0))
    target = CoreTarget(Core(threads=[thread]).write(tmp_path, "off"))
    assert target.protection(target.threads()[0]).shadow_stack == ShadowStack(0, 0, 0)
