"""Forms of x87.

Each stands between others of SSE and integers; the unit's registers are what was pushed before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.oracle import flags
from tests.oracle.form import Form

_STACK = ("st(1)", "st(2)", "st(7)")


def _moves() -> Iterator[Form]:
    for size in "dqt":
        yield Form(f"fld {{m{size}}}")
        yield Form(f"fstp {{m{size}}}")
    for size in "dq":
        yield Form(f"fst {{m{size}}}")
    for size in "wdq":
        yield Form(f"fild {{m{size}}}")
        yield Form(f"fistp {{m{size}}}")
    for size in "wd":
        yield Form(f"fist {{m{size}}}")
    for register in _STACK:
        for name in ("fld", "fst", "fstp", "fxch"):
            yield Form(f"{name} {register}")
    for name in ("fld1", "fldz", "fldpi", "fldl2e", "fldl2t", "fldlg2", "fldln2"):
        yield Form(name)
    for condition in ("b", "e", "be", "u", "nb", "ne", "nbe", "nu"):
        letters = {"b": "C", "e": "Z", "be": "CZ", "u": "P"}[condition.removeprefix("n")]
        yield Form(f"fld {{mt}}\nfcmov{condition} st, st(1)", flags.Effect(letters))
        yield Form(f"fcmov{condition} st, st(3)", flags.Effect(letters))


_PAIR = ("fld {mt}\nfld {mt}", "fld {mq}\nfld {mq}", "fld {md}\nfld {mt}", "fild {mq}\nfld {mq}")


def _arithmetic() -> Iterator[Form]:
    for name in ("add", "sub", "subr", "mul", "div", "divr"):
        for pair in _PAIR:
            yield Form(f"{pair}\nf{name}p st(1), st")
        yield Form(f"f{name} st, st(1)")
        yield Form(f"f{name} st(2), st")
        yield Form(f"f{name}p st(3), st")
        for size in "dq":
            yield Form(f"fld {{m{size}}}\nf{name} {{m{size}}}")
        for size in "wd":
            yield Form(f"fld {{mt}}\nfi{name} {{m{size}}}")
    for name in ("fchs", "fabs", "fsqrt", "frndint", "fxtract"):
        yield Form(name)
        yield Form(f"fld {{mt}}\n{name}")
        yield Form(f"fld {{mq}}\n{name}")
    for name in ("fscale", "fprem", "fprem1"):
        yield Form(name)
        for pair in _PAIR:
            yield Form(f"{pair}\n{name}\nfnstsw {{mw}}")


_STATUS = "fnstsw ax"


def _comparisons() -> Iterator[Form]:
    for name in ("fcom", "fcomp", "fucom", "fucomp"):
        yield Form(f"{name} st(1)\n{_STATUS}")
        for pair in _PAIR:
            yield Form(f"{pair}\n{name} st(1)\n{_STATUS}")
    for name in ("fcom", "fcomp"):
        for size in "dq":
            yield Form(f"fld {{m{size}}}\n{name} {{m{size}}}\n{_STATUS}")
    for name in ("ficom", "ficomp"):
        for size in "wd":
            yield Form(f"fld {{mt}}\n{name} {{m{size}}}\n{_STATUS}")
    for name in ("fcompp", "fucompp", "ftst", "fxam"):
        yield Form(f"{name}\n{_STATUS}")
        yield Form(f"fld {{mt}}\n{name}\n{_STATUS}")
    for name in ("fcomi", "fcomip", "fucomi", "fucomip"):
        yield Form(f"{name} st, st(1)", flags.ADD)
        for pair in _PAIR:
            yield Form(f"{pair}\n{name} st, st(1)", flags.ADD)


def _control() -> Iterator[Form]:
    for value in (0x37F, 0x27F, 0x07F, 0x77F, 0xB7F, 0xF7F, 0xA7F, 0x67F, 0x17F):
        yield Form(f"mov {{mw1}}, {value}\nfldcw {{mw1}}")
    for text in ("fnstcw {mw}", "fnstsw {mw}", _STATUS, "fnclex", "fninit", "fincstp", "fdecstp"):
        yield Form(text)
    for text in ("ffree st(0)", "ffree st(2)", "ffreep st(1)", "fwait", "fnop"):
        yield Form(text)


def _decimal() -> Iterator[Form]:
    yield Form("fbstp {mt}")
    for load in ("fild {mq}", "fild {md}", "fld {mt}", "fld {mq}"):
        yield Form(f"{load}\nfbstp {{mt}}\n{_STATUS}")
    # Digits above 9 have no defined result.
    for high in ("0x8042", "0x0099", "0x8000"):
        yield Form(
            f"mov rax, 0x7777777777777777\nand rax, {{rq}}\nmov [r15], rax\n"
            f"mov word ptr [r15 + 8], {high}\nfbld [r15]",
            flags.LOGIC,
        )


def _environments() -> Iterator[Form]:
    """Whole states in memory. Where the last instruction and its operand were is not kept here."""
    without = "mov qword ptr [r15 + 12], 0\nmov qword ptr [r15 + 20], 0"
    for name in ("fnstenv", "fnsave"):
        yield Form(f"{name} [r15]\n{without}")
        for control, status, tags in (
            (0x37F, 0x2100, 0xFFFF),
            (0xB7F, 0x7F41, 0x5555),
            (0x27F, 0, 0),
        ):
            words = (control, status, tags)
            change = "\n".join(f"mov word ptr [r15 + {4 * i}], {w}" for i, w in enumerate(words))
            again = {"fnstenv": "fldenv", "fnsave": "frstor"}[name]
            yield Form(f"{name} [r15]\n{change}\n{again} [r15]\n{without}")


def _exact() -> Iterator[Form]:
    """Transcendental functions where processors have no choice: exact results, and what is none."""
    for name in ("fsin", "fcos", "fsincos", "fptan", "f2xm1"):
        yield Form(f"fldz\n{name}\n{_STATUS}")
        yield Form(f"fldz\nfchs\n{name}\n{_STATUS}")
    for name in ("fsin", "fcos", "fsincos", "fptan"):
        large = "mov rax, 0x43f0000000000000\nmov [r15], rax"
        yield Form(f"{large}\nfld qword ptr [r15]\n{name}\n{_STATUS}")
    for first, second in itertools.product(("fld1", "fldz", "fldpi"), repeat=2):
        if second != "fldpi":
            yield Form(f"{first}\n{second}\nfyl2x\n{_STATUS}")
    for name in ("fyl2x", "fyl2xp1", "fpatan"):
        yield Form(f"fld1\nfldz\n{name}\n{_STATUS}")
    # Without an operand, after a comparison that has set C2.
    unordered = "fninit\nfldz\nfldz\nfdivp st(1), st\nfldz\nfucompp"
    for name in ("fsin", "fcos", "fsincos", "fptan", "fpatan", "f2xm1"):
        yield Form(f"{unordered}\n{name}\n{_STATUS}")
    for bits in ("0x7ff0000000000000", "0x7ff8000000001234", "0x7ff0000000001234"):
        load = f"mov rax, {bits}\nmov [r15], rax\nfld qword ptr [r15]"
        for name in ("fsin", "fcos", "fsincos", "fptan", "f2xm1"):
            yield Form(f"{load}\n{name}\n{_STATUS}")


X87: tuple[Form, ...] = tuple(
    form
    for family in (
        _moves,
        _arithmetic,
        _comparisons,
        _control,
        _decimal,
        _environments,
        _exact,
    )
    for form in family()
)
