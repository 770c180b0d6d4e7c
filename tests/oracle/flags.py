"""Which flags instructions read, write and leave undefined (Intel SDM volume 2, volume 1 A.2)."""

from __future__ import annotations

from dataclasses import dataclass

BITS = {"C": 0, "P": 2, "A": 4, "Z": 6, "S": 7, "D": 10, "O": 11}
ARITHMETIC = "CPAZSO"
DEFINE_ALL = "cmp r15, r14"
"""Gives every arithmetic flag a value that depends on nothing undefined."""


@dataclass(frozen=True)
class Effect:
    """What an instruction does to flags, each a string of their letters.

    Args:
        reads: what it depends on.
        writes: what it surely gives a defined value.
        undefined: what it may leave with any value.
    """

    reads: str = ""
    writes: str = ""
    undefined: str = ""


NONE = Effect()
ADD = Effect(writes=ARITHMETIC)
ADD_WITH_CARRY = Effect("C", ARITHMETIC)
INCREMENT = Effect(writes="PAZSO")
LOGIC = Effect(writes="CPZSO", undefined="A")
MULTIPLY = Effect(writes="CO", undefined="PAZS")
DIVIDE = Effect(undefined=ARITHMETIC)
SHIFT_ONE = Effect(writes="CPZSO", undefined="A")
SHIFT = Effect(undefined="AO")  # a count may be zero, and nothing is written then
SHIFT_OUT = Effect(undefined="CAO")  # by as many bits as there are, or more
ROTATE_ONE = Effect(writes="CO")
ROTATE = Effect(undefined="O")
CARRY_ROTATE_ONE = Effect("C", "CO")
CARRY_ROTATE = Effect("C", undefined="O")
BIT = Effect(writes="C", undefined="OSAP")
SCAN = Effect(writes="Z", undefined="COSAP")
COUNT = Effect(writes="CZ", undefined="OSAP")
ZERO = Effect(writes="Z")
CARRY = Effect(writes="C")
COMPLEMENT = Effect("C", "C")
DIRECTION = Effect(writes="D")
WORD = Effect(ARITHMETIC + "D")
SET_WORD = Effect(writes=ARITHMETIC + "D")
SET_BYTE = Effect(writes="CPAZS")
BYTE = Effect("CPAZS")

CONDITIONS = {
    "o": "O", "no": "O", "b": "C", "ae": "C", "e": "Z", "ne": "Z", "be": "CZ", "a": "CZ",
    "s": "S", "ns": "S", "p": "P", "np": "P", "l": "SO", "ge": "SO", "le": "SOZ", "g": "SOZ",
}  # fmt: skip
"""Each condition code and the flags that it reads."""


def mask(letters: str) -> int:
    """The bits of RFLAGS that these letters name."""
    return sum(1 << BITS[letter] for letter in letters)
