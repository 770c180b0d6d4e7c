"""Frames that were left already → an ELF file by which a debugger leaves them in the same way.

Its call frame information is a table: where sp is that of a frame which is known, the registers of
the caller are the numbers that were found, and where it is none, nothing is known. So it says the
truth of one stop. Of a later one it says nothing where another frame is at the same sp: the return
address, where it is on the stack, is a part of what is compared.

Source: elf(5); DWARF 5, 2.5 and 6.4; Linux Standard Base, 10.6 (`.eh_frame`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.formats import elf

_SP, _LINK, _FRAME = 31, 30, 29
_SAVED = range(19, 29)
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_IDENT = elf.MAGIC + bytes((2, 1, 1)) + bytes(9)
_SHARED, _AARCH64 = 3, 183
_NO_BITS, _PROGRAM_BITS, _STRINGS, _SYMBOLS = 8, 1, 3, 2
_ALLOCATED, _CODE = 2, 4
_FUNCTION = 2
_ALIGNMENT = 8

# DWARF's operations, and instructions of call frame information.
_CONSTANT, _DUP, _DROP, _BRANCH, _EQUAL, _SKIP, _ZERO = (
    b"\x0e",
    b"\x12",
    b"\x13",
    0x28,
    0x29,
    0x2F,
    b"\x30",
)
_OF_SP, _READ = b"\x8f\x00", b"\x06"
_CFA_BY, _VALUE_BY, _UNDEFINED, _CFA = 0x0F, 0x16, 0x07, 0x0C


@dataclass(frozen=True, slots=True)
class UnwoundFrame:
    """A frame that was unwound.

    Attributes:
        sp: of the frame.
        caller: registers of its caller: sp and pc, and those of x19 to x29 that are known.
        kept: where its return address is on the stack, and the word there; None where it is not.
    """

    sp: int
    caller: Mapping[str, int]
    kept: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class UnwoundCode:
    """Code in [start, end), and the frames in it.

    Attributes:
        start: its first instruction.
        end: one past the last.
        name: what a debugger calls it.
        frames: with one `sp` each.
    """

    start: int
    end: int
    name: str
    frames: Sequence[UnwoundFrame]


def frames_elf(codes: Sequence[UnwoundCode]) -> bytes:
    """The file. It has a section for each code, at its address, without contents.

    Args:
        codes: which do not overlap.
    """
    names, symbols = bytearray(b"\0"), bytearray(elf.SYMBOL.size)
    tables = bytearray(_record(_common(), 0))
    for number, code in enumerate(codes):
        at = len(names)
        names += code.name.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"
        size = code.end - code.start
        symbols += elf.SYMBOL.pack(at, _FUNCTION, 0, number + 1, code.start, size)
        begin = struct.pack("<QQ", code.start, size) + b"\0"
        tables += _record(begin + _rules(code.frames), len(tables) + 4)
    tables += bytes(4)
    parts = [
        (_NO_BITS, _ALLOCATED | _CODE, one.start, one.end - one.start, b"", 0, 0) for one in codes
    ]
    strings = len(parts) + 2
    parts += [
        (_PROGRAM_BITS, 0, 0, len(tables), bytes(tables), 0, 0),
        (_STRINGS, 0, 0, len(names), bytes(names), 0, 0),
        (_SYMBOLS, 0, 0, len(symbols), bytes(symbols), strings, elf.SYMBOL.size),
    ]
    words = [f".jit.{number}" for number in range(len(codes))]
    return _file(parts, [*words, ".eh_frame", ".strtab", ".symtab"])


def _file(parts: Sequence[tuple[int, int, int, int, bytes, int, int]], words: list[str]) -> bytes:
    """A file of sections.

    Args:
        parts: kind, flags, address, size, contents, the section it refers to, size of an entry.
        words: the name of each.
    """
    heads, out, text = bytearray(_SECTION.size), bytearray(_HEADER.size), bytearray(b"\0")
    for (kind, flags, address, size, data, link, entry), word in zip(parts, words, strict=True):
        at, place = len(text), len(out)
        text += word.encode() + b"\0"
        first = 1 if kind == _SYMBOLS else 0
        head = (at, kind, flags, address, place, size, link, first, _ALIGNMENT, entry)
        heads += _SECTION.pack(*head)
        out += _aligned(data)
    at = len(text)
    text += b".shstrtab\0"
    heads += _SECTION.pack(at, _STRINGS, 0, 0, len(out), len(text), 0, 0, 1, 0)
    out += _aligned(text)
    count, start = len(parts) + 2, len(out)
    sizes = (_HEADER.size, 56, 0, _SECTION.size, count, count - 1)
    header = _HEADER.pack(_IDENT, _SHARED, _AARCH64, 1, 0, 0, start, 0, *sizes)
    return bytes(header + out[len(header) :] + heads)


def _aligned(data: bytes | bytearray) -> bytes:
    return bytes(data) + bytes(-len(data) % _ALIGNMENT)


def _common() -> bytes:
    """What all frames have in common: addresses as they are, x30 for the return address."""
    data_factor = b"\x7c"  # -4
    head = b"\x01zR\0" + b"\x04" + data_factor + bytes((_LINK,)) + b"\x01\x00"
    return head + bytes((_CFA, _SP, 0))


def _record(contents: bytes, back: int) -> bytes:
    """One of `.eh_frame`: its length, what it refers to, and its contents."""
    padding = bytes(-(len(contents) + 8) % _ALIGNMENT)
    whole = struct.pack("<I", back) + contents + padding
    return struct.pack("<I", len(whole)) + whole


def _rules(frames: Sequence[UnwoundFrame]) -> bytes:
    by_sp = [(one.sp, one.caller["sp"], one.kept) for one in frames]
    out = bytes((_CFA_BY,)) + _block(_OF_SP + _chosen(by_sp))
    registers = [(_LINK, "pc"), (_FRAME, "x29"), *((n, f"x{n}") for n in _SAVED)]
    for number, name in registers:
        known = [(one.caller["sp"], one.caller[name], None) for one in frames if name in one.caller]
        if len(known) == len(frames):  # else it would be 0 in some, which is believed
            out += bytes((_VALUE_BY, number)) + _block(_chosen(known))
        else:
            out += bytes((_UNDEFINED, number))
    return out


def _block(expression: bytes) -> bytes:
    return _number(len(expression)) + expression


def _number(value: int) -> bytes:
    """A number in LEB128."""
    out = bytearray()
    while value >> 7:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _chosen(rows: Iterable[tuple[int, int, tuple[int, int] | None]]) -> bytes:
    """An expression: of the number on the stack the one that goes with it, else 0.

    Args:
        rows: the number, what goes with it, and a place in memory with the word that is to be
            there; None where nothing is.
    """
    rest = _DROP + _ZERO
    for key, value, kept in reversed([*rows]):
        found = _DROP + _CONSTANT + struct.pack("<Q", value)
        found += struct.pack("<Bh", _SKIP, len(rest))
        if kept is not None:
            place, word = (_CONSTANT + struct.pack("<Q", number) for number in kept)
            found = _if_equal(place + _READ + word, found)
        rest = _if_equal(_DUP + _CONSTANT + struct.pack("<Q", key), found) + rest
    return rest


def _if_equal(pair: bytes, then: bytes) -> bytes:
    """What goes on with `then` where two numbers are the same, else behind it.

    Args:
        pair: puts both on the stack.
        then: operations.
    """
    return pair + struct.pack("<BBhBh", _EQUAL, _BRANCH, 3, _SKIP, len(then)) + then
