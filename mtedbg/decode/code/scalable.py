"""Loads, stores and prefetches of SVE: which base, how far from it, how much at most.

Which bytes of that are accessed is up to predicate registers, whose values no target tells; how
far a vector reaches is up to the vector length, which some do.
Source: Arm ARM (DDI 0487) C4.1 "SVE encodings", the groups "SVE Memory"; FEAT_SVE to FEAT_SVE2p1.
"""

from __future__ import annotations

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.instruction import (
    SP,
    VECTOR,
    AccessKind,
    Extend,
    Index,
    MemoryAccess,
)

_PREDICATED = Absent(Reason.UNKNOWN, "SVE: depends on vector length and predicate")
_IN_VECTOR = Absent(Reason.UNKNOWN, "SVE: the addresses are in a vector register")

# By dtype: the memory element's size and the register element's, as exponents of two.
_MEMORY_SIZES = (0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 2, 2, 0, 0, 0, 3)
_ELEMENT_SIZES = (0, 1, 2, 3, 3, 1, 2, 3, 3, 2, 2, 3, 3, 2, 1, 3)


def _bits(word: int, high: int, low: int) -> int:
    return (word >> low) & ((1 << (high - low + 1)) - 1)


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


def _at(word: int, kind: AccessKind, eighths: int, step: int) -> MemoryAccess:
    """[Xn, #imm, mul vl]: `step` times what it accesses."""
    base = _bits(word, 9, 5)
    vectors = step * eighths
    checked = kind is not AccessKind.PREFETCH and not (base == SP and not step)
    return MemoryAccess(kind, _PREDICATED, base, vectors=vectors, reach=eighths, checked=checked)


def _indexed(word: int, kind: AccessKind, eighths: int, shift: int) -> MemoryAccess:
    """[Xn, Xm, lsl #shift]."""
    index = Index(_bits(word, 20, 16), Extend.LSL, shift)
    checked = kind is not AccessKind.PREFETCH
    base = _bits(word, 9, 5)
    return MemoryAccess(kind, _PREDICATED, base, index=index, reach=eighths, checked=checked)


def _scattered(word: int, kind: AccessKind, *, based: bool) -> MemoryAccess:
    """A gather or scatter: from a base register, or from addresses in a vector alone."""
    base = _bits(word, 9, 5) if based else VECTOR
    checked = kind is not AccessKind.PREFETCH
    return MemoryAccess(kind, _IN_VECTOR, base, scattered=True, checked=checked)


def _exactly(word: int, size: int, offset: int) -> MemoryAccess:
    base = _bits(word, 9, 5)
    return MemoryAccess(AccessKind.LOAD, size, base, offset, checked=base != SP or offset != 0)


def _register(word: int, kind: AccessKind) -> MemoryAccess | Absent:
    """LDR and STR of a vector or predicate register: all of it, whatever the predicates."""
    vector = _bits(word, 14, 14)
    step = _signed(_bits(word, 21, 16) << 3 | _bits(word, 12, 10), 9)
    return _at(word, kind, 8 if vector else 1, step)


def scalable(word: int) -> MemoryAccess | Absent:
    """What an instruction of the groups "SVE Memory" does to memory."""
    group = _bits(word, 31, 25)
    if group == 0b1010010:
        return _contiguous_load(word)
    if group == 0b1110010:
        return _store(word)
    return _gather_or_single(word, wide=group == 0b1100010)


def _contiguous_load(word: int) -> MemoryAccess | Absent:
    dtype, form = _bits(word, 24, 21), _bits(word, 15, 13)
    size, step = _bits(word, 24, 23), _signed(_bits(word, 19, 16), 4)
    registers = _bits(word, 22, 21) + 1
    eighths = 8 >> _ELEMENT_SIZES[dtype] - _MEMORY_SIZES[dtype]
    if form in (0b010, 0b011):  # LD1, LDFF1
        return _indexed(word, AccessKind.LOAD, eighths, _MEMORY_SIZES[dtype])
    if form == 0b101:  # LD1, LDNF1
        return _at(word, AccessKind.LOAD, eighths, step)
    if form == 0b110:  # LDNT1, LD2 to LD4
        return _indexed(word, AccessKind.LOAD, 8 * registers, size)
    if form == 0b111:
        return _at(word, AccessKind.LOAD, 8 * registers, step)
    if form in (0b000, 0b001):  # LD1RQ, LD1RO
        block = 32 if _bits(word, 22, 21) else 16
        if form:
            return _exactly(word, block, step * block)
        index = Index(_bits(word, 20, 16), Extend.LSL, size)
        return MemoryAccess(AccessKind.LOAD, block, _bits(word, 9, 5), index=index)
    return _PREDICATED


def _store(word: int) -> MemoryAccess | Absent:
    opc, form = _bits(word, 24, 21), _bits(word, 15, 13)
    memory, element = opc >> 2, opc & 3
    step, registers = _signed(_bits(word, 19, 16), 4), (opc & 3) + 1
    if form in (0b000, 0b010) and opc >> 1 == 0b110:
        return _register(word, AccessKind.STORE)
    if form == 0b010:  # ST1
        return _indexed(word, AccessKind.STORE, 8 >> max(element - memory, 0), memory)
    if form == 0b011:  # STNT1, ST2 to ST4
        return _indexed(word, AccessKind.STORE, 8 * registers, memory)
    if form == 0b111:
        if not _bits(word, 20, 20):  # ST1
            return _at(word, AccessKind.STORE, 8 >> max(element - memory, 0), step)
        return _at(word, AccessKind.STORE, 8 * registers, step)  # STNT1, ST2 to ST4
    in_vector = form == 0b001 or (form == 0b101 and element & 2)
    return _scattered(word, AccessKind.STORE, based=not in_vector)


def _gather_or_single(word: int, *, wide: bool) -> MemoryAccess | Absent:
    """Gathers, LD1R, LDR and prefetches."""
    form, high = _bits(word, 15, 13), _bits(word, 24, 22)
    if not wide and high == 0b110 and form in (0b000, 0b010):
        return _register(word, AccessKind.LOAD)
    if not wide and form & 0b100 and _bits(word, 22, 22):  # LD1R: its elements, from one
        dtype = _bits(word, 24, 23) << 2 | _bits(word, 14, 13)
        size = 1 << _MEMORY_SIZES[dtype]
        return _exactly(word, size, _bits(word, 21, 16) * size)
    if _is_prefetch(word, wide=wide):
        return _scattered(word, AccessKind.PREFETCH, based=True)
    in_vector = form & 0b100 and _bits(word, 22, 21) == 0b01
    non_temporal = (0b100, 0b110) if wide else (0b100, 0b101)
    in_vector = in_vector or (form in non_temporal and _bits(word, 22, 21) == 0b00)
    return _scattered(word, AccessKind.LOAD, based=not in_vector)


def _is_prefetch(word: int, *, wide: bool) -> bool:
    """PRFB, PRFH, PRFW, PRFD: bit 4, where a load's Zt is, is 0."""
    size, opc, form = _bits(word, 24, 23), _bits(word, 22, 21), _bits(word, 15, 13)
    if _bits(word, 4, 4):
        return False
    if form == 0b111 and opc == 0b00:
        return True  # vector and immediate, or (32-bit) contiguous by immediate
    if not wide:
        if size == 0b11 and opc >> 1 == 1 and form & 0b100 == 0:
            return True  # contiguous by immediate
        if form == 0b110 and opc == 0b00:
            return True  # contiguous by register
    return size == 0b00 and opc & 1 == 1 and (form & 0b100 == 0 or opc == 0b11)
