"""Address expressions without a debugger: numbers, registers, symbols, and sums of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent

_TERM = re.compile(r"\s*([+-]?)\s*(\$?[\w.@:~]+)\s*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_SYNONYMS = {"lr": "x30", "fp": "x29", "cpsr": "pstate", "ip": "pc"}
_WORD = (1 << 64) - 1
_MAX_LENGTH = 4096
HELP = "offline ADDR is a number, $register, symbol, or a sum like symbol+0x10"


def evaluate(
    expression: str,
    registers: Mapping[str, int] | Absent,
    symbol_address: Callable[[str], int | Absent],
) -> int:
    """The 64-bit value of `expression`; sums wrap around.

    Args:
        expression: terms joined by + and -.
        registers: of the current thread, by name.
        symbol_address: finds a symbol.

    Raises:
        ExpressionError: a term is not known, or it is no such sum.
    """
    total, position = 0, 0
    if not expression.strip() or len(expression) > _MAX_LENGTH:
        raise ExpressionError("the expression is empty or too long", HELP)
    while position < len(expression):
        match = _TERM.match(expression, position)
        if match is None or (position and not match[1]):
            raise ExpressionError(f"cannot read {expression[position:].strip()!r}", HELP)
        value = _term(match[2], registers, symbol_address)
        total += -value if match[1] == "-" else value
        position = match.end()
    return total & _WORD


def _term(
    term: str,
    registers: Mapping[str, int] | Absent,
    symbol_address: Callable[[str], int | Absent],
) -> int:
    if term.startswith("$"):
        return _register(term[1:], registers)
    if _NUMBER.fullmatch(term):
        return int(term, 16 if term[:2] in ("0x", "0X") else 10)
    if term[0].isdigit():
        raise ExpressionError(f"{term!r} is no number", HELP)
    value = symbol_address(term)
    if isinstance(value, Absent):
        detail = f": {value.detail}" if value.detail else ""
        raise ExpressionError(f"no symbol {term!r} in this core{detail}", "name the program: --exe")
    return value


def _register(name: str, registers: Mapping[str, int] | Absent) -> int:
    if isinstance(registers, Absent):
        raise ExpressionError(f"${name}: registers are {registers}", HELP)
    name = _SYNONYMS.get(name, name)
    if name in registers:
        return registers[name]
    if name[:1] == "w" and (whole := registers.get(f"x{name[1:]}")) is not None:
        return whole & 0xFFFFFFFF
    raise ExpressionError(
        f"no register ${name}", "there are $x0 to $x30, $sp, $pc, $pstate, $tpidr"
    )
