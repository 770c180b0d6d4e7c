"""A case: a sequence, what it starts from, and what two runs of it must agree on."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

from tests.oracle import numbers

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")  # fmt: skip
ARENA = 512
STACK = 256
VECTORS = 16 * 16 + 8
"""xmm0 to xmm15, and MXCSR in a quad."""
X87 = 160
"""FXSAVE's area up to the vectors; MXCSR is in it, too."""
OUTPUT = 8 * 17 + ARENA + STACK + VECTORS + X87
MXCSR_AT_START = 0x1F80
_EDGES = (0, 0xFF, 0x7F, 0x80, 0x55)
_WITH_NUMBERS = 1024
"""From this seed on, the arena has numbers in it."""
_DENORMAL = 2
_PLAIN = 0x1F80 | 0x8040
"""Bits of MXCSR: the masks, DAZ and FTZ."""


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
        vectors: seed of xmm0 to xmm15.
        mxcsr: MXCSR at the start.
    """

    text: str
    registers: tuple[int, ...]
    small: int
    flags: int
    memory: int
    mask: int
    vectors: int = 0
    mxcsr: int = MXCSR_AT_START

    def arena(self) -> bytes:
        """The bytes that the arena starts with: random, with runs of one value."""
        source = random.Random(self.memory)
        data = bytearray(source.randbytes(ARENA))
        for _ in range(self.memory % 5):
            start, length = source.randrange(ARENA), source.randrange(1, 33)
            data[start : start + length] = bytes([source.choice(_EDGES)]) * length
        data = data[:ARENA]
        if self.memory >= _WITH_NUMBERS:
            for at in range(0, ARENA, 16):
                data[at : at + 16] = numbers.vector(source)
        return bytes(data)

    def vector_input(self) -> bytes:
        """xmm0 to xmm15 and MXCSR as the harness reads and writes them."""
        source = random.Random(self.vectors)
        return b"".join(numbers.vector(source) for _ in range(16)) + struct.pack("<Q", self.mxcsr)

    def input(self, arena_mid: int) -> bytes:
        """What the harness reads; `arena_mid` is the address for r15."""
        low = (*self.registers[:4], self.flags, *self.registers[4:])
        general = struct.pack("<16Q", *low, self.small, arena_mid)
        return general + self.arena() + self.vector_input()

    def mxcsr_mask(self) -> int:
        """Bits of MXCSR that the runtime gives: not always that of denormal operands."""
        kept = self.mxcsr & _PLAIN != MXCSR_AT_START and not any(
            name in self.text for name in ("ldmxcsr", "fxrstor")
        )
        return 0xFFFF if kept else 0xFFFF & ~_DENORMAL

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


_X87 = ("control word", "status word", "full registers", *(f"st({i})" for i in range(8)))


def _x87(area: bytes) -> list[str]:
    """What is compared: not the addresses of instruction and operand, which the runtime has not."""
    words = struct.unpack_from("<HHH", area)
    return [*map(hex, words), *(area[at : at + 10][::-1].hex() for at in range(32, 160, 16))]


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
    vectors = OUTPUT - VECTORS - X87
    for i in range(16):
        at = slice(vectors + 16 * i, vectors + 16 * i + 16)
        if native.record[at] != runtime.record[at]:
            a, b = (one.record[at][::-1].hex() for one in (native, runtime))
            yield f"xmm{i} is {b}, not {a}"
    a, b = (struct.unpack_from("<Q", one.record, OUTPUT - X87 - 8)[0] for one in (native, runtime))
    if (a ^ b) & case.mxcsr_mask():
        yield f"MXCSR is {b:#x}, not {a:#x}"
    x87 = [_x87(one.record[-X87:]) for one in (native, runtime)]
    for name, a, b in zip(_X87, *x87, strict=True):
        if a != b:
            yield f"{name} is {b}, not {a}"
    for i in range(8 * 17, vectors):
        if native.record[i] != runtime.record[i]:
            at = i - 8 * 17 - ARENA // 2
            where = f"[r15{at:+}]" if at < ARENA // 2 else f"stack[{at - ARENA // 2 - STACK // 2}]"
            yield f"{where} is {runtime.record[i]:#x}, not {native.record[i]:#x}"
