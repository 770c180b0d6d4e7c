"""The adapters under contract, each with a target of which the facts are known.

How to add one: a context manager that yields a `Subject`, and a line in `ADAPTERS`. An adapter that
lives inside a debugger runs the check there: `run` then sends its name and the facts.
"""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region
from mtedbg.model.process import Thread
from mtedbg.target import Target
from tests.contract.checks import CHECKS, Facts
from tests.support.compile import compiled
from tests.support.cores import KernelCore, parse_facts
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
from tests.support.gdb_session import Session, gdb, under_qemu


@dataclass(frozen=True)
class Subject:
    """Something that a check can be run on."""

    run: Callable[[str], None]


Adapter = Callable[[pytest.FixtureRequest], contextlib.AbstractContextManager[Subject]]


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


def _kernel_core(request: pytest.FixtureRequest) -> tuple[KernelCore, Facts]:
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


@contextlib.contextmanager
def kernel_core(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A core of a real kernel; that its facts are true is checked against GDB elsewhere."""
    case, facts = _kernel_core(request)
    yield _here(CoreTarget(case.core), facts)


# GDB shows no more of an exception than its last line.
_KEPT = """
def kept(name):
    try:
        CHECKS[name](current().target, facts)
    except BaseException:
        print(traceback.format_exc())
    else:
        print("kept")
"""


def _in_gdb(session: Session, facts: Facts) -> Subject:
    words = asdict(facts)
    for name in ("tags", "plain_bytes"):
        words[name] = words[name].hex()
    session.execute("python import json, traceback")
    session.execute("python from tests.contract.checks import CHECKS, Facts")
    session.execute("python from mtedbg.adapters.gdb.sessions import current")
    session.execute(f"python words = json.loads({json.dumps(words)!r})")
    session.execute(
        "python words |= {name: bytes.fromhex(words[name]) for name in ('tags', 'plain_bytes')}"
    )
    session.execute("python facts = Facts(**words)")
    session.execute(f"python exec({_KEPT!r})")

    def run(name: str) -> None:
        printed = session.execute(f"python kept({name!r})")
        assert printed.strip() == "kept", printed

    return Subject(run)


def _gdb_on_a_core(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(request: pytest.FixtureRequest) -> Iterator[Subject]:
        case, facts = _kernel_core(request)
        with gdb(flavour, [case.program, case.core]) as session:
            yield _in_gdb(session, facts)

    return adapter


def _facts_at_the_checkpoint(session: Session, tags: bytes) -> Facts:
    """Of `gdb_target`, by GDB's own commands."""
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


def _gdb_on_qemu(flavour: str) -> Adapter:
    @contextlib.contextmanager
    def adapter(_request: pytest.FixtureRequest) -> Iterator[Subject]:
        with under_qemu(flavour, compiled("gdb_target", "-static")) as (session, process):
            session.execute("break checkpoint")
            session.resume("continue")
            tags = bytes(parse_facts(process.output().encode())["first"])
            yield _in_gdb(session, _facts_at_the_checkpoint(session, tags))

    return adapter


def _gdb_on_gdbserver(flavour: str) -> Adapter:
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
            yield _in_gdb(session, _facts_at_the_checkpoint(session, tags))

    return adapter


ADAPTERS: dict[str, Adapter] = {
    "fake": fake,
    "core-synthetic": synthetic_core,
    "core-of-a-kernel": kernel_core,
    "gdb18-core": _gdb_on_a_core("gdb18"),
    "gdb13-core": _gdb_on_a_core("gdb13"),
    "gdb18-qemu": _gdb_on_qemu("gdb18"),
    "gdb13-qemu": _gdb_on_qemu("gdb13"),
    "gdb18-gdbserver": _gdb_on_gdbserver("gdb18"),
    "gdb13-gdbserver": _gdb_on_gdbserver("gdb13"),
}
