"""The two instruction words of a memop, in each mode, and its out-of-line form.

           local                       shared
  [1]      bfi addr, core, #56, #4     tag 0:  bfc addr, #56, #4
                                       tag 15: orr addr, addr, #0x0f00000000000000
  [2]      ldr, str                    ldapr, ldapur, ldar / stlr, stlur
           LSE read-modify-writes are the same in both

Either: [1] is a branch to the out-of-line form, [2] the shared one and not run. That form reads the
granule's tag and is then a local memop or a shared one; the contract is the runtime's own text
(native: code/memop_words.h).

Encodings: Arm ARM (DDI 0487) C6.2 "BFI", "BFC" (aliases of BFM), "ORR (immediate)".
"""

from __future__ import annotations

from mtedbg.decode.code.load_store import memory_access
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.instruction import AccessKind, MemoryAccess, Ordering
from mtedbg.model.memop import Mode

# 64-bit, N = 1, immr = 8, imms = 3: the field is bits 59:56.
_BFM = 0xB3480C00
_ORR = 0xB2480C00
_ZERO = 31

# LDR and STR with offset 0, LDAPR, STLR: opcodes without size, Rn and Rt.
_SIMPLE = {
    (AccessKind.LOAD, Mode.LOCAL): 0x39400000,
    (AccessKind.STORE, Mode.LOCAL): 0x39000000,
    (AccessKind.LOAD, Mode.SHARED): 0x38BFC000,
    (AccessKind.STORE, Mode.SHARED): 0x089FFC00,
}
_OPCODE = 0x3FFFFC00


# LDG x16, [x16]; EOR x26, x27, x16, LSR #56; AND x26, x26, #15
_READ_TAG = (0xD9600210, 0xCA50E37A, 0x92400F5A)
_CBZ_2, _CBNZ_3 = 0xB400005A, 0xB500007A  # of x26, over so many words
_DMB_ISH, _DMB_ISHLD = 0xD5033BBF, 0xD50339BF


def branch_target(word: int, pc: int) -> int | Absent:
    """Where a B at `pc` goes (Arm ARM C6.2, "B"); does not apply to other instructions."""
    if word & 0xFC00_0000 != 0x1400_0000:
        return NOT_APPLICABLE
    offset = word & 0x03FF_FFFF
    return pc + 4 * (offset - (offset >> 25 << 26))


def insert_mode(word: int, address: int, core: int) -> Mode | Absent:
    """The mode of the tag insert [1].

    Args:
        word: the instruction.
        address: number of the memop's address register.
        core: number of the register that holds the core's tag.
    """
    if word == _BFM | core << 5 | address:
        return Mode.LOCAL
    if word in (_BFM | _ZERO << 5 | address, _ORR | address << 5 | address):
        return Mode.SHARED
    return Absent(Reason.DAMAGED, f"{word:#010x} is not a tag insert into x{address}")


def access_mode(word: int, address: int) -> Mode | Absent:
    """The mode of the access [2]; does not apply to a locked access, which is the same in both."""
    access = memory_access(word)
    if not isinstance(access, MemoryAccess) or access.base != address:
        return Absent(Reason.DAMAGED, f"{word:#010x} is not an access through x{address}")
    if access.kind is AccessKind.RMW:
        return NOT_APPLICABLE
    if access.kind not in (AccessKind.LOAD, AccessKind.STORE):
        return Absent(Reason.DAMAGED, f"{word:#010x} is not a load or store")
    return Mode.LOCAL if access.ordering is Ordering.PLAIN else Mode.SHARED


def insert_in(mode: Mode, address: int, core: int, shared_tag: int) -> int:
    """The tag insert of `mode`; arguments as for `insert_mode`."""
    if mode is Mode.LOCAL:
        return _BFM | core << 5 | address
    return (_BFM | _ZERO << 5 if shared_tag == 0 else _ORR | address << 5) | address


def branch_word(at: int, to: int) -> int:
    """The B at `at` that goes to `to`."""
    return 0x1400_0000 | (to - at) >> 2 & 0x03FF_FFFF


def out_of_line(access: int, shared_tag: int, at: int, back: int) -> tuple[int, ...] | Absent:
    """The words of a memop's out-of-line form.

    Args:
        access: the word of its access [2], in any mode, through x16 with the core in x27.
        shared_tag: of shared memory.
        at: where the form begins.
        back: where it returns to, behind [2].

    Returns:
        Its words; absent where the access has a form that cannot be turned.
    """
    plain, ordered = access_in(access, Mode.LOCAL), access_in(access, Mode.SHARED)
    what = memory_access(access)
    if isinstance(plain, Absent) or isinstance(ordered, Absent) or isinstance(what, Absent):
        return Absent(Reason.UNKNOWN, f"{access:#010x} has no out-of-line form")
    shared = insert_in(Mode.SHARED, 16, 27, shared_tag)
    if what.kind is AccessKind.RMW:
        body = [*_READ_TAG, _CBZ_2, shared, access, None]
    elif what.size == 1:
        body = [*_READ_TAG, _CBNZ_3, plain, None, shared, ordered, None]
    elif what.kind is AccessKind.LOAD:
        body = [*_READ_TAG, _CBNZ_3, plain, None, shared, plain, _DMB_ISHLD, None]
    else:
        body = [*_READ_TAG, _CBNZ_3, plain, None, shared, _DMB_ISH, plain, None]
    return tuple(
        branch_word(at + 4 * place, back) if word is None else word
        for place, word in enumerate(body)
    )


def access_in(word: int, mode: Mode) -> int | Absent:
    """What the access `word` is in `mode`; absent where it has a form that cannot be turned."""
    access = memory_access(word)
    if not isinstance(access, MemoryAccess):
        return Absent(Reason.UNKNOWN)
    if access.kind is AccessKind.RMW:
        return word
    if word & _OPCODE not in _SIMPLE.values():
        return Absent(Reason.UNKNOWN, f"{word:#010x} has more than a base register")
    mode = Mode.SHARED if mode is Mode.EITHER else mode
    return word & ~_OPCODE | _SIMPLE[access.kind, mode]
