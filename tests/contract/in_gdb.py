"""The contract inside real GDBs: on a core, on QEMU's stub, on gdbserver in the VM."""

from __future__ import annotations

from tests.contract.in_debugger import Debugger
from tests.support.gdb_session import GDBS, Session, gdb, under_qemu


def _connect(session: Session, port: int) -> None:
    session.execute(f"target remote 127.0.0.1:{port}")


def _to_the_checkpoint(session: Session) -> None:
    session.execute("break checkpoint")
    session.resume("continue")


def _tags(session: Session) -> bytes:
    ask = "memory-tag print-allocation-tag memory"
    printed = [session.execute(f"{ask}+{16 * number}") for number in range(40)]
    return bytes(int(text.split()[-1], 16) for text in printed)


GDB = Debugger(
    start=gdb,
    under_qemu=under_qemu,
    core=(),
    connect=_connect,
    to_the_checkpoint=_to_the_checkpoint,
    script=lambda session, line: session.execute(f"python {line}"),
    current="""
from mtedbg.adapters.gdb.sessions import current

def target():
    return current().target
""",
)
ADAPTERS = GDB.adapters(list(GDBS), _tags)
