"""The contract inside real LLDBs: on a core, on QEMU's stub, on both servers in the VM."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from tests.contract.checks import Facts
from tests.contract.subject import (
    Adapter,
    Subject,
    facts_at_the_checkpoint,
    kernel_core_facts,
    program_for,
)
from tests.support import lldb_in_vm
from tests.support.compile import ROOT, compiled
from tests.support.cores import parse_facts
from tests.support.lldb_session import LLDBS, Session, connect, lldb, under_qemu

_TAG = re.compile(r"\): (0x[0-9a-f]+)")
_CURRENT = f"""
import sys
sys.path.append({str(ROOT)!r})
import lldb
from mtedbg.adapters.lldb.sessions import current

def target():
    return current(lldb.debugger, lldb.SBExecutionContext()).target
"""


def _in_lldb(session: Session, facts: Facts) -> Subject:
    session.execute(f"script exec({program_for(facts, _CURRENT)!r}, globals())")

    def run(name: str) -> None:
        printed = session.execute(f"script kept({name!r})")
        assert printed.strip() == "kept", printed

    return Subject(run)


def on_a_core(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        case, facts = kernel_core_facts(request)
        with lldb(flavour, [case.program, "--core", case.core]) as session:
            yield _in_lldb(session, facts)

    return adapter


def on_qemu(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(_request: pytest.FixtureRequest) -> Iterator[Subject]:
        with under_qemu(flavour, compiled("gdb_target", "-static")) as (session, process):
            session.execute("breakpoint set --name checkpoint")
            session.execute("continue")
            tags = bytes(parse_facts(process.output().encode())["first"])
            yield _in_lldb(session, facts_at_the_checkpoint(session, tags))

    return adapter


def on_gdbserver(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        vm: Vm = request.getfixturevalue("lab_vm")
        program = compiled("gdb_target", "-static")
        with gdbserver.serve(vm, [str(program)]) as port, lldb(flavour, [program]) as session:
            connect(session, f"connect://127.0.0.1:{port}")
            session.execute("breakpoint set --name checkpoint")
            session.execute("continue")
            # LLDB's own tag command refuses gdbserver: it asks for regions in LLDB's way.
            packet = f"qMemTags:{session.number('memory'):x},1000:1"
            printed = session.execute(f"process plugin packet send {packet}")
            tags = bytes.fromhex(printed.rpartition("response: m")[2])
            yield _in_lldb(session, facts_at_the_checkpoint(session, tags))

    return adapter


def on_lldb_server(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        vm: Vm = request.getfixturevalue("lab_vm")
        program = compiled("gdb_target", "-static")
        with lldb_in_vm.serve(vm, [str(program)]) as port, lldb(flavour, [program]) as session:
            connect(session, f"connect://127.0.0.1:{port}")
            session.execute("breakpoint set --name checkpoint")
            session.execute("continue")
            memory = session.number("memory")
            printed = session.execute(f"memory tag read {memory:#x} {memory + 0x1000:#x}")
            tags = bytes(int(tag, 16) for tag in _TAG.findall(printed))
            yield _in_lldb(session, facts_at_the_checkpoint(session, tags))

    return adapter


KINDS = {
    "core": on_a_core,
    "qemu": on_qemu,
    "gdbserver": on_gdbserver,
    "lldb-server": on_lldb_server,
}
ADAPTERS = {
    f"{flavour}-{kind}": adapter(flavour) for kind, adapter in KINDS.items() for flavour in LLDBS
}
