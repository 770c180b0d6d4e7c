"""Runs inside the VM's own GDB, before it has started its program: prints the recording."""

import json
import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
sys.path.insert(0, ROOT)

import gdb  # noqa: E402

from tests.matrix.gdb_words import GdbWords  # noqa: E402
from tests.matrix.record import RefusedError, record, to_the_scene  # noqa: E402


class Inside(GdbWords):
    """GDB, asked from within."""

    def execute(self, line):  # type: ignore[no-untyped-def]
        """What a command prints."""
        try:
            return gdb.execute(line, to_string=True)
        except gdb.error as error:
            raise RefusedError(str(error)) from None

    def to_next_fault(self):  # type: ignore[no-untyped-def]
        """Lets the program run to its next SIGSEGV."""
        self.execute("continue" if gdb.selected_thread() else "run")
        assert int(gdb.parse_and_eval("$_siginfo.si_signo")) == 11


def read_layout():  # type: ignore[no-untyped-def]
    text = Path(os.environ["MTEDBG_LAYOUT"]).read_text()
    lines = [line.split() for line in text.splitlines()]
    return {name: (int(offset), int(size)) for name, offset, size in lines}


for line in (
    "set pagination off",
    "set startup-with-shell off",
    "unset environment PYTHONHOME",
    "handle SIGSEGV stop print pass",
    f"source {ROOT}/gdbinit/mtedbg_gdb.py",
):
    gdb.execute(line, to_string=True)
to_the_scene(Inside())
data = int(os.environ["MTEDBG_DATA"], 16)
recording = record(Inside(), read_layout(), data, dead=False)  # type: ignore[no-untyped-call]
print("recording: " + json.dumps(recording))
