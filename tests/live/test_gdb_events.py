"""Ctrl-C while GDB tells mtedbg of an event: the program gets it (in the VM)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS, gdb

HANDLER = """
import gdb, os, signal
from mtedbg.adapters.gdb.events import uninterrupted

heard = []

@uninterrupted
def hear(event):
    heard.append(event)
    if len(heard) == 1:
        os.kill(os.getpid(), signal.SIGINT)

gdb.events.cont.connect(hear)
gdb.set_convenience_variable("heard", 0)
gdb.events.stop.connect(lambda _: gdb.set_convenience_variable("heard", len(heard)))
"""


@pytest.mark.parametrize("flavour", GDBS)
def test_ctrl_c_during_an_event(lab_vm: Vm, flavour: str, tmp_path: Path) -> None:
    """GDB drops what a handler raises; without ours the program would run for ever."""
    script = tmp_path / "handler.py"
    script.write_text(HANDLER)
    program = compiled("ticker", "-static")
    with (
        gdbserver.serve(lab_vm, [str(program)]) as port,
        gdb(flavour, [program], limit_s=60) as session,
    ):
        session.execute(f"target remote 127.0.0.1:{port}")
        session.execute("break main")
        session.resume("continue")
        session.execute(f"source {script}")
        session.execute("delete")
        assert session.resume("continue").signal == "SIGINT"
        assert session.number("$heard") == 2, "it is heard whole"
