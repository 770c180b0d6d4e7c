"""Hypothesis strategies: sequences of forms with operands, and what they start from."""

from __future__ import annotations

import string
from collections.abc import Callable

from hypothesis import strategies as st

from tests.oracle.case import Case
from tests.oracle.flags import ARITHMETIC, BITS, DEFINE_ALL, mask
from tests.oracle.forms import FORMS, Form

MOST_STEPS = 4
_SIZES = {"b": 8, "w": 16, "d": 32, "q": 64, "v": 64}
_POINTERS = {"b": "byte", "w": "word", "d": "dword", "q": "qword"}
_LEGACY = ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh")
_OLD = ("ax", "cx", "dx", "bx", "bp", "si", "di")
_PLACES = (
    "[r15 {n:+}]", "[arena_mid {n:+}]", "[rip + arena_mid {n:+}]", "[r15 + r14 {n:+}]",
    "[r15 + r14 * 2 {n:+}]", "[r15 + r14 * 4 {n:+}]", "[r15 + r14 * 8 {n:+}]",
)  # fmt: skip
_EDGES = sorted({v & (2**64 - 1) for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64)
                 for v in (2**bits - 1, 2**bits, -(2**bits))})  # fmt: skip

values = st.sampled_from(_EDGES) | st.integers(0, 2**64 - 1)
near = st.integers(-120, 104)
Draw = Callable[[st.SearchStrategy[int]], int]


def register_name(number: int, width: str) -> str:
    """One of the thirteen registers that sequences may write, by number."""
    if number >= len(_OLD):
        return f"r{number + 1}" + {"b": "b", "w": "w", "d": "d", "q": ""}[width]
    name = _OLD[number]
    if width == "b":
        return name[0] + "l" if name.endswith("x") else name + "l"
    return {"w": "", "d": "e", "q": "r"}[width] + name


def _signed(bits: int) -> st.SearchStrategy[int]:
    top = 1 << (bits - 1)
    edges = st.sampled_from([0, 1, -1, top - 1, -top, 0x55 & (top - 1)])
    return edges | st.integers(-top, top - 1)


def _memory(draw: Draw, width: str, places: int) -> str:
    place = _PLACES[draw(st.integers(0, places - 1))].format(n=draw(near))
    return f"{_POINTERS[width]} ptr {place}"


def _operand(draw: Draw, kind: str, width: str) -> str:
    match kind:
        case "x" if draw(st.integers(0, 2)) == 0:
            return _memory(draw, width, len(_PLACES))
        case "r" | "x":
            return register_name(draw(st.integers(0, 12)), width)
        case "m":
            return _memory(draw, width, len(_PLACES))
        case "k":
            return f"{_POINTERS[width]} ptr [arena_mid {draw(near):+}]"
        case "l":
            return _LEGACY[draw(st.integers(0, 7))]
        case "i":
            bits = 64 if width == "v" else min(_SIZES[width], 32)
            return str(draw(_signed(bits)))
        case "c":
            return str(draw(st.integers(0, 66)))
        case "n":
            return str(draw(near))
        case "f":
            return str(draw(st.integers(0, 15)))
        case "p":
            return str(draw(st.integers(1, 16)))
        case "s":
            return str(draw(st.integers(-900, 900)))
        case "a":
            return f"[r15 {16 * draw(st.integers(-8, 7)):+}]"
    raise AssertionError(kind)


def _render(draw: Draw, form: Form) -> str:
    """The template with operands drawn for its fields."""
    registers: dict[str, int] = {}
    others: dict[str, str] = {}
    out = []
    for literal, field, _, _ in string.Formatter().parse(form.text):
        out.append(literal)
        if field is None:
            continue
        if field in ("c4", "n4"):
            out.append(_operand(draw, "f", ""))
        elif field[0] == "r" and field[-1].isdigit():
            number = registers.get(field[-1])
            if number is None:
                number = registers[field[-1]] = draw(st.integers(0, 12))
            out.append(register_name(number, field[1]))
        elif field[-1].isdigit():
            if field not in others:
                others[field] = _operand(draw, field[0], field[1])
            out.append(others[field])
        else:
            out.append(_operand(draw, field[0], field[1:]))
    return "".join(out)


_FORMS = st.sampled_from(range(len(FORMS)))


@st.composite
def sequences(draw: Draw, last: Form | None = None) -> Case:
    """One to MOST_STEPS forms. No flag is read, nor compared at the end, that is undefined.

    Args:
        last: the form that the sequence ends with; any where there is none.
    """
    lines: list[str] = []
    undefined: set[str] = set()
    steps = [FORMS[draw(_FORMS)] for _ in range(draw(st.integers(1, MOST_STEPS)))]
    for form in steps if last is None else [*steps[1:], last]:
        if undefined & set(form.effect.reads):
            lines.append(DEFINE_ALL)
            undefined.clear()
        lines.append(_render(draw, form))
        undefined -= set(form.effect.writes)
        undefined |= set(form.effect.undefined)
    start = sum(1 << BITS[f] for f in ARITHMETIC if draw(st.integers(0, 1)))
    return Case(
        text="\n".join(lines),
        registers=tuple(draw(values) for _ in range(13)),
        small=draw(st.integers(0, 7)),
        flags=start,
        memory=draw(st.integers(0, 1023)),
        mask=mask(ARITHMETIC + "D") & ~mask("".join(undefined)),
    )


def tour(forms: tuple[Form, ...]) -> st.SearchStrategy[tuple[Case, ...]]:
    """A sequence for each of these forms."""
    return st.tuples(*(sequences(form) for form in forms))


def any_one() -> st.SearchStrategy[tuple[Case, ...]]:
    """One sequence of any forms."""
    return st.tuples(sequences())
