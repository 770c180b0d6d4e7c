"""Sequences of forms with operands, and what they start from, out of any source of numbers."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Protocol

from tests.oracle.case import MXCSR_AT_START, Case
from tests.oracle.flags import ARITHMETIC, BITS, DEFINE_ALL, mask
from tests.oracle.forms import FORMS, Form

_SIZES = {"b": 8, "w": 16, "d": 32, "q": 64, "v": 64}
_POINTERS = {"b": "byte", "w": "word", "d": "dword", "q": "qword", "t": "tbyte", "x": "xmmword"}
_LEGACY = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")
_OLD = ("ax", "cx", "dx", "bx", "bp", "si", "di")
_PLACES = (
    "[r15 {n:+}]", "[arena_mid {n:+}]", "[rip + arena_mid {n:+}]", "[r15 + r14 {n:+}]",
    "[r15 + r14 * 2 {n:+}]", "[r15 + r14 * 4 {n:+}]", "[r15 + r14 * 8 {n:+}]",
)  # fmt: skip
EDGES = sorted({v & (2**64 - 1) for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64)
                for v in (2**bits - 1, 2**bits, -(2**bits))})  # fmt: skip
"""Values of registers at which something changes."""

Step = tuple[Form, str]
"""A form, and its text with operands."""


class Source(Protocol):
    """Where choices come from."""

    def number(self, low: int, high: int) -> int:
        """A number from `low` to `high`."""

    def value(self) -> int:
        """What a register holds."""

    def signed(self, bits: int) -> int:
        """An immediate of so many bits."""


def signed_edges(bits: int) -> list[int]:
    """Immediates at which something changes."""
    top = 1 << (bits - 1)
    return [0, 1, -1, top - 1, -top, 0x55 & (top - 1)]


def register_name(number: int, width: str) -> str:
    """One of the thirteen registers that sequences may write, by number."""
    if number >= len(_OLD):
        return f"r{number + 1}" + {"b": "b", "w": "w", "d": "d", "q": ""}[width]
    name = _OLD[number]
    if width == "b":
        return name[0] + "l" if name.endswith("x") else name + "l"
    return {"w": "", "d": "e", "q": "r"}[width] + name


def _near(source: Source) -> int:
    return source.number(-120, 104)


def _memory(source: Source, width: str) -> str:
    place = _PLACES[source.number(0, len(_PLACES) - 1)].format(n=_near(source))
    return f"{_POINTERS[width]} ptr {place}"


def _operand(source: Source, kind: str, width: str) -> str:
    match kind:
        case "x" if source.number(0, 2) == 0:
            return _memory(source, width)
        case "r" | "x":
            return register_name(source.number(0, 12), width)
        case "m":
            return _memory(source, width)
        case "k":
            return f"{_POINTERS[width]} ptr [arena_mid {_near(source):+}]"
        case "l":
            return _LEGACY[source.number(0, 7)]
        case "i":
            return str(source.signed(64 if width == "v" else min(_SIZES[width], 32)))
        case "c":
            return str(source.number(0, 66))
        case "n":
            return str(_near(source))
        case "f":
            return str(source.number(0, 15))
        case "p":
            return str(source.number(1, 16))
        case "s":
            return str(source.number(-900, 900))
        case "v":
            return f"xmm{source.number(0, 15)}"
        case "z" if source.number(0, 2) == 0:
            return _memory(source, width)
        case "z":
            return f"xmm{source.number(0, 15)}"
        case "y" if source.number(0, 2) == 0:
            return f"xmmword ptr [r15 {16 * source.number(-8, 7):+}]"
        case "y":
            return f"xmm{source.number(0, 15)}"
        case "o":
            return str(source.number(0, 255))
        case "a":
            return f"[r15 {16 * source.number(-8, 7):+}]"
    raise AssertionError(kind)


@functools.cache
def _parsed(text: str) -> list[tuple[str, str | None]]:
    return [(literal, field) for literal, field, _, _ in string.Formatter().parse(text)]


def render(source: Source, form: Form) -> str:
    """The template with operands drawn for its fields."""
    registers: dict[str, int] = {}
    others: dict[str, str] = {}
    out = []
    for literal, field in _parsed(form.text):
        out.append(literal)
        if field is None:
            continue
        if field in ("c4", "n4"):
            out.append(_operand(source, "f", ""))
        elif field[0] == "r" and field[-1].isdigit():
            number = registers.get(field[-1])
            if number is None:
                number = registers[field[-1]] = source.number(0, 12)
            out.append(register_name(number, field[1]))
        elif field[-1].isdigit():
            if field not in others:
                others[field] = _operand(source, field[0], field[1])
            out.append(others[field])
        else:
            out.append(_operand(source, field[0], field[1:]))
    return "".join(out)


def put_together(steps: Sequence[Step]) -> tuple[str, int]:
    """The text of steps, and which flags are defined behind them.

    No flag is read that is undefined: where one would be, all are given a value before.
    """
    lines: list[str] = []
    undefined: set[str] = set()
    for form, text in steps:
        if undefined.intersection(form.effect.reads):
            lines.append(DEFINE_ALL)
            undefined.clear()
        lines.append(text)
        undefined.difference_update(form.effect.writes)
        undefined.update(form.effect.undefined)
    return "\n".join(lines), mask(ARITHMETIC + "D") & ~mask("".join(undefined))


def steps_of(source: Source, count: int, last: Form | None = None) -> list[Step]:
    """So many steps of any forms; the last one is of the form `last`, where there is one."""
    forms = [FORMS[source.number(0, len(FORMS) - 1)] for _ in range(count)]
    if last is not None:
        forms[-1] = last
    return [(form, render(source, form)) for form in forms]


def _mxcsr(source: Source) -> int:
    """Any rounding, at times flags that are set, denormals that are zeros or flushed to zero."""
    value = MXCSR_AT_START | source.number(0, 3) << 13
    if source.number(0, 3) == 0:
        value |= source.number(0, 63)
    if source.number(0, 3) == 0:
        value |= source.number(0, 1) << 6 | source.number(0, 1) << 15
    return value


def case_of(source: Source, steps: Sequence[Step]) -> Case:
    """A case of these steps, on registers, flags and memory that are drawn."""
    text, defined = put_together(steps)
    return Case(
        text=text,
        flags=sum(1 << BITS[f] for f in ARITHMETIC if source.number(0, 1)),
        registers=tuple(source.value() for _ in range(13)),
        small=source.number(0, 7),
        memory=source.number(0, 2047),
        mask=defined,
        vectors=source.number(0, 4095),
        mxcsr=_mxcsr(source),
    )
