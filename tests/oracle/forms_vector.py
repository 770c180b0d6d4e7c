"""Forms of SSE and SSE2 that move and compute with integers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.form import Form


def _moves() -> Iterator[Form]:
    for name in ("movaps", "movapd", "movdqa"):
        yield Form(f"{name} {{v}}, {{y}}")
        yield Form(f"{name} {{a}}, {{v}}")
    for name in ("movntps", "movntpd", "movntdq"):
        yield Form(f"{name} {{a}}, {{v}}")
    for name in ("movups", "movupd", "movdqu"):
        yield Form(f"{name} {{v}}, {{zx}}")
        yield Form(f"{name} {{mx}}, {{v}}")
    for name, w in (("movss", "d"), ("movsd", "q"), ("movq", "q")):
        yield Form(f"{name} {{v}}, {{z{w}}}")
        yield Form(f"{name} {{m{w}}}, {{v}}")
    for name in ("movlps", "movlpd", "movhps", "movhpd"):
        yield Form(f"{name} {{v}}, {{mq}}")
        yield Form(f"{name} {{mq}}, {{v}}")
    for name in ("movhlps", "movlhps"):
        yield Form(f"{name} {{v}}, {{v}}")
    for name, w in (("movd", "d"), ("movq", "q")):
        yield Form(f"{name} {{v}}, {{x{w}}}")
        yield Form(f"{name} {{x{w}}}, {{v}}")
        yield Form(f"movnti {{m{w}}}, {{r{w}}}")
    for name in ("movmskps", "movmskpd", "pmovmskb"):
        yield Form(f"{name} {{rd}}, {{v}}")
    yield Form("lea rdi, [r15 + {n}]\nmaskmovdqu {v}, {v}")
    yield Form("clflush [r15]")
    yield Form("pinsrw {v}, {rd}, {o}")
    yield Form("pinsrw {v}, {mw}, {o}")
    yield Form("pextrw {rd}, {v}, {o}")


_TWO = """
    andps andpd pand andnps andnpd pandn orps orpd por xorps xorpd pxor
    paddb paddw paddd paddq paddsb paddsw paddusb paddusw
    psubb psubw psubd psubq psubsb psubsw psubusb psubusw
    pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd
    pminub pminsw pmaxub pmaxsw pavgb pavgw
    pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw packsswb packssdw packuswb
    punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq
    unpcklps unpcklpd unpckhps unpckhpd
""".split()  # noqa: SIM905


def _two_operands() -> Iterator[Form]:
    for name in _TWO:
        yield Form(f"{name} {{v}}, {{y}}")
    for name in ("pxor", "pcmpeqd", "psubb"):
        yield Form(f"{name} {{v1}}, {{v1}}")
    for name in ("pshufd", "pshuflw", "pshufhw", "shufps", "shufpd"):
        yield Form(f"{name} {{v}}, {{y}}, {{o}}")


def _shifts() -> Iterator[Form]:
    for name in ("psllw", "pslld", "psllq", "psrlw", "psrld", "psrlq", "psraw", "psrad"):
        yield Form(f"{name} {{v}}, {{y}}")
        yield Form(f"{name} {{v}}, {{c}}")
        yield Form(f"mov {{rd1}}, {{c}}\nmovd {{v1}}, {{rd1}}\n{name} {{v}}, {{v1}}")
    for name in ("pslldq", "psrldq"):
        yield Form(f"{name} {{v}}, {{p}}")
        yield Form(f"{name} {{v}}, {{o}}")


VECTORS: tuple[Form, ...] = tuple(
    form for family in (_moves, _two_operands, _shifts) for form in family()
)
