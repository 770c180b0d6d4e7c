"""How many AArch64 instructions x86-64 ones become: a change is meant, or a loss."""

import subprocess

from tests.support.compile import ROOT

BUILD = ROOT / "native/build/cross"
TIMEOUT_S = 60

# Bytes as GNU as makes them: the number where nobody reads PF and AF afterwards, and where
# somebody does.
SIZES = {
    "4889d8": ("mov rax, rbx", 1, 1),
    "488b4308": ("mov rax, [rbx + 8]", 3, 3),
    "48894308": ("mov [rbx + 8], rax", 3, 3),
    "64488b042500000000": ("mov rax, fs:[0]", 5, 5),
    "0fb64301": ("movzx eax, byte ptr [rbx + 1]", 3, 3),
    "488d448b08": ("lea rax, [rbx + rcx * 4 + 8]", 3, 3),
    "4801d8": ("add rax, rbx", 1, 5),
    "480103": ("add [rbx], rax", 6, 10),
    "f0480103": ("lock add [rbx], rax", 4, 8),
    "4839d8": ("cmp rax, rbx", 2, 6),
    "38d8": ("cmp al, bl", 6, 10),
    "48c1e003": ("shl rax, 3", 9, 10),
    "480fafc3": ("imul rax, rbx", 7, 7),
    "48f7f3": ("div rbx", 12, 12),
    "50": ("push rax", 4, 4),
    "58": ("pop rax", 4, 4),
    "f0480fb10b": ("lock cmpxchg [rbx], rcx", 10, 14),
    "0f97c0": ("seta al", 4, 4),
    "0f9ac0": ("setp al", 11, 11),
    "0fa2": ("cpuid", 3, 3),
    "f30f6f03": ("movdqu xmm0, [rbx]", 8, 8),
    "0f2903": ("movaps [rbx], xmm0", 10, 10),
    "660fefc1": ("pxor xmm0, xmm1", 1, 1),
    "f20f58c1": ("addsd xmm0, xmm1", 6, 6),
    "f20f59c1": ("mulsd xmm0, xmm1", 7, 7),
    "660f2ec1": ("ucomisd xmm0, xmm1", 16, 20),
}


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["qemu-aarch64", "-cpu", "max", str(BUILD / program), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_what_instructions_cost() -> None:
    done = run("count_words", *SIZES)
    assert done.returncode == 0, done.stderr
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    both = zip(SIZES.values(), found, strict=True)
    assert [(text, *sizes) for (text, *_), sizes in both] == list(SIZES.values())


def test_a_mnemonic_has_one_lowering() -> None:
    done = run("lowering_table")
    assert (done.returncode, done.stderr) == (0, "")


def test_words_encoded_here_are_vixls() -> None:
    done = run("assembler_words")
    assert (done.returncode, done.stderr) == (0, "")


def test_where_blocks_begin() -> None:
    done = run("control_flow")
    assert (done.returncode, done.stderr) == (0, "")
