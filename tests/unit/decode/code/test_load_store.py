"""Every form of load and store, as the assembler encodes it."""

from __future__ import annotations

import random

import capstone
import pytest
from capstone import arm64_const
from hypothesis import example, given
from hypothesis import strategies as st

from mtedbg.decode.code.load_store import memory_access
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.instruction import AccessKind, MemoryAccess, Ordering
from tests.support.assemble import assemble

REGISTERS = {
    **{f"x{n}": 0x1000 * n for n in range(31)},
    "x1": 0x0300_0000_0000_1000,
    "x2": 0xFFFF_FFFF_FFFF_FFF0,  # -16, and w2 is 0xFFFF_FFF0
    "sp": 0x8000,
    "pc": 0x40_0000,
}
BASE = REGISTERS["x1"]
LOAD, STORE, RMW = AccessKind.LOAD, AccessKind.STORE, AccessKind.RMW
WORD = 1 << 64

# Assembler text, kind, bytes, effective address, ordering.
CASES = [
    ("ldr x0, [x1]", LOAD, 8, BASE, "plain"),
    ("ldr w0, [x1, #8]!", LOAD, 4, BASE + 8, "plain"),
    ("ldr x0, [x1], #16", LOAD, 8, BASE, "plain"),
    ("str x0, [x1, #32760]", STORE, 8, BASE + 32760, "plain"),
    ("strb w0, [x1, #4095]", STORE, 1, BASE + 4095, "plain"),
    ("ldrh w0, [x1, #2]", LOAD, 2, BASE + 2, "plain"),
    ("ldrsw x0, [x1, #4]", LOAD, 4, BASE + 4, "plain"),
    ("ldrsb x0, [x1, #1]", LOAD, 1, BASE + 1, "plain"),
    ("ldrsb w0, [x1, #1]", LOAD, 1, BASE + 1, "plain"),
    ("ldur x0, [x1, #-1]", LOAD, 8, BASE - 1, "plain"),
    ("sturh w0, [x1, #-256]", STORE, 2, BASE - 256, "plain"),
    ("ldtr x0, [x1, #8]", LOAD, 8, BASE + 8, "plain"),
    ("ldr x0, [x1, x3]", LOAD, 8, BASE + 0x3000, "plain"),
    ("ldr x0, [x1, x3, lsl #3]", LOAD, 8, BASE + 0x18000, "plain"),
    ("ldr x0, [x1, xzr]", LOAD, 8, BASE, "plain"),
    ("strb w0, [x1, w2, sxtw]", STORE, 1, BASE - 16, "plain"),
    ("ldrsw x0, [x1, w2, uxtw #2]", LOAD, 4, BASE + 0x3_FFFF_FFC0, "plain"),
    ("ldr x0, [x1, x2, sxtx]", LOAD, 8, BASE - 16, "plain"),
    ("ldr q0, [x1, x2, lsl #4]", LOAD, 16, BASE - 256, "plain"),
    ("ldp x0, x3, [x1, #-16]!", LOAD, 16, BASE - 16, "plain"),
    ("stp w0, w3, [x1, #8]", STORE, 8, BASE + 8, "plain"),
    ("ldp q0, q1, [x1], #32", LOAD, 32, BASE, "plain"),
    ("stp d0, d1, [x1, #16]", STORE, 16, BASE + 16, "plain"),
    ("ldp s0, s1, [x1, #4]", LOAD, 8, BASE + 4, "plain"),
    ("ldpsw x0, x3, [x1, #4]", LOAD, 8, BASE + 4, "plain"),
    ("ldnp x0, x3, [x1, #8]", LOAD, 16, BASE + 8, "plain"),
    ("stnp q0, q1, [x1, #32]", STORE, 32, BASE + 32, "plain"),
    ("str q0, [x1, #16]", STORE, 16, BASE + 16, "plain"),
    ("ldr b0, [x1, #3]", LOAD, 1, BASE + 3, "plain"),
    ("stur d0, [x1, #-3]", STORE, 8, BASE - 3, "plain"),
    ("ldapr x0, [x1]", LOAD, 8, BASE, "acquire-pc"),
    ("ldaprb w0, [x1]", LOAD, 1, BASE, "acquire-pc"),
    ("ldapur x0, [x1, #-8]", LOAD, 8, BASE - 8, "acquire-pc"),
    ("ldapursw x0, [x1, #4]", LOAD, 4, BASE + 4, "acquire-pc"),
    ("ldapursb w0, [x1, #4]", LOAD, 1, BASE + 4, "acquire-pc"),
    ("stlur w0, [x1, #255]", STORE, 4, BASE + 255, "release"),
    ("stlurb w0, [x1]", STORE, 1, BASE, "release"),
    ("ldar x0, [x1]", LOAD, 8, BASE, "acquire"),
    ("stlrh w0, [x1]", STORE, 2, BASE, "release"),
    ("ldlar x0, [x1]", LOAD, 8, BASE, "acquire"),
    ("stllr w0, [x1]", STORE, 4, BASE, "release"),
    ("ldxr x0, [x1]", LOAD, 8, BASE, "plain"),
    ("ldaxrb w0, [x1]", LOAD, 1, BASE, "acquire"),
    ("stxr w3, w0, [x1]", STORE, 4, BASE, "plain"),
    ("stlxr w3, x0, [x1]", STORE, 8, BASE, "release"),
    ("ldxp x0, x3, [x1]", LOAD, 16, BASE, "plain"),
    ("ldaxp w0, w3, [x1]", LOAD, 8, BASE, "acquire"),
    ("stlxp w5, x0, x3, [x1]", STORE, 16, BASE, "release"),
    ("ldaddal x0, x3, [x1]", RMW, 8, BASE, "acquire-release"),
    ("ldclra w0, w3, [x1]", RMW, 4, BASE, "acquire"),
    ("ldsetlh w0, w3, [x1]", RMW, 2, BASE, "release"),
    ("stadd x0, [x1]", RMW, 8, BASE, "plain"),
    ("swpalb w0, w3, [x1]", RMW, 1, BASE, "acquire-release"),
    ("cas x0, x3, [x1]", RMW, 8, BASE, "plain"),
    ("casalb w0, w3, [x1]", RMW, 1, BASE, "acquire-release"),
    ("casp x4, x5, x6, x7, [x1]", RMW, 16, BASE, "plain"),
    ("caspal w4, w5, w6, w7, [x1]", RMW, 8, BASE, "acquire-release"),
    ("ldraa x0, [x1, #-8]!", LOAD, 8, BASE - 8, "plain"),
    ("ldrab x0, [x1, #4088]", LOAD, 8, BASE + 4088, "plain"),
    ("ldr x0, . + 16", LOAD, 8, None, "plain"),
    ("ld1 {v0.16b}, [x1]", LOAD, 16, BASE, "plain"),
    ("ld1 {v0.8b-v3.8b}, [x1]", LOAD, 32, BASE, "plain"),
    ("ld1 {v0.16b-v2.16b}, [x1], #48", LOAD, 48, BASE, "plain"),
    ("st2 {v0.4s, v1.4s}, [x1], x3", STORE, 32, BASE, "plain"),
    ("ld4 {v0.8h-v3.8h}, [x1]", LOAD, 64, BASE, "plain"),
    ("ld1 {v0.s}[1], [x1], x3", LOAD, 4, BASE, "plain"),
    ("ld1 {v0.d}[1], [x1]", LOAD, 8, BASE, "plain"),
    ("st3 {v0.b-v2.b}[3], [x1]", STORE, 3, BASE, "plain"),
    ("st4 {v0.h-v3.h}[3], [x1]", STORE, 8, BASE, "plain"),
    ("ld1r {v0.4s}, [x1]", LOAD, 4, BASE, "plain"),
    ("ld2r {v0.8b, v1.8b}, [x1]", LOAD, 2, BASE, "plain"),
    ("ld4r {v0.2d-v3.2d}, [x1]", LOAD, 32, BASE, "plain"),
    ("prfm pldl1keep, [x1, #8]", AccessKind.PREFETCH, 8, BASE + 8, "plain"),
    ("prfum pldl1keep, [x1, #1]", AccessKind.PREFETCH, 8, BASE + 1, "plain"),
    ("stg x0, [x1, #16]", AccessKind.TAG_STORE, 16, BASE + 16, "plain"),
    ("stg x0, [x1], #-16", AccessKind.TAG_STORE, 16, BASE, "plain"),
    ("stz2g x0, [x1, #32]!", AccessKind.TAG_STORE, 32, BASE + 32, "plain"),
    ("stgp x0, x3, [x1, #-16]", AccessKind.TAG_STORE, 16, BASE - 16, "plain"),
    ("ldg x0, [x1, #16]", AccessKind.TAG_LOAD, 16, BASE + 16, "plain"),
]  # fmt: skip

# Assembler text, whether the access is checked.
CHECKED = [
    ("ldr x0, [sp, #8]", False),
    ("ldr x0, [sp], #8", True),
    ("ldr x0, [sp, x1]", True),
    ("stp x0, x1, [sp, #16]", False),
    ("stp x0, x1, [sp, #-16]!", True),
    ("ldxr x0, [sp]", False),
    ("ldapur x0, [sp, #8]", False),
    ("ldadd x0, x1, [sp]", False),
    ("ld1 {v0.16b}, [sp]", False),
    ("ld1 {v0.16b}, [sp], #16", True),
    ("ldr x0, .", False),
    ("stg x0, [x1]", False),
    ("ldg x0, [x1]", False),
    ("prfm pldl1keep, [x1]", False),
    ("setp [x0]!, x1!, x2", True),
    ("dc gzva, x1", False),
    ("ldr x0, [x1]", True),
]

# Assembler text, bytes added to the base register.
WRITEBACK = [
    ("ldr x0, [x1], #-16", -16),
    ("str x0, [x1, #8]!", 8),
    ("ldp q0, q1, [x1], #32", 32),
    ("st2g x0, [x1], #32", 32),
    ("ld1 {v0.16b, v1.16b}, [x1], #32", 32),
    ("ld1 {v0.16b}, [x1], x3", None),
    ("ldraa x0, [x1, #8]!", 8),
    ("ldr x0, [x1, #8]", None),
]

NO_ACCESS = ["add x0, x0, x1", "bfi x0, x1, #56, #4", "ret", "svc #0", "dmb ish", "irg x0, x1"]


@pytest.fixture(scope="module")
def words() -> dict[str, int]:
    texts = [case[0] for case in (*CASES, *CHECKED, *WRITEBACK)]
    texts = list(dict.fromkeys([*texts, *NO_ACCESS, "ldxr x5, [x9]", "ld1w {z0.s}, p0/z, [x0]"]))
    return dict(zip(texts, assemble(texts), strict=True))


def access_of(words: dict[str, int], text: str) -> MemoryAccess:
    access = memory_access(words[text])
    assert isinstance(access, MemoryAccess)
    return access


@pytest.mark.parametrize(("text", "kind", "size", "address", "order"), CASES, ids=lambda v: str(v))
def test_kind_size_address_order(words, text, kind, size, address, order):
    access = access_of(words, text)
    expected = REGISTERS["pc"] + 16 if address is None else address
    assert (access.kind, access.size, access.ordering) == (kind, size, Ordering(order))
    assert access.pointer(REGISTERS) == expected % WORD


@pytest.mark.parametrize(("text", "checked"), CHECKED)
def test_checked(words, text, checked):
    assert access_of(words, text).checked is checked


@pytest.mark.parametrize(("text", "added"), WRITEBACK)
def test_writeback(words, text, added):
    assert access_of(words, text).writeback == added


@pytest.mark.parametrize("text", NO_ACCESS)
def test_no_access(words, text):
    assert memory_access(words[text]) == NOT_APPLICABLE


def test_exclusive(words):
    assert access_of(words, "ldxr x5, [x9]").exclusive
    assert access_of(words, "ldxr x5, [x9]").base_name == "x9"
    assert not access_of(words, "ldar x0, [x1]").exclusive


@pytest.mark.parametrize("text", ["setp [x0]!, x1!, x2", "ld1w {z0.s}, p0/z, [x0]"])
def test_size_that_the_encoding_does_not_tell(words, text):
    size = access_of(words, text).size
    assert isinstance(size, Absent)
    assert size.reason is Reason.UNKNOWN


def test_missing_registers_are_named(words):
    access = access_of(words, "ldr x0, [x1, x3]")
    assert str(access.pointer({"x1": 0})) == "unreadable (register x3)"
    assert str(access.pointer({})) == "unreadable (register x1)"


@example(0xA4AAA000)  # counts in vectors
@given(st.integers(0, 0xFFFFFFFF))
def test_every_word_has_an_answer(word):
    access = memory_access(word)
    if isinstance(access, MemoryAccess):
        assert isinstance(access.size, Absent) or 1 <= access.size <= 64
        registers = {**REGISTERS, "x31": 0}
        assert isinstance(access.pointer({**registers, "vg": 4}), int)
        without = access.pointer(registers)
        assert isinstance(without, int) or without.detail == "the vector length"


def test_no_memory_operand_of_the_disassembler_is_missed():
    """Where capstone sees a memory operand there is an answer, and it has the same base."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, 0)
    disassembler.detail = True
    aliases = {"fp": "x29", "lr": "x30"}
    source = random.Random(2)
    seen = 0
    for _ in range(20_000):
        word = source.getrandbits(32) & ~(1 << 25) | 1 << 27
        for instruction in disassembler.disasm(word.to_bytes(4, "little"), 0):
            memory = [o.mem for o in instruction.operands if o.type == arm64_const.ARM64_OP_MEM]
            if not memory:
                continue
            seen += 1
            access = memory_access(word)
            assert access != NOT_APPLICABLE, f"{word:#010x} {instruction}"
            if isinstance(access, MemoryAccess):
                name = instruction.reg_name(memory[0].base)
                bases = [access.base_name]
                if access.copy is not None:  # the disassembler lists one of the two areas
                    bases.append(f"x{access.copy.source}")
                assert aliases.get(name, name) in bases, f"{word:#010x} {instruction}"
    assert seen > 5_000


def operands_of(text: str) -> list[str]:
    """What stands between the brackets of a disassembler's memory operand."""
    return [one.strip() for one in text[text.index("[") + 1 : text.index("]")].split(",")]


def sve_operands(access: MemoryAccess) -> list[str]:
    """What a disassembler would show, of registers and distances."""
    words = [access.base_name]
    if access.index is not None:
        number, shift = access.index.register, access.index.shift
        words.append("xzr" if number == 31 else f"x{number}")
        words += [f"lsl #{shift}"] if shift and number != 31 else []
    if access.vectors:
        step = access.vectors // (8 if access.reach > 8 else access.reach)
        words += [f"#{step:#x}" if abs(step) > 9 else f"#{step}", "mul vl"]
    elif access.offset:
        words.append(f"#{access.offset:#x}" if abs(access.offset) > 9 else f"#{access.offset}")
    return words


def test_scalable_accesses_are_those_that_the_disassembler_shows():
    """Kind, base and distance of every load and store that it knows among random words."""
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, 0)
    source = random.Random(3)
    seen = set()
    for _ in range(30_000):
        group = source.choice((0b1000010, 0b1010010, 0b1100010, 0b1110010))
        word = group << 25 | source.getrandbits(25)
        for instruction in disassembler.disasm(word.to_bytes(4, "little"), 0):
            name, shown = instruction.mnemonic, operands_of(instruction.op_str)
            access = memory_access(word)
            assert isinstance(access, MemoryAccess), f"{word:#010x} {instruction}"
            seen.add(name)
            if name.startswith("prf"):
                assert access.kind is AccessKind.PREFETCH, f"{word:#010x} {instruction}"
                continue
            assert access.kind is (LOAD if name.startswith("ld") else STORE)
            in_vectors = any(one.startswith("z") for one in shown)
            assert access.scattered is in_vectors, f"{word:#010x} {instruction}"
            if in_vectors:
                base = "a vector register" if shown[0].startswith("z") else shown[0]
                assert access.base_name == base, f"{word:#010x} {instruction}"
            else:
                shown = [one for one in shown[:2] if one != "xzr"] + shown[2:]
                ours = [one for one in sve_operands(access) if one != "xzr"]
                assert ours == shown[: max(len(ours), 1)], f"{word:#010x} {instruction}"
    assert len(seen) > 75


# Words that the assembler does not know yet (Arm ARM C6.2), kind, bytes, address, ordering.
NEWER = [
    (0x19208020, RMW, 16, BASE, "plain"),  # swpp x0, x0, [x1]
    (0x19E01020, RMW, 16, BASE, "acquire-release"),  # ldclrpal x0, x0, [x1]
    (0xD9030820, STORE, 16, BASE - 16, "release"),  # stilp x0, x3, [x1, #-16]!
    (0x99031820, STORE, 8, BASE, "release"),  # stilp w0, w3, [x1]
    (0xD9430820, LOAD, 16, BASE, "acquire-pc"),  # ldiapp x0, x3, [x1], #16
    (0xD9800820, STORE, 8, BASE - 8, "release"),  # stlr x0, [x1, #-8]!
    (0x99C00820, LOAD, 4, BASE, "acquire-pc"),  # ldapr w0, [x1], #4
    (0xDD5F8820, LOAD, 8, BASE - 8, "acquire-pc"),  # ldapur d0, [x1, #-8]
    (0xF83FD020, LOAD, 64, BASE, "plain"),  # ld64b x0, [x1]
    (0xF83F9020, STORE, 64, BASE, "plain"),  # st64b x0, [x1]
    (0xFCE00020, RMW, 8, BASE, "acquire-release"),  # ldfaddal d0, d0, [x1]
]


@pytest.mark.parametrize(("word", "kind", "size", "address", "order"), NEWER)
def test_newer_forms(word, kind, size, address, order):
    access = memory_access(word)
    assert isinstance(access, MemoryAccess)
    assert (access.kind, access.size, access.ordering) == (kind, size, Ordering(order))
    assert access.pointer(REGISTERS) == address
