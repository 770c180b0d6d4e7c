"""perf's map in the VM, behind gdbserver: believed if root or the process's owner wrote it."""

from __future__ import annotations

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS, gdb

SPOILED = {
    "chmod({path}, 0666)": "can be written by everybody",
    "chown({path}, 1001, 1001)": "is of user 1001",
    "truncate({path}, 1L << 40)": "is too long",
}
MENDED = ("chmod({path}, 0644)", "chown({path}, 0, 0)", "truncate({path}, 0)")


@pytest.mark.parametrize("flavour", GDBS)
def test_whose_map_it_is(lab_vm: Vm, flavour: str) -> None:
    """The program changes its own map: who else could, is a question of modes and owners."""
    program = compiled("jit_objects")
    words = [str(program), "20", "p"]
    with gdbserver.serve(lab_vm, words) as port, gdb(flavour, [program]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        assert session.resume("continue").signal == "SIGTRAP"
        start = session.number("$pc")
        pid = int(session.execute("python print(gdb.selected_inferior().pid)"))
        path = f'"/tmp/perf-{pid}.map"'
        (row,) = session.rows(f"jit-block {start + 4:#x}")
        assert (row["outcome"], row["source"]) == ("range", "perf map")
        assert row["function"].startswith("mapped_0")
        for (call, why), mend in zip(SPOILED.items(), MENDED, strict=True):
            assert session.number(f"(int){call.format(path=path)}") == 0
            shown = session.json(f"jit-block {start + 4:#x}")
            assert "mapped_0" not in str(shown["rows"])
            assert any(f"not believed: /tmp/perf-{pid}.map {why}" in n for n in shown["notes"])
            assert session.number(f"(int){mend.format(path=path)}") == 0
