"""`mtedbg demo`, as a user runs it: what it shows is checked against the architecture's encodings.

The words of the memop are decoded here by masks from the Arm ARM (C6.2), not by the product; the
tag after the fault is the one that GDB's own `memory-tag` printed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

LIMIT_S = 90
SHARED_TAG = 0

# mask, value: which instruction a word is.
BFI_X16_X27_TAG = (0xFFFFFFFF, 0xB3480F70)  # bfi x16, x27, #56, #4
BFC_X16_TAG = (0xFFFFFFFF, 0xB3480FF0)  # bfc x16, #56, #4
LDR_X_X16 = (0xFFFFFFE0, 0xF9400200)  # ldr Xt, [x16]
LDAPR_X_X16 = (0xFFFFFFE0, 0xF8BFC200)  # ldapr Xt, [x16]


@dataclass(frozen=True)
class Told:
    """What the demo printed: per step, the commands with their output, in order."""

    status: int
    errors: str
    text: str
    seconds: float

    def step(self, number: int) -> list[tuple[str, str]]:
        match = re.search(rf"^{number}\. .*?(?=^{number + 1}\. |\Z)", self.text, re.M | re.S)
        assert match, f"no step {number}"
        parts = re.split(r"^(?:\(gdb\)|\$) (.*)$", match[0], flags=re.M)[1:]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def outputs(self, number: int, command: str) -> list[str]:
        return [out for line, out in self.step(number) if line.startswith(command)]


@pytest.fixture(scope="module")
def told() -> Told:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "mtedbg", "demo"], capture_output=True, text=True, timeout=300
    )
    return Told(done.returncode, done.stderr, done.stdout, time.monotonic() - start)


def words(memop: str) -> list[int]:
    """The two instruction words of a `memop` answer."""
    found = re.findall(r"\[[12]\]\s+0x[0-9a-f]+\s+word (0x[0-9a-f]{8}) ", memop)
    assert len(found) == 2, memop
    return [int(word, 16) for word in found]


def is_a(word: int, instruction: tuple[int, int]) -> bool:
    mask, value = instruction
    return word & mask == value


def test_it_runs_to_its_end_in_time(told: Told) -> None:
    assert told.status == 0, told.errors
    assert told.seconds < LIMIT_S


def test_it_stops_on_a_tag_check_fault_of_another_cores_memory(told: Told) -> None:
    (fault,) = told.outputs(1, "mte-fault")
    match = re.search(r"pointer tag (\d+), memory tag (\d+)", fault)
    assert match
    pointer, memory = map(int, match.groups())
    assert pointer != memory
    assert memory != SHARED_TAG
    for command in ("mte-tags", "guest-frame", "memop", "jit-block"):
        assert told.outputs(1, command), command


def test_both_words_of_the_memop_are_patched(told: Told) -> None:
    (before,), (after,) = told.outputs(1, "memop $pc"), told.outputs(2, "memop 0x")
    insert, access = words(before)
    assert is_a(insert, BFI_X16_X27_TAG)
    assert is_a(access, LDR_X_X16)
    new_insert, new_access = words(after)
    assert is_a(new_insert, BFC_X16_TAG)
    assert is_a(new_access, LDAPR_X_X16)
    assert new_access & 31 == access & 31, "the same data register"


def test_the_memory_is_shared_afterwards_as_gdb_itself_reads_it(told: Told) -> None:
    (independent,) = told.outputs(2, "memory-tag print-allocation-tag")
    assert re.search(rf"= {SHARED_TAG:#x}$", independent.strip().splitlines()[0])
    (ours,) = told.outputs(2, "mte-tags")
    assert f"memory tag {SHARED_TAG}" in ours


def test_the_sequence_is_executed_again_and_goes_through(told: Told) -> None:
    shown = told.outputs(3, "x/i $pc")
    assert ["bfc" in shown[0], "ldapr" in shown[1]] == [True, True]
    addresses = [int(re.search(r"0x[0-9a-f]+", text)[0], 16) for text in shown]  # type: ignore[index]
    assert [a - addresses[0] for a in addresses] == [0, 4, 8]
    assert "SIGSEGV" not in "".join(out for _, out in told.step(3))


def test_the_post_mortem_has_every_part(told: Told) -> None:
    (report,) = told.outputs(4, "mtedbg core")
    assert report.startswith("\ntag check fault (synchronous)")
    for part in ("mte-fault", "mte-tags", "guest-frame", "memop $pc", "jit-block $pc", "\nCode"):
        assert part in report, part
    assert "SEGV_MTESERR" in report
    assert re.search(r"^=> 0x[0-9a-f]+ +[0-9a-f]{8}", report, re.M), "disassembly with the PC"
    assert "Traceback" not in report + told.errors


def test_with_the_oldest_gdb() -> None:
    """Debian 12's has no command of its own for tags under QEMU: the stub's answer is shown."""
    done = subprocess.run(
        [sys.executable, "-m", "mtedbg", "demo", "--gdb", "gdb-multiarch"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    told = Told(done.returncode, done.stderr, done.stdout, 0)
    assert told.status == 0, told.errors
    (packet,) = told.outputs(2, "maintenance packet qMemTags:")
    assert f'received: "m{SHARED_TAG:02x}"' in packet
