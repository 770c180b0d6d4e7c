"""A fault that is no tag check's: what stands at its address, and what may have caused it.

Sources of what the kernel raises when: Linux, arch/arm64/mm/fault.c and kernel/traps.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at, symbolize
from mtedbg.analysis.fault.access import FaultingAccess
from mtedbg.analysis.fault.fault import Fault, fault
from mtedbg.analysis.stacks.host_calls import FrameKind, HostFrame, host_calls
from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.instruction import WORD_SIZE, breakpoint_number, is_undefined
from mtedbg.model.absent import Absent, or_else, then
from mtedbg.model.cause import Hypothesis
from mtedbg.model.instruction import AccessKind
from mtedbg.model.memory import size_text
from mtedbg.model.pointer import KERNEL_HALF, is_near_null, strip
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_NEAR = 1 << 20
"""Bytes from an address to a mapping that it may have been meant for."""
_STACK_REACH = 1 << 16
"""Bytes between SP and what a function touches first when it has no room."""
_ADDRESS_BITS = 48
_NO_ADDRESS = 0x7F << _ADDRESS_BITS
"""Bits 54:48: 0 in what mmap gives who has not asked for 52 bits (arm64/memory.rst)."""
_ERRORS = 4095
"""Numbers of errors, as -1 to -4095 (MAX_ERRNO): what system calls give instead of a pointer."""
_SHORTEST_TEXT = 6
"""Bytes: fewer are printable by chance."""
_STACK_ALIGNMENT = 16
"""Of SP, where it is the base of an access (Arm ARM D1.3 "SP alignment checking")."""
_NO_ROOM = "SIGSEGV SI_KERNEL"  # signal_setup_done(), force_sigsegv()
_DEEP, _CIRCLE = 24, 4
"""Frames that are looked at for a circle of calls, and its most functions."""
_BTYPE_SHIFT, _BTYPE_MASK = 10, 3
"""PSTATE.BTYPE: not 0 after an indirect branch (Arm ARM D8.4 "Branch target identification")."""
_FAILED_AUTHENTICATION = "ILL_ILLOPN"  # do_el0_fpac()
_SANITIZER = 0x55
"""High byte of the number that Clang gives its traps: "U" (LLVM, UBSANTRAP for AArch64)."""
_BREAKPOINTS = {
    1000: "GCC's __builtin_trap()",
    1: "Clang's __builtin_trap()",
    0xF000: "Clang's __builtin_debugtrap()",
}


@dataclass(frozen=True, slots=True)
class NonMteFault:
    """What is known of a fault that is no tag check's.

    Attributes:
        reasons: what it was and why the processor would not go on, one line each.
        hypotheses: what may have caused it, likeliest first.
    """

    reasons: tuple[str, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fault:
    """A fault with an address, as it was met."""

    thread: Thread
    code: str
    raw: int
    address: int
    at: FaultingAccess
    region: Region | None

    @property
    def fetches(self) -> bool:
        """Whether it is the instruction itself that could not be fetched."""
        return self.at.pc == self.address

    @property
    def pointer(self) -> tuple[str, int]:
        """What the address was made from: a name and a value, tag kept."""
        access, base = self.at.access, self.at.base_value
        if self.link is not None:
            return "x30", self.link
        if self.fetches:
            return "the PC", self.raw
        if isinstance(access, Absent) or isinstance(base, Absent):
            return "the address", self.raw
        return access.base_name, base

    @property
    def link(self) -> int | None:
        """x30, where it was a return by it that led to what could not be fetched."""
        link, pc = self.register("x30"), self.register("pc")
        if not self.fetches or link is None or pc is None or strip(link) != strip(pc):
            return None
        return link

    def register(self, name: str) -> int | None:
        """The value of a register."""
        return or_else(then(self.at.registers, lambda known: known.get(name)), None)


@once
def non_mte_fault(session: Session, thread: Thread) -> NonMteFault:
    """What is known of the fault that `thread` stopped on.

    Nothing of a tag check fault, of a signal that was sent, and of a fault whose address is not
    known.
    """
    return of_fault(session, thread, fault(session, thread))


def of_fault(session: Session, thread: Thread, met: Fault) -> NonMteFault:
    """The same of any fault of `thread`."""
    if met.tag_check is not None:
        return NonMteFault()
    if isinstance(met.name, Absent):
        return NonMteFault()
    if str(met.name) == _NO_ROOM:
        return _of_no_room(session, thread, met)
    if isinstance(met.raw_address, Absent):
        return NonMteFault()
    address = session.strip(met.raw_address)
    region = region_at(session, address)
    found = _Fault(thread, met.name.code, met.raw_address, address, met.at, region)
    if met.name.signal in ("SIGSEGV", "SIGBUS"):
        reasons = (_of_memory(session, found), *_jumped(session, found))
        return NonMteFault(reasons, tuple(_hypotheses(session, found)))
    return NonMteFault(tuple(_of_instruction(found)), tuple(_forged(found)))


def _of_no_room(session: Session, thread: Thread, met: Fault) -> NonMteFault:
    """What the kernel raises that cannot put a signal frame on the stack."""
    registers = or_else(met.at.registers, {})
    stack = session.strip(registers.get("sp", 0))
    found = _stack_overflow(session, _Fault(thread, "", stack, stack, met.at, None))
    if found is None:
        return NonMteFault()
    return NonMteFault(("the kernel could not write a signal frame below sp",), (found,))


def _of_memory(session: Session, fault: _Fault) -> str:
    """What was done, and why that could not be."""
    what = _what(fault)
    if fault.code == "BUS_ADRALN":
        return f"{what}: {_misaligned(session, fault)}"
    if fault.code == "SEGV_MAPERR" and fault.region is None:
        return f"{what}, where nothing is mapped{_nearest(session, fault)}"
    if fault.region is None:
        return what
    there = f"{what} in {_mapping(fault.region)}"
    if fault.code == "SEGV_ACCERR":
        return f"{there}{_forbidden(fault, fault.region)}"
    if fault.code == "BUS_ADRERR" and fault.region.name:
        return f"{there}: past the end of the file, or the file could not be read"
    return there


def _what(fault: _Fault) -> str:
    if fault.fetches:
        return f"{'jump' if fault.link is None else 'return'} to {fault.address:#x}"
    ours = fault.at.may_touch(fault.address)
    return f"{fault.at.words if ours else 'access'} at {fault.address:#x}"


def _misaligned(session: Session, fault: _Fault) -> str:
    if fault.fetches:
        return f"instructions must be at multiples of {WORD_SIZE}"
    stack = fault.register("sp")
    if stack is not None and session.strip(stack) == fault.address and stack % _STACK_ALIGNMENT:
        return f"sp must be a multiple of {_STACK_ALIGNMENT} when it is used to access memory"
    return "the address must be aligned for this access"


def _mapping(region: Region) -> str:
    return f"{region.perms} {region.name or 'anonymous memory'}"


def _forbidden(fault: _Fault, region: Region) -> str:
    """What may not be done there; nothing where the permissions are not the reason."""
    access = fault.at.access
    if fault.fetches:
        missing, done = "x", "executed"
    elif isinstance(access, Absent) or not fault.at.may_touch(fault.address):
        return ""
    elif access.kind in (AccessKind.LOAD, AccessKind.TAG_LOAD):
        missing, done = "r", "read"
    else:
        missing, done = "w", "written"
    known = "?" not in region.perms
    return f", which may not be {done}" if known and missing not in region.perms else ""


def _nearest(session: Session, fault: _Fault) -> str:
    """The mapping that the address is just before or after."""
    regions = session.target.regions()
    if isinstance(regions, Absent) or is_near_null(fault.address):
        return ""
    ways = [(fault.address - region.end, "after", region) for region in regions]
    ways += [(region.start - fault.address, "before", region) for region in regions]
    near = [one for one in ways if 0 <= one[0] < _NEAR]
    if not near:
        return ""
    distance, side, region = min(near, key=lambda one: one[0])
    return f": {size_text(distance) if distance else 'right'} {side} {_mapping(region)}"


def _jumped(session: Session, fault: _Fault) -> Iterator[str]:
    """Who may have called what is no function."""
    if not fault.fetches:
        return
    if fault.link is not None:
        yield "x30 has the same address: it was a return"
        return
    link = return_address(session, fault.register("x30") or 0)
    region = region_at(session, link)
    if region is not None and "x" in region.perms:
        yield f"x30, where a call returns to, is {symbolize(session, link, after_call=True)}"


def _of_instruction(fault: _Fault) -> Iterator[str]:
    """What it is that the processor would not do."""
    there = fault.at.instruction
    if isinstance(there, Absent):
        return
    number = breakpoint_number(there.word)
    if number is not None:
        meaning = _BREAKPOINTS.get(number, "")
        if number >> 8 == _SANITIZER:
            meaning = "Clang's trap for a failed check of -fsanitize-trap"
        if meaning:
            yield f"{there.text}: {meaning}"
        return
    if fault.code == _FAILED_AUTHENTICATION:
        yield f"{there.text}: pointer authentication failed"
    elif fault.code == "ILL_ILLOPC":
        state = fault.register("pstate") or fault.register("cpsr") or 0
        if is_undefined(there.word):
            yield f"{there.text}: not an instruction"
        elif state >> _BTYPE_SHIFT & _BTYPE_MASK:  # do_el0_bti()
            yield f"{there.text}: not a landing pad, reached by an indirect branch (BTI)"


def _hypotheses(session: Session, fault: _Fault) -> Iterator[Hypothesis]:
    """What the address itself speaks for."""
    name, value = fault.pointer
    pointer = "a pointer" if fault.link is None else "a return address"
    if is_near_null(fault.address):
        yield _null(session, fault, name, value)
        return
    if found := _stack_overflow(session, fault):
        yield found
        return
    signed = value - (1 << 64) if value >> 63 else value
    if -_ERRORS <= signed < 0:
        yield Hypothesis(
            "an error number used as a pointer", (f"{name} is {signed}",), evident=True
        )
        return
    if text := _text(value):
        yield Hypothesis(
            f"{pointer} overwritten by text", (f'{name} reads "{text}"',), evident=True
        )
    elif value & KERNEL_HALF:
        reason = f"bit 55 of {name} is set: a kernel address"
        yield Hypothesis(f"{pointer} that was overwritten", (reason,))
    elif odd := value & _NO_ADDRESS:
        reason = f"bits 54:48 of {name} are {odd >> _ADDRESS_BITS:#x}: those of an address are 0"
        signs = " or failed its authentication" if session.info.pac_mask else ""
        yield Hypothesis(f"{pointer} that was overwritten{signs}", (reason,))


def _forged(fault: _Fault) -> Iterator[Hypothesis]:
    """What may have caused a pointer that failed its authentication."""
    if fault.code == _FAILED_AUTHENTICATION and (text := _text(fault.register("x30") or 0)):
        what = "a return address overwritten by text"
        yield Hypothesis(what, (f'x30 reads "{text}"',), evident=True)


def _null(session: Session, fault: _Fault, name: str, value: int) -> Hypothesis:
    if fault.link is not None:
        return Hypothesis(
            "a return address that was overwritten", (f"{name} is {value:#x}",), evident=True
        )
    if fault.fetches:
        return Hypothesis("a call through a null pointer", (f"{name} is {value:#x}",), evident=True)
    if is_near_null(session.strip(value)):
        return Hypothesis("a null pointer", (f"{name} is {value:#x}",), evident=True)
    return Hypothesis("a null pointer", ("nothing is ever mapped near address 0",), evident=True)


def _stack_overflow(session: Session, fault: _Fault) -> Hypothesis | None:
    """Whether a stack has grown out of its mapping, or into the guard below it."""
    stack, frame = fault.register("sp"), fault.register("x29")
    regions = session.target.regions()
    if stack is None or frame is None or isinstance(regions, Absent):
        return None
    if abs(session.strip(stack) - fault.address) > _STACK_REACH:
        return None
    above = (one for one in regions if one.start > fault.address and one.perms.startswith("rw"))
    region = next(above, None)
    if region is None or region.start - fault.address > _NEAR:
        return None
    if not region.start <= session.strip(frame) < region.end:
        return None
    size = size_text(region.end - region.start)
    reason = f"sp is {stack:#x}, at the lower end of {size} of {_mapping(region)}"
    return Hypothesis("a stack overflow", (reason, *_circle(session, fault.thread)), evident=True)


def _circle(session: Session, thread: Thread) -> Iterator[str]:
    """The functions that call each other without an end."""
    found = host_calls(session, thread)
    frames = () if isinstance(found, Absent) else _before_handlers(found.frames)[1:_DEEP]
    calls = [frame.place.name for frame in frames]
    names = sorted(set(calls))
    if len(calls) == _DEEP - 1 and len(names) <= _CIRCLE and all(names):
        yield f"recursion through {', '.join(names)}"


def _before_handlers(frames: Sequence[HostFrame]) -> Sequence[HostFrame]:
    """The frames from the code on that the first signal handler has interrupted."""
    inside = [at for at, one in enumerate(frames) if one.kind is FrameKind.INTERRUPTED]
    return frames[inside[-1] :] if inside else frames


def _text(value: int) -> str:
    """What the bytes of a pointer read as, from the lowest; empty where that is no text."""
    data = value.to_bytes(8, "little").rstrip(b"\0")
    is_text = len(data) >= _SHORTEST_TEXT and all(0x20 <= one < 0x7F for one in data)
    return data.decode("ascii") if is_text else ""
