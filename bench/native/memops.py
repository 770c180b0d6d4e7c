"""Instructions of a memop, counted from the emitted words, and the untagged form by hand."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.native.lab import NativeLab
from bench.result import Row, Target

ASSEMBLER = ("aarch64-linux-gnu-gcc", "-march=armv8.5-a", "-c", "-x", "assembler")
OBJCOPY = "aarch64-linux-gnu-objcopy"
WORD = 4


@dataclass(frozen=True)
class Case:
    """An x86-64 instruction that is one memop and nothing else.

    Attributes:
        text: of it.
        code: its bytes, hexadecimal.
        plain: without tags, by hand: address in a register of its own, then the access.
        ordered: the same with x86's order of memory.
        folded: the least there is where the access can take the address apart.
    """

    text: str
    code: str
    plain: tuple[str, ...]
    ordered: tuple[str, ...]
    folded: tuple[str, ...]


CASES = (
    Case(
        "mov rax, [rbx]", "488b03",
        ("mov x16, x3", "ldr x0, [x16]"), ("mov x16, x3", "ldapr x0, [x16]"), ("ldr x0, [x3]",),
    ),
    Case(
        "mov rax, [rbx + 8]", "488b4308",
        ("add x16, x3, #8", "ldr x0, [x16]"), ("add x16, x3, #8", "ldapr x0, [x16]"),
        ("ldr x0, [x3, #8]",),
    ),
    Case(
        "mov [rbx + 8], rax", "48894308",
        ("add x16, x3, #8", "str x0, [x16]"), ("add x16, x3, #8", "stlr x0, [x16]"),
        ("str x0, [x3, #8]",),
    ),
    Case(
        "mov rax, [rbx + rcx * 8]", "488b04cb",
        ("add x16, x3, x1, lsl #3", "ldr x0, [x16]"),
        ("add x16, x3, x1, lsl #3", "ldapr x0, [x16]"),
        ("ldr x0, [x3, x1, lsl #3]",),
    ),
    Case(
        "mov rax, [rbx + rcx * 8 + 8]", "488b44cb08",
        ("add x16, x3, x1, lsl #3", "add x16, x16, #8", "ldr x0, [x16]"),
        ("add x16, x3, x1, lsl #3", "add x16, x16, #8", "ldapr x0, [x16]"),
        ("add x16, x3, x1, lsl #3", "ldr x0, [x16, #8]"),
    ),
    Case(
        "movzx eax, byte ptr [rbx + 1]", "0fb64301",
        ("add x16, x3, #1", "ldrb w0, [x16]"), ("add x16, x3, #1", "ldaprb w0, [x16]"),
        ("ldrb w0, [x3, #1]",),
    ),
)  # fmt: skip
MODES = {"local": (), "shared, tag 0": ("shared:0",), "shared, tag 15": ("shared:15",)}


def measure(lab: NativeLab) -> Iterator[Row]:
    """Address generation [0], tag insert [1], access [2]: [1] is what tags cost."""
    for case in CASES[:2] if lab.quick else CASES:
        folded = assembled(case.folded)
        for mode, words in MODES.items():
            ours = int(lab.emulated("count_words", *words, case.code).split()[0])
            form = case.plain if mode == "local" else case.ordered
            beside = assembled(form)
            yield Row(
                f"{case.text}, {mode}",
                str(ours),
                f"{beside}: {'; '.join(form)} (folded: {folded})",
                Target(1, "more").verdict(ours - beside),
            )


def assembled(lines: tuple[str, ...]) -> int:
    """How many words the assembler makes of `lines`."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-bench-") as folder:
        made, plain = Path(folder) / "made.o", Path(folder) / "plain"
        text = "\n".join(lines) + "\n"
        subprocess.run([*ASSEMBLER, "-", "-o", made], input=text, text=True, check=True)
        subprocess.run([OBJCOPY, "-O", "binary", "-j", ".text", made, plain], check=True)
        return plain.stat().st_size // WORD
