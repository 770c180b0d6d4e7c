"""What is put under contract, and facts of it that are known from elsewhere."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent
from tests.contract.checks import Facts
from tests.support.cores import KernelCore


@dataclass(frozen=True)
class Subject:
    """Something that a check can be run on."""

    run: Callable[[str], None]


Adapter = Callable[[pytest.FixtureRequest], contextlib.AbstractContextManager[Subject]]


def kernel_core_facts(request: pytest.FixtureRequest) -> tuple[KernelCore, Facts]:
    cores: dict[str, KernelCore] = request.getfixturevalue("kernel_cores")
    case = cores["threads"]
    target = CoreTarget(case.core)
    registers = target.registers(target.threads()[0])
    entry = target.symbol_address("main")
    assert not isinstance(registers, Absent)
    assert not isinstance(entry, Absent)
    stack = target.read_memory(registers["sp"], 16)
    assert not isinstance(stack, Absent)
    facts = Facts(
        tagged=case.fact("memory"),
        tags=bytes([2, *[0] * 255]),
        plain=registers["sp"],
        plain_bytes=stack,
        unmapped=0x10000,
        symbol="main",
        entry=entry,
        pc=registers["pc"],
        threads=4,
        kind="core",
    )
    return case, facts


class Numbers(Protocol):
    """A debugger that can be asked for the value of an expression."""

    def number(self, expression: str) -> int:
        """What the debugger itself makes of it."""


def facts_at_the_checkpoint(session: Numbers, tags: bytes) -> Facts:
    """Of `gdb_target`, by the debugger's own commands."""
    plain = session.number("&memory") & -16
    words = [session.number(f"*(unsigned long *) {at:#x}") for at in (plain, plain + 8)]
    return Facts(
        tagged=session.number("memory"),
        tags=tags,
        plain=plain,
        plain_bytes=struct.pack("<2Q", *words),
        unmapped=0x10000,
        symbol="main",
        entry=session.number("&main"),
        pc=session.number("$pc"),
        threads=1,
        kind="remote",
    )


def program_for(facts: Facts, current: str) -> str:
    """Python for a debugger: defines `kept(name)`, which runs a check and prints what came of it.

    Args:
        facts: of the debugger's target.
        current: lines that define `target()`.
    """
    words = asdict(facts)
    for name in ("tags", "plain_bytes"):
        words[name] = words[name].hex()
    return _KEPT.format(words=json.dumps(words), current=current)


# A debugger shows no more of an exception than its last line.
_KEPT = """
import json, traceback
from tests.contract.checks import CHECKS, Facts
{current}
words = json.loads({words!r})
words |= {{name: bytes.fromhex(words[name]) for name in ('tags', 'plain_bytes')}}
facts = Facts(**words)

def kept(name):
    try:
        CHECKS[name](target(), facts)
    except BaseException:
        print(traceback.format_exc())
    else:
        print("kept")
"""
