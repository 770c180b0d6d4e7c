"""Instructions of call frame information → where a frame's caller has its registers.

Sources: DWARF 5, 6.4.2 "Call Frame Instructions"; "DWARF for the Arm 64-bit Architecture"
(AADWARF64) 4.1 "DWARF register names", 4.2 "Call frame instructions" (return addresses that are
signed).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from mtedbg.dataclass import dataclass, field
from mtedbg.formats.dwarf.call_frames import Entry
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError

SP = 31
"""DWARF number of sp; x0 to x30 are 0 to 30."""
RETURN_ADDRESS_STATE = 34
"""RA_SIGN_STATE: bit 0 says whether the return address is signed."""

_MOST_INSTRUCTIONS = 1 << 14
_MOST_STATES = 64
_MOST_REGISTER = 127


class Kind(Enum):
    """What a rule says of a register in the caller (DWARF 5, 6.4.1)."""

    UNDEFINED = "undefined"
    SAME = "same value"
    OFFSET = "saved at CFA + value"
    VALUE_OFFSET = "is CFA + value"
    REGISTER = "is in another register"
    EXPRESSION = "saved where an expression says"
    VALUE_EXPRESSION = "is what an expression says"


class Rule(NamedTuple):
    """One rule: an offset, or a register's number, or an expression."""

    kind: Kind
    value: int = 0
    expression: bytes = b""


class FrameAddress(NamedTuple):
    """How the canonical frame address is had: a register and an offset, or an expression."""

    register: int
    offset: int
    expression: bytes = b""


@dataclass(frozen=True, slots=True)
class FrameRules:
    """All rules that hold at one PC.

    Attributes:
        address: of the canonical frame address.
        rules: by register number; a register without one is as its ABI has it.
        is_signed: whether the return address has an authentication code.
        return_register: the column of the return address.
        is_signal_frame: whether the PC of such a frame is of an instruction that was interrupted.
    """

    address: FrameAddress
    rules: dict[int, Rule]
    is_signed: bool
    return_register: int
    is_signal_frame: bool = False


@dataclass(slots=True)
class _State:
    address: FrameAddress | None = None
    rules: dict[int, Rule] = field(default_factory=dict)
    is_signed: bool = False

    def copy(self) -> _State:
        return _State(self.address, dict(self.rules), self.is_signed)


def rules_at(entry: Entry, pc: int) -> FrameRules:
    """The rules that hold at `pc`, an address of `entry`'s.

    Raises:
        DamagedError: its instructions cannot be what they should be.
    """
    machine = _Machine(entry, pc)
    machine.run(entry.common.program)
    machine.initial = machine.state.copy()
    machine.location = entry.begin
    machine.run(entry.program)
    state = machine.state
    if state.address is None:
        raise DamagedError("call frame information without a frame address")
    common = entry.common
    return FrameRules(
        state.address,
        state.rules,
        state.is_signed,
        common.return_register,
        common.is_signal_frame,
    )


class _Machine:
    def __init__(self, entry: Entry, pc: int) -> None:
        self._entry = entry
        self._pc = pc
        self._left = _MOST_INSTRUCTIONS
        self._states: list[_State] = []
        self.state = _State()
        self.initial: _State | None = None
        self.location = entry.begin

    def run(self, program: bytes) -> None:
        """All instructions up to the first that is of a later address."""
        cursor = Cursor(program)
        while not cursor.is_done:
            self._left -= 1
            if self._left < 0:
                raise DamagedError("call frame information without an end")
            code = cursor.byte()
            kind, low = code & 0xC0, code & 0x3F
            if kind == 0x40:
                self._advance(low)
            elif kind == 0x80:
                self._set(low, Kind.OFFSET, cursor.uleb() * self._entry.common.data_factor)
            elif kind == 0xC0:
                self._restore(low)
            else:
                self._extended(low, cursor)
            if self.location > self._pc:
                return

    def _advance(self, steps: int) -> None:
        self.location += steps * self._entry.common.code_factor

    def _extended(self, code: int, cursor: Cursor) -> None:
        factor = self._entry.common.data_factor
        register = cursor.uleb if code in _WITH_REGISTER else int
        match code:
            case 0x00:  # DW_CFA_nop
                pass
            case 0x01:  # DW_CFA_set_loc
                raise DamagedError("call frame information with DW_CFA_set_loc")
            case 0x02 | 0x03 | 0x04:  # DW_CFA_advance_loc1, 2, 4
                self._advance(cursor.number(1 << code - 2))
            case 0x05:  # DW_CFA_offset_extended
                self._set(register(), Kind.OFFSET, cursor.uleb() * factor)
            case 0x06:  # DW_CFA_restore_extended
                self._restore(register())
            case 0x07:  # DW_CFA_undefined
                self._set(register(), Kind.UNDEFINED)
            case 0x08:  # DW_CFA_same_value
                self._set(register(), Kind.SAME)
            case 0x09:  # DW_CFA_register
                self._set(register(), Kind.REGISTER, cursor.uleb())
            case 0x0A:  # DW_CFA_remember_state
                if len(self._states) >= _MOST_STATES:
                    raise DamagedError("call frame information remembers too many states")
                self._states.append(self.state.copy())
            case 0x0B:  # DW_CFA_restore_state
                if not self._states:
                    raise DamagedError("call frame information restores a state that is none")
                self.state = self._states.pop()
            case 0x10:  # DW_CFA_expression
                self._set(register(), Kind.EXPRESSION, 0, cursor.take(cursor.uleb()))
            case 0x11:  # DW_CFA_offset_extended_sf
                self._set(register(), Kind.OFFSET, cursor.sleb() * factor)
            case 0x14:  # DW_CFA_val_offset
                self._set(register(), Kind.VALUE_OFFSET, cursor.uleb() * factor)
            case 0x15:  # DW_CFA_val_offset_sf
                self._set(register(), Kind.VALUE_OFFSET, cursor.sleb() * factor)
            case 0x16:  # DW_CFA_val_expression
                self._set(register(), Kind.VALUE_EXPRESSION, 0, cursor.take(cursor.uleb()))
            case 0x2E:  # DW_CFA_GNU_args_size
                cursor.uleb()
            case 0x2F:  # DW_CFA_GNU_negative_offset_extended
                self._set(register(), Kind.OFFSET, -cursor.uleb() * factor)
            case 0x2B:  # DW_CFA_AARCH64_set_ra_state
                self.state.is_signed = bool(cursor.uleb() & 1)
                cursor.sleb()
            case 0x2C | 0x2D:  # DW_CFA_AARCH64_negate_ra_state_with_pc, negate_ra_state
                self.state.is_signed = not self.state.is_signed
            case _:
                self._frame_address(code, cursor, factor)

    def _frame_address(self, code: int, cursor: Cursor, factor: int) -> None:
        known = self.state.address
        match code:
            case 0x0C:  # DW_CFA_def_cfa
                self.state.address = FrameAddress(cursor.uleb(), cursor.uleb())
                return
            case 0x12:  # DW_CFA_def_cfa_sf
                self.state.address = FrameAddress(cursor.uleb(), cursor.sleb() * factor)
                return
            case 0x0F:  # DW_CFA_def_cfa_expression
                self.state.address = FrameAddress(0, 0, cursor.take(cursor.uleb()))
                return
        if known is None or known.expression:
            raise DamagedError(f"call frame information with instruction {code:#x}")
        match code:
            case 0x0D:  # DW_CFA_def_cfa_register
                self.state.address = FrameAddress(cursor.uleb(), known.offset)
            case 0x0E:  # DW_CFA_def_cfa_offset
                self.state.address = FrameAddress(known.register, cursor.uleb())
            case 0x13:  # DW_CFA_def_cfa_offset_sf
                self.state.address = FrameAddress(known.register, cursor.sleb() * factor)
            case _:
                raise DamagedError(f"call frame information with instruction {code:#x}")

    def _set(self, register: int, kind: Kind, value: int = 0, expression: bytes = b"") -> None:
        if register == RETURN_ADDRESS_STATE and kind is Kind.VALUE_EXPRESSION:
            # Linkers' stubs say it so: DW_OP_lit0 or DW_OP_lit1.
            self.state.is_signed = expression == b"\x31"
        elif register <= _MOST_REGISTER:
            self.state.rules[register] = Rule(kind, value, expression)

    def _restore(self, register: int) -> None:
        first = self.initial.rules.get(register) if self.initial else None
        if first is None:
            self.state.rules.pop(register, None)
        else:
            self.state.rules[register] = first


_WITH_REGISTER = frozenset((0x05, 0x06, 0x07, 0x08, 0x09, 0x10, 0x11, 0x14, 0x15, 0x16, 0x2F))
