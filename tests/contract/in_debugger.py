"""The contract inside a debugger: what is the same in each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mtedbg.dataclass import dataclass
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

Serve = Callable[[Vm, Sequence[str]], AbstractContextManager[int]]
"""Starts a program under a server in the VM; gives the server's port on this machine."""


@dataclass(frozen=True)
class Debugger:
    """How one debugger is asked.

    Attributes:
        start: a fresh one of a flavour, with these words on its command line.
        under_qemu: one of a flavour that has just met a program under QEMU's user mode.
        core: what stands before a core's path on its command line.
        connect: to a server's port.
        to_the_checkpoint: lets the program run until it is there.
        script: runs a line of Python in it, and gives what that prints.
        current: a program that defines `target()`, the port over the selected process.
    """

    start: Callable[[str, Sequence[str | Path]], AbstractContextManager[Any]]
    under_qemu: Callable[[str, Path], AbstractContextManager[tuple[Any, Any]]]
    core: tuple[str, ...]
    connect: Callable[[Any, int], object]
    to_the_checkpoint: Callable[[Any], None]
    script: Callable[[Any, str], str]
    current: str

    def subject(self, session: Any, facts: Facts) -> Subject:
        """The port in a session, to be asked about a program of which this is known."""
        self.script(session, f"exec({program_for(facts, self.current)!r}, globals())")

        def run(name: str) -> None:
            printed = self.script(session, f"kept({name!r})")
            assert printed.strip() == "kept", printed

        return Subject(run)

    def on_a_core(self, flavour: str) -> Adapter:
        """A core of the VM's kernel."""

        @contextlib.contextmanager
        def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
            case, facts = kernel_core_facts(request)
            with self.start(flavour, [case.program, *self.core, case.core]) as session:
                yield self.subject(session, facts)

        return adapter

    def on_qemu(self, flavour: str) -> Adapter:
        """A program under QEMU's user mode."""

        @contextlib.contextmanager
        def adapter(_request: pytest.FixtureRequest) -> Iterator[Subject]:
            with self.under_qemu(flavour, compiled("gdb_target", "-static")) as (session, process):
                self.to_the_checkpoint(session)
                tags = bytes(parse_facts(process.output().encode())["first"])
                yield self.subject(session, facts_at_the_checkpoint(session, tags))

        return adapter

    def on_a_server(self, flavour: str, serve: Serve, tags_of: Callable[[Any], bytes]) -> Adapter:
        """A program under a server in the VM.

        Args:
            flavour: of the debugger.
            serve: starts it.
            tags_of: asks the debugger itself for the tags of `memory`.
        """

        @contextlib.contextmanager
        def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
            vm: Vm = request.getfixturevalue("lab_vm")
            program = compiled("gdb_target", "-static")
            with serve(vm, [str(program)]) as port, self.start(flavour, [program]) as session:
                self.connect(session, port)
                self.to_the_checkpoint(session)
                tags = tags_of(session)
                yield self.subject(session, facts_at_the_checkpoint(session, tags))

        return adapter

    def adapters(
        self, flavours: Sequence[str], by_gdbserver: Callable[[Any], bytes]
    ) -> dict[str, Adapter]:
        """On a core, on QEMU and on gdbserver, by name; the last one as `on_a_server` has it."""
        on_gdbserver = partial(self.on_a_server, serve=gdbserver.serve, tags_of=by_gdbserver)
        kinds = {"core": self.on_a_core, "qemu": self.on_qemu, "gdbserver": on_gdbserver}
        return {
            f"{flavour}-{kind}": adapter(flavour)
            for kind, adapter in kinds.items()
            for flavour in flavours
        }
