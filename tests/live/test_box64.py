"""x86-64 programs under box64: dead in the VM with a tagged heap, and against box64's perf map."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.sources.box64 import Box64, runs
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.budget import USUAL, Budget
from mtedbg.commands._offline import answer_line
from mtedbg.decode.code.guest_instruction import guest_instruction
from mtedbg.decode.jits.box64 import Blocks, Dynablock
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent, Reason, or_else, present
from mtedbg.model.code import Outcome
from mtedbg.session import Session
from tests.jits.frozen import CHANGES, damaged, random_patches
from tests.support.compile import ROOT
from tests.support.cores import TAGGED_HEAP
from tests.support.packages import died, with_own_libraries
from tests.support.translated import box64, guest, line_of

VERSION = "box64 0.3.4"
WARM_S, COLD_S, ONE_S = 0.005, 0.3, 2.0
REFUSED = (Reason.UNKNOWN_VERSION, Reason.DAMAGED, Reason.UNSTABLE, Reason.NOT_DUMPED,
           Reason.UNMAPPED)  # fmt: skip
_MAP_LINE = re.compile(r"0x([0-9a-f]+) ([0-9]+) (.*?):(.*)")
_OPCODE = re.compile(r"(XOR|PUSH|POP|LEA|CALL|SUB|TEST|ADD|AND|RET|SHR|SAR|CMP) ?")


@pytest.fixture(scope="module")
def root() -> Path:
    return box64()


@pytest.fixture(scope="module")
def vm(root: Path) -> Iterator[Vm]:
    """A VM that sees box64 where it is here."""
    shares = [Share(ROOT, str(ROOT)), Share(root, str(root))]
    with boot(shares, MachineOptions(cpus=1)) as machine:
        yield machine


@pytest.fixture(scope="module")
def freed(vm: Vm, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Cores of uses after free, on a tagged heap: two of one program, one of another."""
    folder = tmp_path_factory.mktemp("freed")
    cores = {}
    for name, words in (("read", ["list", "read"]), ("write", ["list", "write"]),
                        ("ledger", ["ledger"])):  # fmt: skip
        program = guest(words[0])
        result = vm.run(
            [*with_own_libraries(root, "/usr/bin/box64"), str(program), *words[1:]],
            env={"PATH": "/usr/bin", "HOME": "/root", **TAGGED_HEAP},
            cores_to=folder,
        )
        assert len(result.cores) == 1, result
        cores[name] = result.cores[0].rename(folder / f"{name}.core")
    return cores


@pytest.mark.parametrize(
    ("name", "program", "function", "marked", "size"),
    [
        ("read", "list", "total", "sum += one->value; /* read after free */", 16),
        ("write", "list", "raise_all", "one->value += by; /* written after free */", 16),
        ("ledger", "ledger", "total", "sum += *accounts[number]; /* read after free */", 48),
    ],
)
def test_the_first_line_names_guest_and_chunk(
    freed: dict[str, Path],
    name: str,
    program: str,
    function: str,
    marked: str,
    size: int,
) -> None:
    session = Session(CoreTarget(freed[name]))
    first = cause(session).words
    assert "tag check fault (synchronous)" in first
    line = f"{program}.c:{line_of(f'{program}.c', marked)}"
    assert re.search(rf"in {function} at \S*{re.escape(line)} \[guest 0x[0-9a-f]+, ", first), first
    assert VERSION in first
    assert re.search(rf"use after free: .* freed chunk of {size} bytes", first), first


def test_calls_of_guest_and_host(freed: dict[str, Path]) -> None:
    session = Session(CoreTarget(freed["read"]))
    guest_calls = answer_line(session, "guest-bt").rows
    assert [row["function"] for row in guest_calls] == ["total", "main"]
    line = line_of("list.c", "return total(list) != 0")
    assert str(guest_calls[1]["line"]).endswith(f"list.c:{line}")
    calls = host_calls(session, session.current_thread())
    assert present(calls)
    names = [frame.place.name for frame in calls.frames]
    assert names[0].startswith("total at ")
    assert "my___libc_start_main" in names, "the host's function that calls the guest's main"
    assert names[-1] == "_start", calls.end
    assert any(name.startswith("__libc_start_main (of the host)") for name in names)


def test_three_crashes_of_two_programs_are_three_groups(
    freed: dict[str, Path], tmp_path: Path
) -> None:
    folder = next(iter(freed.values())).parent
    command = [sys.executable, "-m", "mtedbg", "triage", str(folder), "--json"]
    command += ["--state", str(tmp_path / "state")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == len(freed)
    assert {row["program"] for row in rows} == {"list", "ledger"}
    assert {row["count"] for row in rows} == {1}


@pytest.fixture(scope="module")
def mapped(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, str]]:
    """A program that died under QEMU, and the map that box64 wrote of its code."""
    folder = tmp_path_factory.mktemp("mapped")
    program = guest("list")
    (folder / program.name).write_bytes(program.read_bytes())
    result = died(
        root, ["/usr/bin/box64", str(program), "null"], folder, {"BOX64_DYNAREC_PERFMAP": "1"}
    )
    # A thousand sessions of one core read it.
    budget = Budget(USUAL.scaled(1000))
    target = CoreTarget(result.core, str(root / "usr/bin/box64"), budget=budget)
    pid = target.info().pid
    written = Path(f"/tmp/perf-{pid}.map")
    try:
        yield Session(target), written.read_text()
    finally:
        written.unlink()


def test_every_line_of_its_perf_map(mapped: tuple[Session, str]) -> None:
    session, written = mapped
    opcodes = 0
    lines = written.splitlines()
    assert len(lines) > 100
    for line in lines:
        match = _MAP_LINE.fullmatch(line)
        assert match, line
        start, count = int(match[1], 16), int(match[2])
        for pc in range(start, start + 4 * count, 4):
            place = code_at(session, pc)
            assert place.outcome is Outcome.RANGE, line
            assert place.version == VERSION
            assert present(place.range)
            assert (place.range.start, place.range.end) == (start, start + 4 * count), line
        if not count:
            continue
        assert present(place.guest_rip), line
        # box64 gives the stubs of .plt, which have no symbol, the name of what is before them.
        function = or_else(place.function, "_init").removesuffix(" (of the host)")
        assert function == match[3] or not match[3], line
        if opcode := _OPCODE.match(match[4]):
            instruction = guest_instruction(session.target, place.guest_rip)
            assert present(instruction)
            assert instruction.mnemonic == opcode[1].lower(), line
            opcodes += 1
    assert opcodes > 50


def test_what_is_in_no_block(mapped: tuple[Session, str]) -> None:
    session, written = mapped
    starts = [int(line.split()[0], 16) for line in written.splitlines()]
    page = max(starts) & -4096
    assert code_at(session, page + 0x10000).outcome is Outcome.CANNOT_TELL
    registers = session.target.registers(session.current_thread())
    assert present(registers)
    assert code_at(session, registers["sp"]).outcome is Outcome.NOT_JIT


def test_a_block_is_found_quickly(mapped: tuple[Session, str]) -> None:
    session, written = mapped
    pcs = [int(line.split()[0], 16) for line in written.splitlines()]
    session.invalidate()
    began = time.process_time()
    code_at(session, pcs[-1])
    cold = time.process_time() - began
    began = time.process_time()
    for pc in pcs:
        code_at(session, pc)
    warm = (time.process_time() - began) / len(pcs)
    assert cold < COLD_S
    assert warm < WARM_S


def test_damaged_structures_are_told_or_refused(mapped: tuple[Session, str]) -> None:
    session, _ = mapped
    registers = session.target.registers(session.current_thread())
    assert present(registers)
    pc = registers["pc"]
    block = Blocks(session.target.read_memory, runs(session)).at(pc)
    assert isinstance(block, Dynablock)
    structures = {
        "first word": (block.start - 8, 8),
        "record": (block.record, 0x80),
        "table": (block.end, block.limit - block.end),
        "dispatcher": (registers["x28"], 0xA0),
    }
    told = 0
    for what, patches in random_patches(session, 64, structures):
        changed = Box64(damaged(session, patches), None)
        began = time.process_time()
        found = changed.at(pc)
        caller = changed.unwind(pc, registers)
        guest_state = changed.guest(pc, registers)
        assert time.process_time() - began < ONE_S, (what, patches)
        if found is None or isinstance(found.block, Absent):
            assert found is None or found.block.reason in REFUSED, (what, patches, found)
            continue
        told += 1
        assert found.block.start <= pc < found.block.end
        assert present(guest_state)
        assert caller is not None
    assert told > CHANGES  # of the dispatcher's none is of the block
