"""The contract inside real LLDBs: on a core, on QEMU's stub, on both servers in the VM."""

from __future__ import annotations

import re

from tests.contract.in_debugger import Debugger
from tests.support import lldb_in_vm
from tests.support.compile import ROOT
from tests.support.lldb_session import LLDBS, Session, connect, lldb, under_qemu

_TAG = re.compile(r"\): (0x[0-9a-f]+)")


def _to_the_checkpoint(session: Session) -> None:
    session.execute("breakpoint set --name checkpoint")
    session.execute("continue")


def _tags_by_packet(session: Session) -> bytes:
    """LLDB's own command for tags refuses gdbserver: it asks for regions in LLDB's way."""
    packet = f"qMemTags:{session.number('memory'):x},1000:1"
    printed = session.execute(f"process plugin packet send {packet}")
    return bytes.fromhex(printed.rpartition("response: m")[2])


def _tags(session: Session) -> bytes:
    memory = session.number("memory")
    printed = session.execute(f"memory tag read {memory:#x} {memory + 0x1000:#x}")
    return bytes(int(tag, 16) for tag in _TAG.findall(printed))


LLDB = Debugger(
    start=lldb,
    under_qemu=under_qemu,
    core=("--core",),
    connect=lambda session, port: connect(session, f"connect://127.0.0.1:{port}"),
    to_the_checkpoint=_to_the_checkpoint,
    script=lambda session, line: session.execute(f"script {line}"),
    current=f"""
import sys
sys.path.append({str(ROOT)!r})
import lldb
from mtedbg.adapters.lldb.sessions import current

def target():
    return current(lldb.debugger, lldb.SBExecutionContext()).target
""",
)
ADAPTERS = LLDB.adapters(list(LLDBS), _tags_by_packet) | {
    f"{flavour}-lldb-server": LLDB.on_a_server(flavour, lldb_in_vm.serve, _tags)
    for flavour in LLDBS
}
