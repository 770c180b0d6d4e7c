"""Forms of x87.

Each stands between others of SSE and integers; the unit's registers are what was pushed before.
"""

from __future__ import annotations

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


X87: tuple[Form, ...] = tuple(
    form for family in (_moves, _arithmetic, _comparisons, _control) for form in family()
)
