"""The load and store encodings: a 32-bit word → what it does to memory.

By masks and not by a disassembler: none of them tells size, order and tag check of every form
(capstone 5 has no access kind for LSE, STLUR or STG, and does not know STGP).
Source: Arm ARM (DDI 0487) C4.1.94 "Loads and Stores"; whether an access is checked is the
`tagchecked` argument in each instruction's pseudocode.
"""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.decode.code.scalable import scalable
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.instruction import (
    PC,
    SP,
    AccessKind,
    Copy,
    Extend,
    Index,
    MemoryAccess,
    Ordering,
)

_UNKNOWN_FORM = Absent(Reason.UNKNOWN, "a load or store of a form that is not known here")
_TAG_BLOCK = 16


def _bits(word: int, high: int, low: int) -> int:
    return (word >> low) & ((1 << (high - low + 1)) - 1)


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


def _base(word: int) -> int:
    return _bits(word, 9, 5)


def _kind(load: int) -> AccessKind:
    return AccessKind.LOAD if load else AccessKind.STORE


def _order(acquire: int, release: int) -> Ordering:
    if acquire and release:
        return Ordering.ACQUIRE_RELEASE
    return Ordering.ACQUIRE if acquire else Ordering.RELEASE if release else Ordering.PLAIN


def _at_register(word: int, kind: AccessKind, size: int, order: Ordering) -> MemoryAccess:
    """An access at a base register alone."""
    base = _base(word)
    return MemoryAccess(kind, size, base, ordering=order, checked=base != SP)


def _exclusive(word: int) -> MemoryAccess | Absent:
    """LDXR, STXR, LDXP, STXP, LDAR, STLR, CAS, CASP and their orders."""
    size, ordered, load, pair, strong = (
        _bits(word, 31, 30), _bits(word, 23, 23), _bits(word, 22, 22), _bits(word, 21, 21),
        _bits(word, 15, 15),
    )  # fmt: skip
    if ordered and pair:
        return _at_register(word, AccessKind.RMW, 1 << size, _order(load, strong))
    if pair and size < 2:
        return _at_register(word, AccessKind.RMW, 8 << size, _order(load, strong))
    strong = strong or ordered  # LDLAR and STLLR order within their limited region only
    order = _order(load and strong, (not load) and strong)
    base = _base(word)
    bytes_in_all = 8 << (size & 1) if pair else 1 << size
    return MemoryAccess(
        _kind(load), bytes_in_all, base, ordering=order, exclusive=not ordered, checked=base != SP
    )


def _unscaled_ordered(word: int) -> MemoryAccess | Absent:
    """LDAPUR, STLUR."""
    size, opc, base = _bits(word, 31, 30), _bits(word, 23, 22), _base(word)
    order = Ordering.ACQUIRE_PC if opc else Ordering.RELEASE
    offset = _signed(_bits(word, 20, 12), 9)
    return MemoryAccess(
        _kind(opc), 1 << size, base, offset, ordering=order, checked=base != SP
    )  # fmt: skip


def _tags(word: int) -> MemoryAccess | Absent:
    """STG, STZG, ST2G, STZ2G, LDG and the forms of several granules, which user mode lacks."""
    opc, mode, base = _bits(word, 23, 22), _bits(word, 11, 10), _base(word)
    immediate = _signed(_bits(word, 20, 12), 9) * _TAG_BLOCK
    if mode == 0:
        if opc != 1:
            return _UNKNOWN_FORM
        return MemoryAccess(
            AccessKind.TAG_LOAD, _TAG_BLOCK, base, immediate, checked=False, align=_TAG_BLOCK
        )
    size = _TAG_BLOCK * 2 if opc & 2 else _TAG_BLOCK
    offset = 0 if mode == 1 else immediate
    writeback = None if mode == 2 else immediate
    return MemoryAccess(
        AccessKind.TAG_STORE, size, base, offset, writeback=writeback, checked=False
    )


def _literal(word: int) -> MemoryAccess | Absent:
    opc, vector = _bits(word, 31, 30), _bits(word, 26, 26)
    offset = _signed(_bits(word, 23, 5), 19) * 4
    if vector:
        return MemoryAccess(AccessKind.LOAD, 4 << opc, PC, offset, checked=False)
    kind = AccessKind.PREFETCH if opc == 3 else AccessKind.LOAD
    return MemoryAccess(kind, 8 if opc == 1 else 4, PC, offset, checked=False)


def _pair(word: int) -> MemoryAccess | Absent:
    """LDP, STP, LDNP, STNP, LDPSW, STGP."""
    opc, vector, mode, load, base = (
        _bits(word, 31, 30), _bits(word, 26, 26), _bits(word, 24, 23), _bits(word, 22, 22),
        _base(word),
    )  # fmt: skip
    tagging = opc == 1 and not vector and not load
    each = 4 << opc if vector else 8 if opc == 2 else 4
    immediate = _signed(_bits(word, 21, 15), 7) * (_TAG_BLOCK if tagging else each)
    post, writes_back = mode == 1, mode in (1, 3)
    return MemoryAccess(
        AccessKind.TAG_STORE if tagging else _kind(load),
        _TAG_BLOCK if tagging else 2 * each,
        base,
        0 if post else immediate,
        writeback=immediate if writes_back else None,
        checked=not tagging and (writes_back or base != SP),
    )


def _single_size(word: int) -> tuple[AccessKind, int]:
    """Kind and size (a power of two, as its exponent) of a load or store of one register."""
    size, opc = _bits(word, 31, 30), _bits(word, 23, 22)
    if _bits(word, 26, 26):
        return _kind(opc & 1), size | (opc & 2) << 1
    if size == 3 and opc == 2:
        return AccessKind.PREFETCH, 3
    return _kind(opc), size


def _unsigned_offset(word: int) -> MemoryAccess | Absent:
    kind, scale = _single_size(word)
    base, offset = _base(word), _bits(word, 21, 10) << scale
    checked = base != SP and kind is not AccessKind.PREFETCH
    return MemoryAccess(kind, 1 << scale, base, offset, checked=checked)


def _signed_offset(word: int) -> MemoryAccess | Absent:
    """Unscaled, post-index, unprivileged and pre-index."""
    kind, scale = _single_size(word)
    mode, base, immediate = _bits(word, 11, 10), _base(word), _signed(_bits(word, 20, 12), 9)
    writes_back = mode in (1, 3)
    return MemoryAccess(
        kind,
        1 << scale,
        base,
        0 if mode == 1 else immediate,
        writeback=immediate if writes_back else None,
        checked=kind is not AccessKind.PREFETCH and (writes_back or base != SP),
    )


def _register_offset(word: int) -> MemoryAccess | Absent:
    kind, scale = _single_size(word)
    option = _bits(word, 15, 13)
    if not option & 2:
        return _UNKNOWN_FORM
    shift = scale if _bits(word, 12, 12) else 0
    index = Index(_bits(word, 20, 16), Extend(option), shift)
    checked = kind is not AccessKind.PREFETCH
    return MemoryAccess(kind, 1 << scale, _base(word), index=index, checked=checked)


_SINGLE_COPY = (0b001, 0b010, 0b011, 0b101)
"""ST64B, ST64BV0, ST64BV, LD64B (FEAT_LS64)."""


def _atomic(word: int) -> MemoryAccess | Absent:
    """LDADD and its family, SWP, and LDAPR, which has its place among them."""
    size, acquire, release, other, opc = (
        _bits(word, 31, 30), _bits(word, 23, 23), _bits(word, 22, 22), _bits(word, 15, 15),
        _bits(word, 14, 12),
    )  # fmt: skip
    if _bits(word, 26, 26):  # floating point (FEAT_LSFE); size 0 is BFloat16
        return _at_register(word, AccessKind.RMW, 1 << max(size, 1), _order(acquire, release))
    if other and size == 3 and not acquire and not release and opc in _SINGLE_COPY:
        return _at_register(word, _kind(opc == 0b101), 64, Ordering.PLAIN)
    if other and opc == 4:
        return _at_register(word, AccessKind.LOAD, 1 << size, Ordering.ACQUIRE_PC)
    if other and opc:
        return _UNKNOWN_FORM
    return _at_register(word, AccessKind.RMW, 1 << size, _order(acquire, release))


def _authenticated(word: int) -> MemoryAccess | Absent:
    """LDRAA, LDRAB."""
    base, writes_back = _base(word), _bits(word, 11, 11)
    offset = _signed(_bits(word, 22, 22) << 9 | _bits(word, 20, 12), 10) * 8
    return MemoryAccess(
        AccessKind.LOAD,
        8,
        base,
        offset,
        writeback=offset if writes_back else None,
        checked=bool(writes_back) or base != SP,
    )


_REGISTERS = {0b0000: 4, 0b0010: 4, 0b0100: 3, 0b0110: 3, 0b0111: 1, 0b1000: 2, 0b1010: 2}


def _structure(word: int, size: int) -> MemoryAccess:
    post, base = _bits(word, 23, 23), _base(word)
    added = size if post and _bits(word, 20, 16) == 31 else None
    return MemoryAccess(
        _kind(_bits(word, 22, 22)), size, base, writeback=added, checked=bool(post) or base != SP
    )


def _structures(word: int) -> MemoryAccess | Absent:
    """LD1 to LD4, ST1 to ST4 of whole registers."""
    registers = _REGISTERS.get(_bits(word, 15, 12))
    if registers is None:
        return _UNKNOWN_FORM
    return _structure(word, registers * (16 if _bits(word, 30, 30) else 8))


def _structure_lane(word: int) -> MemoryAccess | Absent:
    """LD1 to LD4, ST1 to ST4 of one lane, LD1R to LD4R."""
    opcode, size = _bits(word, 15, 13), _bits(word, 11, 10)
    elements = (opcode & 1) * 2 + _bits(word, 21, 21) + 1
    scale = {0: 0, 1: 1, 2: 3 if size == 1 else 2, 3: size}[opcode >> 1]
    return _structure(word, elements << scale)


_ZERO_BLOCK = 64
"""Bytes of DC ZVA's block, as DCZID_EL0 has it in every processor with memory tags and in QEMU."""


def _zero_block(word: int) -> MemoryAccess | Absent:
    """DC ZVA, GVA, GZVA: Rt is anywhere in the block."""
    zva = _bits(word, 7, 5) == 0b001
    kind = AccessKind.STORE if zva else AccessKind.TAG_STORE
    return MemoryAccess(kind, _ZERO_BLOCK, word & 31, checked=zva, align=_ZERO_BLOCK)


def _copy(word: int) -> MemoryAccess | Absent:
    """CPYFP, CPYFM, CPYFE, CPYP, SETP, SETGP and their other forms (FEAT_MOPS)."""
    is_set = _bits(word, 23, 22) == 0b11
    tags_too = is_set and bool(_bits(word, 26, 26))
    left = Absent(Reason.UNKNOWN, "a register says how much is left")
    kind = AccessKind.TAG_STORE if tags_too else AccessKind.STORE
    registers = Copy(_base(word), None if is_set else _bits(word, 20, 16))
    return MemoryAccess(kind, left, word & 31, checked=not tags_too, copy=registers)


def _pair_atomic(word: int) -> MemoryAccess | Absent:
    """LDCLRP, LDSETP, SWPP (FEAT_LSE128)."""
    order = _order(_bits(word, 23, 23), _bits(word, 22, 22))
    return _at_register(word, AccessKind.RMW, 16, order)


def _ordered_pair(word: int) -> MemoryAccess | Absent:
    """LDIAPP, STILP; LDAPR and STLR with write-back (FEAT_LRCPC3)."""
    wide, load, base = _bits(word, 30, 30), _bits(word, 22, 22), _base(word)
    size = (4 << wide) << (1 - _bits(word, 23, 23))
    writes_back = _bits(word, 23, 23) or not _bits(word, 12, 12)
    change = (size if load else -size) if writes_back else None
    order = Ordering.ACQUIRE_PC if load else Ordering.RELEASE
    return MemoryAccess(
        _kind(load),
        size,
        base,
        0 if load or change is None else change,
        writeback=change,
        ordering=order,
        checked=bool(writes_back) or base != SP,
    )


def _unscaled_ordered_vector(word: int) -> MemoryAccess | Absent:
    """LDAPUR and STLUR of a vector register (FEAT_LRCPC3)."""
    kind, scale = _single_size(word)
    order = Ordering.ACQUIRE_PC if kind is AccessKind.LOAD else Ordering.RELEASE
    base, offset = _base(word), _signed(_bits(word, 20, 12), 9)
    return MemoryAccess(kind, 1 << scale, base, offset, ordering=order, checked=base != SP)


def _unknown(_word: int) -> Absent:
    return _UNKNOWN_FORM


# Mask, value, meaning; the first that fits counts.
_FORMS: tuple[tuple[int, int, Callable[[int], MemoryAccess | Absent]], ...] = (
    (0x3F000000, 0x08000000, _exclusive),
    (0xFF200000, 0xD9200000, _tags),
    (0x3F200C00, 0x19000000, _unscaled_ordered),
    (0x3B000000, 0x18000000, _literal),
    (0x3A000000, 0x28000000, _pair),
    (0x3B000000, 0x39000000, _unsigned_offset),
    (0x3B200000, 0x38000000, _signed_offset),
    (0x3B200C00, 0x38200000, _atomic),
    (0x3B200C00, 0x38200800, _register_offset),
    (0xFF200400, 0xF8200400, _authenticated),
    (0xBFA00000, 0x0C000000, _structures),
    (0xBFA00000, 0x0C800000, _structures),
    (0xBF000000, 0x0D000000, _structure_lane),
    (0xFFFFFFE0, 0xD50B7420, _zero_block),
    (0xFFFFFFE0, 0xD50B7460, _zero_block),
    (0xFFFFFFE0, 0xD50B7480, _zero_block),
    (0xFB200C00, 0x19000400, _copy),
    (0xFF200C00, 0x19200000, _pair_atomic),
    (0xBF200C00, 0x99000800, _ordered_pair),
    (0x3F200C00, 0x1D000800, _unscaled_ordered_vector),
    (0x9E000000, 0x84000000, scalable),
    (0x0A000000, 0x08000000, _unknown),
)


def memory_access(word: int) -> MemoryAccess | Absent:
    """What the instruction `word` does to memory.

    Returns:
        `NOT_APPLICABLE` where it touches none, and another absence where it is a load or store
        that is not known here.
    """
    for mask, value, form in _FORMS:
        if word & mask == value:
            return form(word)
    return NOT_APPLICABLE
