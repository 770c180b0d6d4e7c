"""A whole machine in QEMU: tags and faults at EL1, in GDB and LLDB."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.support import gdb_session, lldb_session
from tests.support.machine import machine, machine_program

GRANULE, RIGHT, WRONG = 16, 3, 9
ABORT = 0x9600_0051
"""ESR_EL1: a data abort at the same level, 32-bit instruction, WnR, synchronous tag check fault."""


class Debugger(Protocol):
    """What both debuggers' sessions have."""

    def execute(self, command: str) -> str: ...
    def json(self, command: str) -> dict[str, Any]: ...
    def rows(self, command: str) -> list[dict[str, Any]]: ...
    def number(self, expression: str) -> int: ...


@contextlib.contextmanager
def debugger(flavour: str) -> Iterator[tuple[Debugger, str, str]]:
    """One on a fresh machine, and its words for a breakpoint and for an address there."""
    with machine() as socket:
        if flavour.startswith("gdb"):
            with gdb_session.gdb(flavour, [machine_program()]) as in_gdb:
                in_gdb.execute(f"target remote {socket}")
                yield in_gdb, "break", "break *"
        else:
            with lldb_session.lldb(flavour, [machine_program()]) as in_lldb:
                lldb_session.connect(in_lldb, f"unix-connect://{socket}")
                yield in_lldb, "breakpoint set --name", "breakpoint set --address "


@pytest.mark.parametrize("flavour", [*gdb_session.GDBS, *lldb_session.LLDBS])
def test_tags_and_a_fault_at_el1(flavour: str) -> None:
    with debugger(flavour) as (session, to_function, to_address):
        # The memory management unit is still off: nothing is tagged, and the stub stays in step.
        (row,) = session.rows("mte-check &page")
        assert (row["allocation_tag"], row["match"]) == (None, None)
        assert session.rows("mte-fault")[0]["imprecise"] is None
        session.execute(f"{to_function} ready")
        session.execute("continue")
        pointer = session.number("$x0")
        memory = pointer & ~(0xF << 56) | 0xF << 56
        assert memory >> 32 == 0xFFFF_FF80
        assert session.rows("mte-check $x0")[0]["match"] is True
        assert session.rows(f"mte-check {pointer ^ 1 << 56:#x}")[0]["match"] is False
        found = session.rows(f"mte-tags {memory:#x} 64 --runs")
        assert [row["tag"] for row in found] == [3, 4, 5, 6]
        answer = session.json(f"mte-check {memory:#x}")
        assert answer["rows"][0]["logical_tag"] == 0xF
        assert any("TCMA1" in note for note in answer["notes"])
        (control,) = session.rows("mte-ctl")
        assert (control["tcf"], control["include_mask"]) == ("sync", None)
        session.execute(f"mte-set {memory:#x} 64 5 6")
        assert [row["tag"] for row in session.rows(f"mte-tags {memory:#x} 80 --granules")] == [
            *(5, 6, 5, 6), 7,
        ]  # fmt: skip
        session.execute(f"mte-set {memory:#x} 16 {RIGHT}")
        assert "found" not in [key for key, value in session.rows("mte-fault")[0].items() if value]

        vector = session.number("$VBAR") + 0x200
        session.execute(f"{to_address}{vector:#x}")
        session.execute(f"{to_function} caught")
        session.execute("continue")
        assert session.number("$pc") == vector
        shown = session.execute("mte-fault")
        where = memory + 8
        expected = f"store of 8 bytes at {where:#x}, pointer tag {WRONG}, memory tag {RIGHT}"
        assert shown.startswith(f"tag check fault (synchronous): {expected}\n")
        assert "SIGSEGV" not in shown
        (row,) = session.rows("mte-fault")
        assert row["instruction"] == "str xzr, [x0]"
        assert (
            int(row["fault_address_raw"], 16) & ~(0xF << 60) == where & ~(0xFF << 56) | WRONG << 56
        )
        assert row["found"] == "handler"

        session.execute("continue")
        assert session.number("(unsigned long)$x0") & 0xFFFF_FFFF == ABORT
        shown = session.execute("mte-fault")
        assert shown.startswith(f"perhaps tag check fault (synchronous): {expected}\n")
        assert "whether its handler still runs is not known here" in shown
        for command in ("mte-regions", f"mte-find {RIGHT}"):
            with pytest.raises(Exception, match="does not list the mappings of a machine"):
                session.execute(command)
        assert re.search(r"tag\b", session.execute(f"mte-tags {memory:#x} 16 --runs"))
