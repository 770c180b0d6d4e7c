"""Forms of instructions that compute: moves, arithmetic, shifts, bits, division."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle import flags
from tests.oracle.flags import Effect
from tests.oracle.form import WIDTHS, Form


def _two_operands() -> Iterator[Form]:
    effects = dict.fromkeys(("add", "sub", "cmp"), flags.ADD)
    effects |= dict.fromkeys(("adc", "sbb"), flags.ADD_WITH_CARRY)
    effects |= dict.fromkeys(("and", "or", "xor"), flags.LOGIC)
    for name, effect in effects.items():
        for w in WIDTHS:
            yield Form(f"{name} {{x{w}}}, {{r{w}}}", effect)
            yield Form(f"{name} {{r{w}}}, {{x{w}}}", effect)
            yield Form(f"{name} {{x{w}}}, {{i{w}}}", effect)
            if name != "cmp":
                yield Form(f"lock {name} {{m{w}}}, {{r{w}}}", effect)
                yield Form(f"lock {name} {{m{w}}}, {{i{w}}}", effect)
        yield Form(f"{name} {{lb}}, {{lb}}", effect)
        yield Form(f"{name} {{kb}}, {{lb}}", effect)
    for w in WIDTHS:
        yield Form(f"test {{x{w}}}, {{r{w}}}", flags.LOGIC)
        yield Form(f"test {{x{w}}}, {{i{w}}}", flags.LOGIC)
    for w in "dq":
        yield Form(f"xor {{r{w}1}}, {{r{w}1}}", flags.LOGIC)


def _one_operand() -> Iterator[Form]:
    effects = {
        "inc": flags.INCREMENT,
        "dec": flags.INCREMENT,
        "neg": flags.ADD,
        "not": flags.NONE,
    }
    for name, effect in effects.items():
        for w in WIDTHS:
            yield Form(f"{name} {{x{w}}}", effect)
            yield Form(f"lock {name} {{m{w}}}", effect)
        yield Form(f"{name} {{lb}}", effect)
    for name in ("mul", "imul"):
        for w in WIDTHS:
            yield Form(f"{name} {{x{w}}}", flags.MULTIPLY)
        yield Form(f"{name} {{lb}}", flags.MULTIPLY)
    for w in "wdq":
        yield Form(f"imul {{r{w}}}, {{x{w}}}", flags.MULTIPLY)
        yield Form(f"imul {{r{w}}}, {{x{w}}}, {{i{w}}}", flags.MULTIPLY)
    for w in "dq":
        yield Form(f"bswap {{r{w}}}")
    for name in ("cbw", "cwde", "cdqe", "cwd", "cdq", "cqo"):
        yield Form(name)


def _moves() -> Iterator[Form]:
    for w in WIDTHS:
        yield Form(f"mov {{x{w}}}, {{r{w}}}")
        yield Form(f"mov {{r{w}}}, {{x{w}}}")
        yield Form(f"mov {{x{w}}}, {{i{w}}}")
        yield Form(f"xchg {{x{w}}}, {{r{w}}}")
    yield Form("movabs {rq}, {iv}")
    for w, a in zip(WIDTHS, ("al", "ax", "eax", "rax"), strict=True):
        yield Form(f"movabs {a}, [arena_mid + {{n}}]")
        yield Form(f"movabs [arena_mid + {{n}}], {a}")
        yield Form(f"lea rsi, [r15 + {{n}}]\nlods{w}")
    yield Form("mov {lb}, {lb}")
    yield Form("mov {lb}, {kb}")
    yield Form("mov {kb}, {lb}")
    yield Form("mov {lb}, {ib}")
    yield Form("xchg {lb}, {lb}")
    for to, source in (("w", "b"), ("d", "b"), ("q", "b"), ("d", "w"), ("q", "w")):
        for name in ("movzx", "movsx"):
            yield Form(f"{name} {{r{to}}}, {{x{source}}}")
    yield Form("movsxd {rq}, {xd}")
    yield Form("movzx ecx, {lb}")
    yield Form("movsx edx, {lb}")
    for w in "wdq":
        yield Form(f"lea {{r{w}}}, [{{rq}} + {{rq}} * 4 + {{n}}]")
        yield Form(f"movbe {{r{w}}}, {{m{w}}}")
        yield Form(f"movbe {{m{w}}}, {{r{w}}}")
    yield Form("lea {rq}, [{rd} + {rd} * 8 - 7]")
    yield Form("lea {rd}, [{rq} + {n}]")
    yield Form("lea rbx, [r15 - 128]\nxlatb")
    yield Form("mov {rq}, [r15d + {n}]")


def _shifts() -> Iterator[Form]:
    kinds = {"shl": (flags.SHIFT_ONE, flags.SHIFT), "rol": (flags.ROTATE_ONE, flags.ROTATE)}
    kinds["shr"] = kinds["sar"] = kinds["shl"]
    kinds["ror"] = kinds["rol"]
    kinds["rcl"] = kinds["rcr"] = (flags.CARRY_ROTATE_ONE, flags.CARRY_ROTATE)
    for name, (once, often) in kinds.items():
        for w in WIDTHS:
            far = name in ("shl", "shr") and w in "bw"
            effect = flags.SHIFT_OUT if far else often
            yield Form(f"{name} {{x{w}}}, 1", once)
            yield Form(f"{name} {{x{w}}}, {{c}}", effect)
            yield Form(f"{name} {{x{w}}}, cl", effect)
            yield Form(f"mov cl, {{c}}\n{name} {{x{w}}}, cl", effect)
        yield Form(f"{name} {{lb}}, 1", once)
        yield Form(f"{name} {{lb}}, 3", often)
    for name in ("shld", "shrd"):
        for w in "wdq":
            few = "and cl, 15\n" if w == "w" else ""  # more than 16: the result is undefined
            # `and` defines what the count of zero leaves, except for AF.
            effect = Effect(writes="CPZS" if few else "", undefined="AO")
            yield Form(f"{few}{name} {{x{w}}}, {{r{w}}}, cl", effect)
            count = "{c4}" if w == "w" else "{c}"
            yield Form(f"{name} {{x{w}}}, {{r{w}}}, {count}", flags.SHIFT)
            yield Form(f"{name} {{x{w}}}, {{r{w}}}, 1", flags.SHIFT_ONE)


def _bits() -> Iterator[Form]:
    for name in ("bt", "bts", "btr", "btc"):
        for w in "wdq":
            yield Form(f"{name} {{r{w}}}, {{r{w}}}", flags.BIT)
            yield Form(f"{name} {{x{w}}}, {{c}}", flags.BIT)
            yield Form(f"mov {{rq1}}, {{s}}\n{name} {{m{w}}}, {{r{w}1}}", flags.BIT)
            if name != "bt":
                yield Form(f"lock {name} {{m{w}}}, {{c}}", flags.BIT)
                yield Form(f"mov {{rq1}}, {{s}}\nlock {name} {{m{w}}}, {{r{w}1}}", flags.BIT)
    for w in "wdq":
        for name in ("bsf", "bsr"):
            yield Form(f"{name} {{r{w}}}, {{x{w}}}", flags.SCAN)
        for name in ("tzcnt", "lzcnt"):
            yield Form(f"{name} {{r{w}}}, {{x{w}}}", flags.COUNT)
        yield Form(f"popcnt {{r{w}}}, {{x{w}}}", flags.ADD)
        yield Form(f"xor {{r{w}1}}, {{r{w}1}}\nbsf {{r{w}}}, {{r{w}1}}", flags.SCAN)
        yield Form(f"xor {{r{w}1}}, {{r{w}1}}\nlzcnt {{r{w}}}, {{r{w}1}}", flags.COUNT)


def _divisions() -> Iterator[Form]:
    """Operands are brought to where the quotient fits; faults have tests of their own."""
    unsigned = {
        "b": "shr ax, 1\nor {xb1}, -128\nand ax, 0x3fff\ndiv {xb1}",
        "w": "shr dx, 2\nmov r9w, {iw}\nor r9w, -32768\ndiv r9w",
        "d": "shr edx, 2\nmov r9d, {id}\nor r9d, -2147483648\ndiv r9d",
        "q": "shr rdx, 2\nmov r9, {iq}\nbts r9, 63\ndiv r9",
    }
    signed = {
        "b": "sar ax, 3\nmov r9b, {ib}\nand r9b, 0x3f\nor r9b, 0x40\nidiv r9b",
        "w": "sar dx, 3\nmov r9w, {iw}\nand r9w, 0x3fff\nor r9w, 0x4000\nidiv r9w",
        "d": "sar edx, 3\nmov r9d, {id}\nand r9d, 0x3fffffff\nor r9d, 0x40000000\nidiv r9d",
        "q": "sar rdx, 3\nmov r9, {iq}\nbtr r9, 63\nbts r9, 62\nidiv r9",
    }
    for text in (unsigned | {"B": signed["b"]} | {"W": signed["w"]}).values():
        yield Form(text, flags.DIVIDE)
    yield Form(signed["d"], flags.DIVIDE)
    yield Form(signed["q"], flags.DIVIDE)
    yield Form(signed["q"].replace("idiv", "neg r9\nidiv"), flags.DIVIDE)
    yield Form("xor edx, edx\nmov r8d, {id}\nor r8d, 1\ndiv r8d", flags.DIVIDE)
    yield Form("xor edx, edx\nmov r8, {iq}\nor r8, 1\ndiv r8", flags.DIVIDE)
    yield Form("cdq\nmov ecx, 77\nidiv ecx", flags.DIVIDE)
    yield Form("cqo\nmov rcx, -77\nidiv rcx", flags.DIVIDE)
    yield Form("mov {mq1}, 77\ncqo\nidiv {mq1}", flags.DIVIDE)


DATA: tuple[Form, ...] = tuple(
    form
    for family in (_two_operands, _one_operand, _moves, _shifts, _bits, _divisions)
    for form in family()
)
