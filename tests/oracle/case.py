"""A case: a sequence, what it starts from, and what two runs of it must agree on."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")  # fmt: skip
ARENA = 512
STACK = 256
OUTPUT = 8 * 17 + ARENA + STACK
_EDGES = (0, 0xFF, 0x7F, 0x80, 0x55)


@dataclass(frozen=True)
class Case:
    """One sequence and its input.

    Args:
        text: lines for GNU as, Intel syntax; r15 is the middle of the arena and r14 is small.
        registers: values of rax to r13 without rsp, in encoding order.
        small: value of r14, 0 to 7.
        flags: RFLAGS at the start, arithmetic flags only.
        memory: seed of the arena's bytes.
        mask: flags that are defined at the end.
    """

    text: str
    registers: tuple[int, ...]
    small: int
    flags: int
    memory: int
    mask: int

    def arena(self) -> bytes:
        """The bytes that the arena starts with: random, with runs of one value."""
        source = random.Random(self.memory)
        data = bytearray(source.randbytes(ARENA))
        for _ in range(self.memory % 5):
            start, length = source.randrange(ARENA), source.randrange(1, 33)
            data[start : start + length] = bytes([source.choice(_EDGES)]) * length
        return bytes(data[:ARENA])

    def input(self, arena_mid: int) -> bytes:
        """What the harness reads; `arena_mid` is the address for r15."""
        low = (*self.registers[:4], self.flags, *self.registers[4:])
        return struct.pack("<16Q", *low, self.small, arena_mid) + self.arena()

    def to_json(self) -> dict[str, Any]:
        """As a value of JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**value | {"registers": tuple(value["registers"])})


@dataclass(frozen=True)
class Outcome:
    """What a run left: the harness's record of it, or why there is none."""

    record: bytes = b""
    error: str = ""

    def registers(self) -> tuple[int, ...]:
        """The sixteen registers and RFLAGS."""
        return struct.unpack_from("<17Q", self.record)


def differences(case: Case, native: Outcome, runtime: Outcome) -> Iterator[str]:
    """What the runtime did other than the processor, a line each."""
    if native.error or runtime.error:
        if native.error != runtime.error:
            yield f"natively: {native.error or 'went through'}; runtime: {runtime.error or 'too'}"
        return
    expected, got = native.registers(), runtime.registers()
    for name, a, b in zip(REGISTERS, expected[:16], got[:16], strict=True):
        if a != b:
            yield f"{name} is {b:#x}, not {a:#x}"
    if (expected[16] ^ got[16]) & case.mask:
        yield f"flags are {got[16] & case.mask:#x}, not {expected[16] & case.mask:#x}"
    for i in range(8 * 17, OUTPUT):
        if native.record[i] != runtime.record[i]:
            at = i - 8 * 17 - ARENA // 2
            where = f"[r15{at:+}]" if at < ARENA // 2 else f"stack[{at - ARENA // 2 - STACK // 2}]"
            yield f"{where} is {runtime.record[i]:#x}, not {native.record[i]:#x}"
