"""Forms of SSE and SSE2 on floating-point numbers, and of MXCSR.

rcpps and rsqrtps have no exact result, and stand in no form.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle import flags
from tests.oracle.form import Form

_WIDTHS = {"ps": "{y}", "pd": "{y}", "ss": "{zd}", "sd": "{zq}"}


def _arithmetic() -> Iterator[Form]:
    for kind, source in _WIDTHS.items():
        for name in ("add", "sub", "mul", "div", "min", "max", "sqrt"):
            yield Form(f"{name}{kind} {{v}}, {source}")
        yield Form(f"mul{kind} {{v1}}, {{v1}}")
        yield Form(f"sub{kind} {{v1}}, {{v1}}")


def _comparisons() -> Iterator[Form]:
    for kind, source in _WIDTHS.items():
        for predicate in range(8):
            yield Form(f"cmp{kind} {{v}}, {source}, {predicate}")
    for kind in ("ss", "sd"):
        for name in ("comi", "ucomi"):
            yield Form(f"{name}{kind} {{v}}, {_WIDTHS[kind]}", flags.ADD)
            for condition in ("p", "a", "be", "e"):
                effect = flags.Effect(writes=flags.ARITHMETIC)
                text = f"{name}{kind} {{v}}, {_WIDTHS[kind]}\nset{condition} {{rb}}"
                yield Form(text, effect)


def _conversions() -> Iterator[Form]:
    for name, source in (
        ("cvtps2pd", "{zq}"), ("cvtss2sd", "{zd}"), ("cvtpd2ps", "{y}"), ("cvtsd2ss", "{zq}"),
        ("cvtps2dq", "{y}"), ("cvttps2dq", "{y}"), ("cvtpd2dq", "{y}"), ("cvttpd2dq", "{y}"),
        ("cvtdq2ps", "{y}"), ("cvtdq2pd", "{zq}"),
    ):  # fmt: skip
        yield Form(f"{name} {{v}}, {source}")
    for kind, source in (("ss", "{zd}"), ("sd", "{zq}")):
        for w in "dq":
            yield Form(f"cvt{kind}2si {{r{w}}}, {source}")
            yield Form(f"cvtt{kind}2si {{r{w}}}, {source}")
            yield Form(f"cvtsi2{kind} {{v}}, {{x{w}}}")


def _control() -> Iterator[Form]:
    """The bit of denormal operands is not always kept: what shows it is cleared."""
    yield Form("stmxcsr {md1}\nand {md1}, 0xfffd", flags.LOGIC)
    for value in (0x1F80, 0x3F80, 0x5F80, 0x7F80, 0x1FA1):
        yield Form(f"mov {{md1}}, {value}\nldmxcsr {{md1}}")
    yield Form(
        "fxsave [r15 - 256]\nmov qword ptr [r15 - 232], 0x1f80\n"
        "mov word ptr [r15 - 250], 0\nmov qword ptr [r15 - 248], 0\nmov qword ptr [r15 - 240], 0\n"
        "pxor {v}, {v}\nfxrstor [r15 - 256]"
    )


FLOATS: tuple[Form, ...] = tuple(
    form for family in (_arithmetic, _comparisons, _conversions, _control) for form in family()
)
