"""Names as a debugger with debug information knows them."""

from __future__ import annotations

from mtedbg.address.values import (
    FUNCTION,
    SIGNED,
    UNKNOWN,
    UNSIGNED,
    Field,
    Held,
    Kind,
    Number,
    Place,
    Type,
    Value,
    pointer_to,
)
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent, Reason

TAGGED = 0x0300_0000_0000_1000
CHAR = Type(Kind.INTEGER, "char", 1)
INT = Type(Kind.INTEGER, "int", 4, signed=True)
DOUBLE = Type(Kind.OTHER, "double", 8)
NODE = Type(Kind.RECORD, "node", 24, fields=lambda: _FIELDS)
BASE = Type(Kind.RECORD, "base", 8, fields=lambda: (Field("name", 0, _NAME),))
_NAME = Type(Kind.ARRAY, "char [8]", 8, target=lambda: CHAR)
_FIELDS = (
    Field("", 0, Type(Kind.RECORD, "empty", 1, fields=lambda: ())),
    Field("next", 0, pointer_to(NODE)),
    Field("value", 8, SIGNED),
    Field("", 16, BASE),
)
REFERENCE = Type(Kind.REFERENCE, "node &", 8, target=lambda: NODE)
NODES = Type(Kind.ARRAY, "node [2]", 48, target=lambda: NODE)
VARIABLES: dict[str, Value] = {
    "p": Number(0x1000, pointer_to(NODE)),
    "head": Place(0x2000, pointer_to(NODE)),
    "nodes": Place(0x1000, NODES),
    "c": Place(0x2008, pointer_to(CHAR)),
    "n": Number(-5, INT),
    "big": Number(1 << 63, UNSIGNED),
    "ratio": Place(0x2010, DOUBLE),
    "ref": Place(0x2018, REFERENCE),
    "in_registers": Held(NODE, lambda name: Number(77, SIGNED) if name == "value" else None),
    "untyped": Place(0x3000, UNKNOWN),
    "main": Place(0x4000, FUNCTION),
    "main.cold": Place(0x5000, FUNCTION),
    "ns::f": Place(0x6000, FUNCTION),
    "memcpy@plt": Place(0x7000, FUNCTION),
    "size_of": Number(1, INT),
}
MEMORY = {
    0x1000: (0x1018, 8),
    0x1008: (100, 8),
    0x1010: (0x6968, 8),
    0x1018: (TAGGED, 8),
    0x1020: (-2 & (1 << 64) - 1, 8),
    0x2000: (TAGGED, 8),
    0x2008: (0x1010, 8),
    0x2018: (0x1018, 8),
    0x3000: (0x1000, 8),
}


class Names:
    """A program with a list of nodes."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def register(self, name: str) -> Value | None:
        values = {"x0": TAGGED, "x29": 29, "x30": 30, "pc": 0x4004, "sp": 0x8000, "pstate": 5}
        return Number(values[name], SIGNED) if name in values else None

    def name(self, name: str) -> Value | Absent:
        if name == "lost":
            raise ExpressionError("'lost' is optimized out here", "look in another frame")
        return VARIABLES.get(name, Absent(Reason.UNKNOWN))

    def type(self, name: str) -> Type | None:
        return NODE if name in ("struct node", "node") else None

    def read(self, address: int, size: int) -> bytes | Absent:
        self.reads.append(address)
        for start, (value, length) in MEMORY.items():
            if start <= address and address + size <= start + length:
                return value.to_bytes(8, "little")[address - start :][:size]
        return Absent(Reason.UNMAPPED)
