"""Forms of MMX. Its registers are x87's, whose state is compared after each sequence."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.form import Form

_LOADED = "movq mm1, {mq}\nmovq mm6, {mq}"
_TWO = """
    pand pandn por pxor
    paddb paddw paddd paddq paddsb paddsw paddusb paddusw
    psubb psubw psubd psubq psubsb psubsw psubusb psubusw
    pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd
    pminub pminsw pmaxub pmaxsw pavgb pavgw
    pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw packsswb packssdw packuswb
    punpckhbw punpckhwd punpckhdq
""".split()  # noqa: SIM905
_LOW = ("punpcklbw", "punpcklwd", "punpckldq")
_SHIFTS = ("psllw", "pslld", "psllq", "psrlw", "psrld", "psrlq", "psraw", "psrad")


def _moves() -> Iterator[Form]:
    yield Form("movd mm3, {xd}")
    yield Form("movq mm3, {rq}")
    yield Form("movq mm3, {mq}")
    yield Form("movq mm4, mm3")
    yield Form("movd {xd}, mm3")
    yield Form("movq {rq}, mm3")
    yield Form("movq {mq}, mm0")
    yield Form("movntq {mq}, mm7")
    yield Form("movq2dq {v}, mm3")
    yield Form("movdq2q mm2, {v}")
    yield Form("pmovmskb {rd}, mm3")
    yield Form("pextrw {rd}, mm3, {o}")
    yield Form("pinsrw mm3, {rd}, {o}")
    yield Form("pinsrw mm3, {mw}, {o}")
    yield Form("lea rdi, [r15 + {n}]\nmovq mm5, {mq}\nmaskmovq mm3, mm5")
    yield Form("emms")
    # In turn with x87, which has all registers full then.
    yield Form("movq mm0, {mq}\nfstp {mt}\nfld {mt}\npaddb mm7, mm0")
    yield Form("emms\nfld {mq}\nfld {mq}\nmovq mm1, mm7\nemms\nfld {mt}")


def _full() -> Iterator[Form]:
    """All registers of x87 are full after any of MMX: what pushes has no room."""
    for name in ("fld1", "fld {mt}", "fild {md}", "fxtract", "fsincos", "fptan"):
        yield Form(f"movq mm3, {{mq}}\n{name}\nfnstsw ax")
        # The first of them empty, and the last one full.
        yield Form(f"movq mm3, {{mq}}\nffree st(0)\n{name}\nfnstsw ax")


def _operations() -> Iterator[Form]:
    for name in _TWO:
        yield Form(f"{_LOADED}\n{name} mm1, mm6")
        yield Form(f"{name} mm6, {{mq}}")
    for name in _LOW:
        yield Form(f"{_LOADED}\n{name} mm1, mm6")
        yield Form(f"{name} mm6, {{md}}")
    yield Form("pxor mm2, mm2")
    yield Form("pshufw mm1, mm6, {o}")
    yield Form("pshufw mm1, {mq}, {o}")
    for name in _SHIFTS:
        yield Form(f"movq mm1, {{mq}}\n{name} mm1, {{c}}")
        yield Form(f"movd mm5, r14d\nmovq mm1, {{mq}}\n{name} mm1, mm5")
        yield Form(f"{name} mm1, {{mq}}")


def _conversions() -> Iterator[Form]:
    for name in ("cvtpi2ps", "cvtpi2pd"):
        yield Form(f"movq mm2, {{mq}}\n{name} {{v}}, mm2")
        yield Form(f"{name} {{v}}, {{mq}}")
    for name in ("cvtps2pi", "cvttps2pi"):
        yield Form(f"{name} mm2, {{zq}}")
    for name in ("cvtpd2pi", "cvttpd2pi"):
        yield Form(f"{name} mm2, {{y}}")


MMX: tuple[Form, ...] = tuple(
    form for family in (_moves, _full, _operations, _conversions) for form in family()
)
