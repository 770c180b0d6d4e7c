"""Forms of conditions, flags, stack, strings, atomics, and calls of compiled functions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle import flags
from tests.oracle.flags import Effect
from tests.oracle.form import WIDTHS, Form


def _conditions() -> Iterator[Form]:
    for name, reads in flags.CONDITIONS.items():
        effect = Effect(reads)
        yield Form(f"set{name} {{xb}}", effect)
        yield Form(f"set{name} {{lb}}", effect)
        for w in "wdq":
            yield Form(f"cmov{name} {{r{w}}}, {{x{w}}}", effect)
        yield Form(f"j{name} 1f\nlea r8, [r8 + 3]\n1:", effect)
    yield Form("jrcxz 1f\nlea r8, [r8 + 3]\n1:")
    yield Form("mov rcx, {n}\njecxz 1f\nlea r8, [r8 + 3]\n1:")
    yield Form("mov ecx, {p}\n1: lea rax, [rax + rdx]\nloop 1b")
    yield Form("mov ecx, {p}\n1: cmp rax, {ib}\nlea rax, [rax + 1]\nloope 1b", flags.ADD)
    yield Form("mov ecx, {p}\n1: cmp rax, {ib}\nlea rax, [rax + 1]\nloopne 1b", flags.ADD)


def _flag_words() -> Iterator[Form]:
    yield Form("lahf", flags.BYTE)
    yield Form("sahf", flags.SET_BYTE)
    yield Form("pushfq", flags.WORD)
    yield Form("pushfw", flags.WORD)
    yield Form("pushfq\npop {rq}", flags.WORD)
    yield Form("mov {rd1}, {id}\nand {rd1}, 0xcd5\npush {rq1}\npopfq", flags.SET_WORD)
    yield Form("mov {rd1}, {id}\nand {rd1}, 0xcd5\npush {rw1}\npopfw", flags.SET_WORD)
    yield Form("clc", flags.CARRY)
    yield Form("stc", flags.CARRY)
    yield Form("cmc", flags.COMPLEMENT)
    yield Form("cld", flags.DIRECTION)
    yield Form("std", flags.DIRECTION)


def _stack() -> Iterator[Form]:
    for w in "wq":
        yield Form(f"push {{x{w}}}")
        yield Form(f"push {{r{w}}}\npop {{x{w}}}")
        yield Form(f"pop {{r{w}}}")
    yield Form("push {ib}")
    yield Form("push {id}")
    yield Form("pushw {iw}")
    yield Form("push rsp")
    yield Form("lea rax, [r15 + {n}]\npush rax\npop rsp")
    yield Form("push {rq}\npop qword ptr [rsp + 8]")
    yield Form("push {rq}\npush qword ptr [rsp]")
    yield Form("lea rbp, [r15 + {n}]\nleave")
    for level in range(4):
        yield Form(f"lea rbp, [r15 + {{n}}]\nenter 24, {level}")
    yield Form("call 1f\n1: pop {rq}")
    yield Form("call 1f\njmp 2f\n1: lea r8, [r8 + 1]\nret\n2:")
    yield Form("push {rq}\ncall 1f\njmp 2f\n1: lea r8, [r8 + 1]\nret 8\n2:")
    yield Form("lea rax, [rip + 1f]\njmp rax\nud2\n1:")
    yield Form("lea rax, [rip + 1f]\ncall rax\nud2\n1: pop rax")
    yield Form("lea rax, [rip + 1f]\npush rax\njmp [rsp]\nud2\n1:")
    yield Form("lea rax, [rip + 1f]\npush rax\ncall [rsp]\nud2\n1: pop rcx")


def _strings() -> Iterator[Form]:
    to, source, count = "lea rdi, [r15 + {n}]\n", "lea rsi, [r15 + {n}]\n", "mov ecx, {n4}\n"
    for w in WIDTHS:
        yield Form(f"{to}stos{w}")
        yield Form(f"{to}{count}rep stos{w}", Effect("D"))
        yield Form(f"{to}{source}movs{w}", Effect("D"))
        yield Form(f"{to}{source}{count}rep movs{w}", Effect("D"))
        yield Form(f"{source}{count}rep lods{w}", Effect("D"))
        yield Form(f"{to}scas{w}", Effect("D", flags.ARITHMETIC))
        yield Form(f"{to}{source}cmps{w}", Effect("D", flags.ARITHMETIC))
        for repeat in ("repe", "repne"):
            yield Form(f"{to}{count}{repeat} scas{w}", Effect("D"))
            yield Form(f"{to}{source}{count}{repeat} cmps{w}", Effect("D"))
        yield Form(f"{to}mov rsi, rdi\n{count}repe cmps{w}", Effect("D"))


def _atomics() -> Iterator[Form]:
    accumulators = dict(zip(WIDTHS, ("al", "ax", "eax", "rax"), strict=True))
    for prefix in ("", "lock "):
        for w, a in accumulators.items():
            place = "m" if prefix else "x"
            yield Form(f"{prefix}xadd {{{place}{w}}}, {{r{w}}}", flags.ADD)
            yield Form(f"{prefix}cmpxchg {{{place}{w}}}, {{r{w}}}", flags.ADD)
            yield Form(f"mov {a}, {{m{w}1}}\n{prefix}cmpxchg {{m{w}1}}, {{r{w}}}", flags.ADD)
            yield Form(f"{prefix}adc {{{place}{w}}}, {{r{w}}}", flags.ADD_WITH_CARRY)
        yield Form(f"{prefix}cmpxchg8b {{mq}}", flags.ZERO)
        yield Form(f"mov eax, [r15 + 8]\nmov edx, [r15 + 12]\n{prefix}cmpxchg8b [r15 + 8]",
                   flags.ZERO)  # fmt: skip
        yield Form(f"{prefix}cmpxchg16b {{a}}", flags.ZERO)
        yield Form(f"mov rax, [r15]\nmov rdx, [r15 + 8]\n{prefix}cmpxchg16b [r15]", flags.ZERO)
    for w in WIDTHS:
        yield Form(f"xadd {{r{w}1}}, {{r{w}1}}", flags.ADD)
        yield Form(f"cmpxchg {{r{w}1}}, {{r{w}1}}", flags.ADD)


def _others() -> Iterator[Form]:
    for text in ("nop", "nop word ptr [rax + rax + 0x100]", "pause", "endbr64", "mfence",
                 "lfence", "sfence", "xchg ax, ax", "prefetcht0 [r15]"):  # fmt: skip
        yield Form(text)


_ON_MEMORY = ("sort", "hash", "crc", "search", "fields", "interpret", "threaded", "atomics",
              "copies")  # fmt: skip
_ON_VALUES = ("divide", "wide", "overflow", "bits", "pointers", "recurse")


def _functions() -> Iterator[Form]:
    """Calls of the compiled functions of functions.c; rdi is memory or a value like the others.

    On the stack that a case begins with: a form before may have moved rsp into what rdi points at.
    """
    stack = "mov esp, offset stack_mid\n"
    for level in ("0", "2", "s"):
        for name in _ON_MEMORY:
            yield Form(f"{stack}lea rdi, [r15 - 128]\ncall {name}_{level}", flags.DIVIDE)
        for name in _ON_VALUES:
            yield Form(f"{stack}call {name}_{level}", flags.DIVIDE)


CONTROL: tuple[Form, ...] = tuple(
    form
    for family in (_conditions, _flag_words, _stack, _strings, _atomics, _others)
    for form in family()
)
FUNCTIONS: tuple[Form, ...] = tuple(_functions())
