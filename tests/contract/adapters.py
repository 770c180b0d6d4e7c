"""The adapters under contract, each with a target of which the facts are known.

How to add one: a context manager that yields a `Subject`, and a line in `ADAPTERS`. An adapter that
lives inside a debugger runs the check there: `run` then sends its name and the facts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.memory import Region
from mtedbg.model.process import Thread
from mtedbg.target import Target
from tests.contract import in_gdb, in_lldb
from tests.contract.checks import CHECKS, Facts
from tests.contract.subject import Adapter, Subject, kernel_core_facts
from tests.support.elf_core import (
    PAGE,
    Core,
    ImageFile,
    Load,
    MappedFile,
    R,
    Tagged,
    ThreadNotes,
    X,
)
from tests.support.fake import FakeTarget


def _here(target: Target, facts: Facts) -> Subject:
    return Subject(lambda name: CHECKS[name](target, facts))


SYNTHETIC = Facts(
    tagged=0x40000,
    tags=bytes(number * 7 % 16 for number in range(256)),
    plain=0x50000,
    plain_bytes=b"plainly!",
    unmapped=0x90000,
    symbol="main",
    entry=0x10000 + PAGE,
    pc=0x10000 + PAGE + 8,
    threads=2,
    kind="core",
)
REGISTERS = {f"x{number}": number for number in range(31)}
REGISTERS |= {"sp": SYNTHETIC.plain, "pc": SYNTHETIC.pc, "pstate": 0}
PLAIN = SYNTHETIC.plain_bytes.ljust(PAGE, b"\0")


@contextlib.contextmanager
def fake(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The target of the unit tests: what they are tested against must keep the contract too."""
    target = FakeTarget(
        memory={SYNTHETIC.tagged: bytes(PAGE), SYNTHETIC.plain: PLAIN},
        tags={SYNTHETIC.tagged: SYNTHETIC.tags},
        mappings=[
            Region(SYNTHETIC.tagged, SYNTHETIC.tagged + PAGE, "rw-", "", True),
            Region(SYNTHETIC.plain, SYNTHETIC.plain + PAGE, "rw-", "", False),
        ],
        thread_list=[
            Thread(number, 99 + number, "", number == 1, tagged_addr_ctrl=0) for number in (1, 2)
        ],
        register_sets={1: REGISTERS, 2: REGISTERS},
        symbols={SYNTHETIC.symbol: SYNTHETIC.entry},
    )
    yield _here(target, SYNTHETIC)


@contextlib.contextmanager
def synthetic_core(_request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A core as small as can be."""
    image = ImageFile(symbols={SYNTHETIC.symbol: (PAGE, 64)})
    with TemporaryDirectory() as name:
        folder = Path(name)
        program = image.write(folder)
        core = Core(
            loads=[
                Load(0x10000, image.build()[:PAGE], 2 * PAGE, R | X),
                Load(SYNTHETIC.tagged, bytes(PAGE)),
                Load(SYNTHETIC.plain, PLAIN),
            ],
            tagged=[Tagged(SYNTHETIC.tagged, SYNTHETIC.tags)],
            threads=[ThreadNotes(100, REGISTERS), ThreadNotes(101, REGISTERS)],
            files=[MappedFile(0x10000, 0x12000, 0, str(program))],
            auxv={3: 0x10040},
        )
        yield _here(CoreTarget(core.write(folder)), SYNTHETIC)


@contextlib.contextmanager
def kernel_core(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A core of a real kernel; that its facts are true is checked against GDB elsewhere."""
    case, facts = kernel_core_facts(request)
    yield _here(CoreTarget(case.core), facts)


ADAPTERS: dict[str, Adapter] = {
    "fake": fake,
    "core-synthetic": synthetic_core,
    "core-of-a-kernel": kernel_core,
    **in_gdb.ADAPTERS,
    **in_lldb.ADAPTERS,
}
