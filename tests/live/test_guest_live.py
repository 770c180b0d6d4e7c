"""A Linux program that dies in the runtime, in GDB and LLDB: its calls, and those of the host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.support import gdb_session, lldb_session, x86_64
from tests.support.backtrace import frame_names
from tests.support.guest_crashes import program
from tests.support.native_calls import as_native, native_calls

pytestmark = x86_64.only_natively("the guest has this machine's x86-64 C library")
DEATH = "mtetso::die_of_signal"


def to_its_death(session: gdb_session.Session | lldb_session.Session) -> None:
    """Goes on past all faults, to where the runtime carries out the guest's death."""
    if isinstance(session, gdb_session.Session):
        session.execute("handle SIGSEGV nostop noprint pass")
        session.execute(f"break {DEATH}")
        assert session.resume("continue").reason == "breakpoint-hit"
        return
    session.execute("process handle SIGSEGV --stop false --notify false --pass true")
    session.execute(f"breakpoint set --name {DEATH}")
    assert "stop reason = breakpoint" in session.execute("continue")


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
def test_calls_of_the_guest_and_of_the_host(flavour: str, tmp_path: Path) -> None:
    expected = native_calls(program("dynamic"), ["qsort"], tmp_path)
    is_gdb = flavour.startswith("gdb")
    kind = gdb_session if is_gdb else lldb_session
    with kind.under_qemu(flavour, paths.runtime(), str(program("dynamic")), "qsort") as (one, _):
        one.execute("continue")  # a fault on a tag, in translated code
        frames = frame_names(flavour, one.execute("bt"))
        assert re.search(r"\[guest 0x[0-9a-f]+, block \d+\]", frames[0]), frames
        assert any(re.match(r"(mtetso::)?run_turn|mtetso::run_turn", name) for name in frames)
        assert any(re.match(r"main\b", name) for name in frames), frames
        inner, *_ = one.rows("guest-bt")
        assert f"[guest {inner['rip']}, " in frames[0]
        to_its_death(one)
        report = one.json("guest-bt")
        assert not any("guess" in note for note in report["notes"])
        assert [as_native(row) for row in report["rows"]] == expected
