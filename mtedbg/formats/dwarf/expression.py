"""DWARF expressions of call frame information and of places in memory.

Source: DWARF 5, 2.5 "DWARF Expressions"; what 6.4.2 allows in call frame information. Numbers are
of 64 bits; an expression has at most `_MOST_STEPS` operations, loops included.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from mtedbg.formats.buffer import Read
from mtedbg.formats.dwarf.cursor import WORD, Cursor, DamagedError
from mtedbg.model.absent import Absent, Reason

_MOST_STEPS = 1 << 12
_MOST_STACK = 256
_SIGN = 1 << 63


def _signed(value: int) -> int:
    return value - (1 << 64) if value & _SIGN else value


def _shift(left: int, right: int, act: Callable[[int, int], int]) -> int:
    return act(left, right) if right < 64 else (WORD if left < 0 else 0)


def _quotient(left: int, right: int) -> int:
    """Towards zero, as machines divide."""
    if not right:
        raise DamagedError("a DWARF expression divides by zero")
    found = abs(_signed(left)) // abs(_signed(right))
    return found if (_signed(left) < 0) == (_signed(right) < 0) else -found


def _remainder(left: int, right: int) -> int:
    if not right:
        raise DamagedError("a DWARF expression divides by zero")
    return left % right


_BINARY: dict[int, Callable[[int, int], int]] = {
    0x1A: operator.and_,
    0x1B: _quotient,
    0x1C: operator.sub,
    0x1D: _remainder,
    0x1E: operator.mul,
    0x21: operator.or_,
    0x22: operator.add,
    0x24: lambda left, right: _shift(left, right, operator.lshift),
    0x25: lambda left, right: _shift(left, right, operator.rshift),
    0x26: lambda left, right: _shift(_signed(left), right, operator.rshift),
    0x27: operator.xor,
    0x29: operator.eq,
    0x2A: lambda left, right: _signed(left) >= _signed(right),
    0x2B: lambda left, right: _signed(left) > _signed(right),
    0x2C: lambda left, right: _signed(left) <= _signed(right),
    0x2D: lambda left, right: _signed(left) < _signed(right),
    0x2E: operator.ne,
}
_UNARY: dict[int, Callable[[int], int]] = {
    0x19: lambda value: abs(_signed(value)),
    0x1F: operator.neg,
    0x20: operator.invert,
}
_CONSTANT = {0x03: (8, False), 0x08: (1, False), 0x09: (1, True), 0x0A: (2, False)}
_CONSTANT |= {0x0B: (2, True), 0x0C: (4, False), 0x0D: (4, True), 0x0E: (8, False), 0x0F: (8, True)}


class Machine:
    """What expressions are evaluated with.

    Args:
        read: reads the process's memory; it is given addresses as the expression has them.
        registers: values by DWARF number.
    """

    def __init__(self, read: Read, registers: Mapping[int, int]) -> None:
        self._read = read
        self._registers = registers

    def value(self, expression: bytes, *first: int) -> int | Absent:
        """What `expression` leaves on top of the stack, or why that cannot be had.

        Args:
            expression: its operations.
            first: what is on the stack before.

        Raises:
            DamagedError: it is none.
        """
        stack, cursor = list(first), Cursor(expression)
        for _ in range(_MOST_STEPS):
            if cursor.is_done:
                if not stack:
                    raise DamagedError("a DWARF expression without a value")
                return stack[-1]
            if len(stack) > _MOST_STACK:
                break
            missing = self._step(cursor.byte(), cursor, stack)
            if missing is not None:
                return missing
        raise DamagedError("a DWARF expression without an end")

    def _step(self, code: int, cursor: Cursor, stack: list[int]) -> Absent | None:
        if 0x30 <= code <= 0x4F:
            stack.append(code - 0x30)
        elif 0x70 <= code <= 0x8F:
            return self._register(code - 0x70, cursor.sleb(), stack)
        elif code == 0x92:
            return self._register(cursor.uleb(), cursor.sleb(), stack)
        elif code in _CONSTANT:
            size, signed = _CONSTANT[code]
            stack.append(cursor.number(size, signed=signed) & WORD)
        elif code in (0x06, 0x94):  # DW_OP_deref, deref_size
            size = 8 if code == 0x06 else cursor.byte()
            return self._memory(_pop(stack), size, stack)
        elif code in _BINARY:
            right, left = _pop(stack), _pop(stack)
            stack.append(int(_BINARY[code](left, right)) & WORD)
        elif code in _UNARY:
            stack.append(_UNARY[code](_pop(stack)) & WORD)
        elif code in (0x28, 0x2F):  # DW_OP_bra, skip
            _branch(code, cursor, stack)
        else:
            _arrange(code, cursor, stack)
        return None

    def _register(self, number: int, offset: int, stack: list[int]) -> Absent | None:
        value = self._registers.get(number)
        if value is None:
            return Absent(Reason.UNKNOWN, f"register {number} of a DWARF expression")
        stack.append(value + offset & WORD)
        return None

    def _memory(self, address: int, size: int, stack: list[int]) -> Absent | None:
        if not 0 < size <= 8:
            raise DamagedError(f"a DWARF expression reads {size} bytes")
        data = self._read(address, size)
        if isinstance(data, Absent):
            return data
        stack.append(int.from_bytes(data, "little"))
        return None


def _pop(stack: list[int]) -> int:
    if not stack:
        raise DamagedError("a DWARF expression takes from an empty stack")
    return stack.pop()


def _branch(code: int, cursor: Cursor, stack: list[int]) -> None:
    distance = cursor.number(2, signed=True)
    if code == 0x2F or _pop(stack):
        cursor.at += distance
        if not 0 <= cursor.at <= cursor.end:
            raise DamagedError("a DWARF expression branches out of itself")


def _arrange(code: int, cursor: Cursor, stack: list[int]) -> None:
    """Operations that only move what is there, and constants of any length."""
    match code:
        case 0x10:  # DW_OP_constu
            stack.append(cursor.uleb())
        case 0x11:  # DW_OP_consts
            stack.append(cursor.sleb() & WORD)
        case 0x12:  # DW_OP_dup
            stack.append(_picked(stack, 0))
        case 0x13:  # DW_OP_drop
            _pop(stack)
        case 0x14:  # DW_OP_over
            stack.append(_picked(stack, 1))
        case 0x15:  # DW_OP_pick
            stack.append(_picked(stack, cursor.byte()))
        case 0x16:  # DW_OP_swap
            right, left = _pop(stack), _pop(stack)
            stack += [right, left]
        case 0x17:  # DW_OP_rot
            third, second, first = _pop(stack), _pop(stack), _pop(stack)
            stack += [third, first, second]
        case 0x23:  # DW_OP_plus_uconst
            stack.append(_pop(stack) + cursor.uleb() & WORD)
        case 0x96:  # DW_OP_nop
            pass
        case _:
            raise DamagedError(f"a DWARF expression with operation {code:#x}")


def _picked(stack: list[int], number: int) -> int:
    if number >= len(stack):
        raise DamagedError("a DWARF expression takes from an empty stack")
    return stack[-1 - number]
