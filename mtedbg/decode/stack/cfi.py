"""From a frame to its caller by call frame information.

Sources: DWARF 5, 6.4; AADWARF64 4.1, 4.2; AAPCS64 6.1.1: a callee gives back x19 to x29 and sp;
System V ABI for AMD64, 3.2.1 (what a callee gives back), 3.6.2 (numbers of registers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import WORD, DamagedError
from mtedbg.formats.dwarf.expression import Machine
from mtedbg.formats.dwarf.frame_rules import SP, FrameRules, Kind, Rule
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.target import Target

LINK, AMD64_RETURN = 30, 16
"""The columns of the return address."""


@dataclass(frozen=True, slots=True)
class Abi:
    """How a machine's registers are numbered and given back.

    Attributes:
        names: by DWARF number.
        stack: the number of the stack pointer.
        kept: registers whose value a frame knows of its caller, if no rule says otherwise.
    """

    names: Mapping[int, str]
    stack: int
    kept: tuple[int, ...]

    def name_of(self, number: int) -> str:
        """The name of the register with a DWARF number."""
        return self.names.get(number, f"register {number}")


AARCH64 = Abi(
    {**{number: f"x{number}" for number in range(SP)}, SP: "sp"}, SP, tuple(range(19, 31))
)
_AMD64_NAMES = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()  # noqa: SIM905
X86_64 = Abi({**dict(enumerate(_AMD64_NAMES)), AMD64_RETURN: "rip"}, 7, (3, 6, 12, 13, 14, 15))


@dataclass(frozen=True, slots=True)
class Unwound:
    """One step up.

    Attributes:
        cfa: the canonical frame address of the frame that was left.
        registers: of the caller, by name: sp, x19 to x30, those that are known.
        return_address: where the caller goes on, as it was saved; None in the outermost frame.
        is_signed: whether it has an authentication code.
        is_kept: whether the frame has saved it: else it is in x30, until the frame calls.
    """

    cfa: int
    registers: Mapping[str, int]
    return_address: int | None
    is_signed: bool
    is_kept: bool


def name_of(number: int) -> str:
    """The name of the register with a DWARF number: "x0" to "x30", "sp"."""
    return AARCH64.name_of(number)


def unwind(
    target: Target, rules: FrameRules, registers: Mapping[str, int], abi: Abi = AARCH64
) -> Unwound | Absent:
    """The caller's state.

    Args:
        target: reads the stack.
        rules: that hold at the instruction that the frame is at, or at the call it waits for.
        registers: of the frame, by name, those that are known.
        abi: of the machine whose frame it is.
    """
    try:
        return _unwind(target, rules, registers, abi)
    except DamagedError as error:
        return Absent(Reason.DAMAGED, error.message)


def _unwind(
    target: Target, rules: FrameRules, registers: Mapping[str, int], abi: Abi
) -> Unwound | Absent:
    known = {number: registers[name] for number, name in abi.names.items() if name in registers}

    def read(address: int, length: int) -> bytes | Absent:
        return target.read_memory(strip(address), length)

    machine = Machine(read, known)

    def saved(address: int) -> int | Absent:
        data = read(address & WORD, 8)
        return data if isinstance(data, Absent) else int.from_bytes(data, "little")

    cfa = _frame_address(machine, rules, known, abi)
    if isinstance(cfa, Absent):
        return cfa
    values = {number: known[number] for number in abi.kept if number in known}
    values[abi.stack] = cfa
    returns: int | Absent | None = known.get(rules.return_register)
    for number, rule in rules.rules.items():
        value = _value(machine, saved, rule, cfa, known, number)
        if number == rules.return_register:
            returns = value
        if number in abi.names:
            values.pop(number, None)
            if isinstance(value, int):
                values[number] = value
    if isinstance(returns, Absent):
        return returns
    if returns is None and rules.return_register not in rules.rules:
        return Absent(Reason.UNKNOWN, "the register with the return address")
    named = {abi.names[number]: value for number, value in sorted(values.items())}
    saving = rules.rules.get(rules.return_register)
    is_kept = saving is not None and saving.kind is not Kind.SAME
    return Unwound(cfa, named, returns, rules.is_signed, is_kept)


def _frame_address(
    machine: Machine, rules: FrameRules, known: Mapping[int, int], abi: Abi
) -> int | Absent:
    address = rules.address
    if address.expression:
        found = machine.value(address.expression)
        return found if isinstance(found, Absent) else strip(found)
    base = known.get(address.register)
    if base is None:
        return Absent(
            Reason.UNKNOWN, f"{abi.name_of(address.register)}, which the frame address needs"
        )
    return strip(base + address.offset & WORD)


def _value(
    machine: Machine,
    saved: Callable[[int], int | Absent],
    rule: Rule,
    cfa: int,
    known: Mapping[int, int],
    number: int,
) -> int | Absent | None:
    """The register's value in the caller; None where it has none there."""
    match rule.kind:
        case Kind.UNDEFINED:
            return None
        case Kind.SAME:
            return known.get(number)
        case Kind.OFFSET:
            return saved(cfa + rule.value)
        case Kind.VALUE_OFFSET:
            return cfa + rule.value & WORD
        case Kind.REGISTER:
            return known.get(rule.value, Absent(Reason.UNKNOWN, f"register {rule.value}"))
        case Kind.EXPRESSION:
            at = machine.value(rule.expression, cfa)
            return at if isinstance(at, Absent) else saved(at)
        case Kind.VALUE_EXPRESSION:
            return machine.value(rule.expression, cfa)
