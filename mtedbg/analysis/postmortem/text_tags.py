"""What registers, tag maps and numbers in a text tell about a pointer's tag."""

from __future__ import annotations

import re

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.crash_text import CrashText
from mtedbg.model.pointer import GRANULE, KERNEL_HALF, logical_tag, strip

_FAR = 1 << 12
"""Bytes that an access may be from its base register."""
_PAGE = 1 << 12
_NEGATIVE = 256
"""Bytes below its base that an instruction with an immediate may access."""
_BASES = re.compile(r"x(?:[0-9]|[12][0-9]|30)|sp")
_FEW = 16
"""Tags of a page that must be drawn before anything is said of all of it."""
_ANDROID = 0xB4
_NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]{14,16}|\d{17,20})(?![\w.])")
_MOST_NUMBERS = 64


@dataclass(frozen=True, slots=True)
class HiddenTag:
    """A tag that the fault address does not have, by the register that held the base.

    Attributes:
        register: its name.
        value: its value, tag bits kept.
        offset: from it to the fault address, in bytes.
        tag: in bits 59:56 of it.
        certain: whether no other register near the address has another tag.
    """

    register: str
    value: int
    offset: int
    tag: int
    certain: bool


@dataclass(frozen=True, slots=True)
class TagRun:
    """Where memory with the pointer's tag is: `distance` bytes before or after the address."""

    distance: int
    before: bool


@dataclass(frozen=True, slots=True)
class Zeros:
    """How many tags of a page are drawn, all 0; `all_drawn`: of every row in the text."""

    granules: int
    all_drawn: bool


@dataclass(frozen=True, slots=True)
class Boxed:
    """A number in a text that is a pointer with something in its top bits.

    Attributes:
        value: the number.
        what: what its top bits are.
    """

    value: int
    what: str


def hidden_tag(found: CrashText, raw: int) -> HiddenTag | None:
    """The tag by a base register that points near `raw`, an address without a tag."""
    address = strip(raw)
    near = [
        (offset, name, value)
        for name, value in found.registers.items()
        if _BASES.fullmatch(name) and not value & KERNEL_HALF
        and -_NEGATIVE <= (offset := address - strip(value)) < _FAR
    ]  # fmt: skip
    tagged = sorted(
        (one for one in near if logical_tag(one[2]) and not one[2] >> 60),
        key=lambda one: (one[0] < 0, abs(one[0])),
    )
    if not tagged:
        return None
    offset, name, value = tagged[0]
    closer = [one for one in near if not logical_tag(one[2]) and abs(one[0]) <= abs(offset)]
    same = len({logical_tag(one[2]) for one in tagged}) == 1
    return HiddenTag(name, value, offset, logical_tag(value), certain=same and not closer)


def run_of(found: CrashText, address: int, tag: int) -> TagRun | None:
    """The nearest drawn memory with `tag`; None where the address has it, or none is drawn."""
    best: TagRun | None = None
    granule = address & -GRANULE
    for row in found.tags:
        start = strip(row.start)
        for number, one in enumerate(row.tags):
            if one != tag:
                continue
            place = start + number * GRANULE
            if place == granule:
                return None
            before = place < granule
            distance = address - (place + GRANULE) if before else place - address
            if best is None or distance < best.distance:
                best = TagRun(distance, before)
    return best


def zeros_of_page(found: CrashText, address: int) -> Zeros | None:
    """How much of the page that holds `address` is drawn, where all of that has tag 0."""
    page = address & -_PAGE
    count, everything = 0, True
    for row in found.tags:
        for number, tag in enumerate(row.tags):
            here = page <= strip(row.start) + number * GRANULE < page + _PAGE
            if tag and here:
                return None
            count += here
            everything = everything and not tag
    return Zeros(count, everything) if count >= _FEW else None


def boxed_values(found: CrashText, raw: int | Absent) -> tuple[Boxed, ...]:
    """Numbers in a process's last words, and its fault address, that are pointers and more."""
    texts = [found.message, *(text for about, text in found.facts if about in ("left", "right"))]
    numbers = [int(one, 0) for text in texts for one in _NUMBER.findall(text)[:_MOST_NUMBERS]]
    if isinstance(raw, int):
        numbers.append(raw)
    made = []
    for value in dict.fromkeys(numbers):
        if 0 < value < 1 << 64 and (what := _boxed(value)):
            made.append(Boxed(value, what))
    return tuple(made)


def _boxed(value: int) -> str:
    top = value >> 56
    rest = value & (1 << 56) - 1
    if top == _ANDROID and (rest == 0 or 1 << 16 <= rest < 1 << 48):
        return f"{_ANDROID:#x} << 56: Android's fixed heap tag (TBI)"
    if value >> 48 in _NANS and value & (1 << 47) - 1 >= 1 << 16:
        return "a NaN-boxed value, whose top bits are a type and no tag"
    return ""


_NANS = frozenset((*range(0x7FF8, 0x8000), *range(0xFFF8, 0xFFFF)))
"""Bits 63:48 of a quiet NaN: what engines box pointers in."""
