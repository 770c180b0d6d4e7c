"""The contract inside real GDBs: on a core, on QEMU's stub, on gdbserver in the VM."""

from __future__ import annotations

import contextlib
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
from tests.support.compile import compiled
from tests.support.cores import parse_facts
from tests.support.gdb_session import GDBS, Session, gdb, under_qemu

_CURRENT = """
from mtedbg.adapters.gdb.sessions import current

def target():
    return current().target
"""


def _in_gdb(session: Session, facts: Facts) -> Subject:
    session.execute(f"python exec({program_for(facts, _CURRENT)!r})")

    def run(name: str) -> None:
        printed = session.execute(f"python kept({name!r})")
        assert printed.strip() == "kept", printed

    return Subject(run)


def on_a_core(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        case, facts = kernel_core_facts(request)
        with gdb(flavour, [case.program, case.core]) as session:
            yield _in_gdb(session, facts)

    return adapter


def on_qemu(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(_request: pytest.FixtureRequest) -> Iterator[Subject]:
        with under_qemu(flavour, compiled("gdb_target", "-static")) as (session, process):
            session.execute("break checkpoint")
            session.resume("continue")
            tags = bytes(parse_facts(process.output().encode())["first"])
            yield _in_gdb(session, facts_at_the_checkpoint(session, tags))

    return adapter


def on_gdbserver(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        vm: Vm = request.getfixturevalue("lab_vm")
        program = compiled("gdb_target", "-static")
        with gdbserver.serve(vm, [str(program)]) as port, gdb(flavour, [program]) as session:
            session.execute(f"target remote 127.0.0.1:{port}")
            session.execute("break checkpoint")
            session.resume("continue")
            ask = "memory-tag print-allocation-tag memory"
            printed = [session.execute(f"{ask}+{16 * number}") for number in range(40)]
            tags = bytes(int(text.split()[-1], 16) for text in printed)
            yield _in_gdb(session, facts_at_the_checkpoint(session, tags))

    return adapter


KINDS = {"core": on_a_core, "qemu": on_qemu, "gdbserver": on_gdbserver}
ADAPTERS = {
    f"{flavour}-{kind}": adapter(flavour) for kind, adapter in KINDS.items() for flavour in GDBS
}
