"""Ctrl-C while GDB tells mtedbg of an event: the program gets it (in the VM)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS, gdb

HANDLER = """
import ctypes, functools, gdb, os, signal
from mtedbg.adapters.gdb.events import connect

heard = []

def hear():
    heard.append("begun")
    if INSIDE and len(heard) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    heard.append("ended")

if not INSIDE:
    # Without an instruction of Python behind it.
    kill = ctypes.CDLL(None).kill
    kill.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.py_object]
    gdb.events.cont.connect(functools.partial(kill, os.getpid(), signal.SIGINT))
connect(gdb.events.cont, hear)
gdb.set_convenience_variable("heard", "")
gdb.events.stop.connect(lambda _: gdb.set_convenience_variable("heard", " ".join(heard)))
"""


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "before"])
@pytest.mark.parametrize("flavour", GDBS)
def test_ctrl_c_during_an_event(lab_vm: Vm, flavour: str, inside: bool, tmp_path: Path) -> None:
    """GDB drops what a handler raises; without ours the program would run for ever."""
    script = tmp_path / "handler.py"
    script.write_text(f"INSIDE = {inside}\n{HANDLER}")
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
        heard = session.execute("output $heard")
        assert heard == f'"{"begun " * inside}begun ended"', "it is heard whole"
