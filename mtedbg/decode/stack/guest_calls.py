"""The guest's call chain: from each frame to its caller.

Call frame information leads, where the program has it: compilers write it for every function.
Without it, and without frame pointers, a function's own instructions tell how deep its stack is;
where they do not, the stack is searched for what looks like a return address, and what was found
that way is a hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import CODE_MAP, ranges_of
from mtedbg.decode.code.guest_code import GuestCode, begin_of
from mtedbg.decode.stack.cfi import AMD64_RETURN, X86_64, unwind
from mtedbg.decode.stack.guest_signal_frame import signal_frame_at
from mtedbg.decode.stack.guest_stack import MOST_BYTES, Depth, depths
from mtedbg.formats.dwarf.frame_rules import FrameRules
from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.code import Block, BlockKind, Function, Range, RangeKind
from mtedbg.model.frame import GENERAL_REGISTERS, Guest
from mtedbg.model.guest_signal_frame import GuestSignalFrame
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import Buffer, Table

NEEDS = Requirements(models=(Table, Buffer, Function, Block, Range))

MOST_LEVELS = 128
SIGNAL_FRAME = "<signal handler called>"
"""The level between a signal handler and what it has interrupted; debuggers call it so."""
_SEARCHED = 1 << 12
"""Bytes of stack that are searched for a return address."""
_SLOT, _STUB = 8, 16
"""Bytes of a word of the stack, and of an entry of a PLT at most."""


@dataclass(frozen=True, slots=True)
class GuestCall:
    """One level of the chain.

    Attributes:
        rip: where it stands, or where it will go on.
        function: the guest function; absent where none holds `rip`.
        name: of the function.
        place: an address in the instruction that it stands at, or in the call that it waits for;
            None where that is not known, or it is no function's.
        hypothesis: whether the level was found by searching the stack.
    """

    rip: int | Absent
    function: Function | Absent
    name: str | Absent
    place: int | None = None
    hypothesis: bool = False

    @property
    def offset(self) -> int | Absent:
        """How far into the function `rip` is; does not apply where either is not known."""
        begin = then(self.function, lambda function: function.guest_begin)
        if isinstance(begin, Absent) or isinstance(self.rip, Absent):
            return NOT_APPLICABLE
        return self.rip - begin

    @property
    def block(self) -> int | Absent:
        """The block with the function's translated code."""
        if isinstance(self.function, Absent):
            return NOT_APPLICABLE
        return self.function.block or NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class GuestChain:
    """The chain, the innermost level first.

    Attributes:
        calls: its levels.
        end: why it ends where it does.
        signals: the signal frames in it, the innermost first.
    """

    calls: tuple[GuestCall, ...]
    end: str
    signals: tuple[GuestSignalFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class _State:
    """A level's registers, those that are known, by name."""

    rip: int
    registers: Mapping[str, int]
    is_return: bool = True  # a call may be its function's last instruction: look before it
    signal_frame: GuestSignalFrame | None = None  # of the handler that interrupted it

    @property
    def rsp(self) -> int:
        """The stack pointer, which is always known."""
        return self.registers["rsp"]

    @property
    def rbp(self) -> int | None:
        """The frame pointer, where that is what rbp is."""
        return self.registers.get("rbp")

    @property
    def place(self) -> int:
        """An address in the instruction that it stands at, or in the call that it waits for."""
        return self.rip - self.is_return


class Unwinder:
    """Goes from callee to caller in one runtime's guest.

    Args:
        runtime: whose guest it is.
        rules: call frame information at a guest address; None where there is none.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """

    def __init__(
        self, runtime: Runtime, rules: Callable[[int], FrameRules | None] = lambda _: None
    ) -> None:
        runtime.layout.require(NEEDS)
        self._runtime = runtime
        self._rules = rules
        self._code = GuestCode(runtime, lambda address: rules(address) is not None)
        self._depths: dict[int, Mapping[int, Depth]] = {}
        self._returns = _thread_returns(runtime)

    def chain(self, guest: Guest) -> GuestChain:
        """The call chain of a guest thread."""
        near = guest.near
        first = self._call(guest.rip, near if isinstance(near, int) else None, hypothesis=False)
        calls, signals = [first], list[GuestSignalFrame]()
        if isinstance(near, Absent):
            return GuestChain((first,), f"the guest's position is not known: {near}")
        registers = {name: guest.registers[name] for name in GENERAL_REGISTERS}
        registers |= {name: strip(registers[name]) for name in ("rsp", "rbp")}
        state = _State(near, registers, is_return=False)
        hypothesis = not isinstance(guest.rip, int)
        while len(calls) < MOST_LEVELS:
            found = self._caller(state, hypothesis)
            if isinstance(found, str):
                return GuestChain(tuple(calls), found, tuple(signals))
            state, hypothesis = found
            if state.signal_frame is not None:
                nowhere = Absent(Reason.NOT_APPLICABLE, "a signal frame, of no function")
                restorer = state.signal_frame.restorer
                calls.append(GuestCall(restorer, nowhere, SIGNAL_FRAME, None, hypothesis))
                signals.append(state.signal_frame)
            calls.append(self._call(state.rip, state.place, hypothesis=hypothesis))
        return GuestChain(tuple(calls), f"more than {MOST_LEVELS} levels", tuple(signals))

    def _call(self, rip: int | Absent, near: int | None, *, hypothesis: bool) -> GuestCall:
        function = None if near is None else self._code.function_at(near)
        if function is None:
            missing = Absent(Reason.UNKNOWN, "no guest function is there")
            return GuestCall(rip, missing, missing, near, hypothesis)
        name = self._runtime.text(function.name, function.name_length)
        return GuestCall(rip, function, name, near, hypothesis)

    def _caller(self, state: _State, uncertain: bool) -> tuple[_State, bool] | str:
        """The caller's state, and whether it is a hypothesis; or why there is none."""
        found = self._by_rules(state, uncertain)
        if found is not None:
            return found
        function = self._code.function_at(state.place)
        depth = self._depth(function, state.rip) if function is not None else None
        slot = None if depth is None else _return_slot(state, depth)
        if depth is not None and slot is None and state.rbp == 0:
            return "the outermost function: rbp is 0, which marks it"
        value = None if slot is None else self._code.word(slot)
        if value is not None and slot is not None and depth is not None:
            if value in self._returns:
                return "the thread's first function"
            interrupted = self._interrupted(slot)
            if interrupted is not None:
                return interrupted, uncertain
            # Where RIP itself is uncertain, its function may have pushed more by now.
            if self._code.after_call(value):
                hypothesis = uncertain and self._code.direct_target(value) != begin_of(function)
                return _returned(value, slot, self._rbp(state, depth, slot)), hypothesis
        if function is None and not state.is_return and not uncertain:
            # In a stub, or nowhere: nothing was pushed since it was called.
            value = self._code.word(state.rsp)
            if value is not None and self._has_called(value, state.rip):
                kept = {**state.registers, "rsp": state.rsp + _SLOT}
                return _State(value, kept), False
        return self._search(state, function)

    def _has_called(self, address: int, rip: int) -> bool:
        """Whether the call before `address` may have been of a stub that `rip` is in."""
        target = self._code.direct_target(address)
        if target == rip:  # also where no code is
            return True
        is_of_another = target is not None and not 0 <= rip - target < _STUB
        return self._code.after_call(address) and not is_of_another

    def _by_rules(self, state: _State, uncertain: bool) -> tuple[_State, bool] | str | None:
        """The same by call frame information; None where there is none that leads on."""
        for place in self._places(state, uncertain):
            rules = self._rules(place)
            if rules is None or rules.return_register != AMD64_RETURN:
                continue
            registers = {**state.registers, "rip": state.rip}  # a PLT's rules go by it
            left = unwind(self._runtime.target, rules, registers, X86_64)
            if isinstance(left, Absent):
                continue
            if not left.return_address:
                return "the outermost function, as its call frame information says"
            slot = left.cfa - _SLOT
            if slot < state.rsp:
                return f"the frame at {left.cfa:#x} is not above the one that it called"
            if left.return_address in self._returns:
                return "the thread's first function"
            interrupted = self._interrupted(slot)
            if interrupted is not None:
                return interrupted, uncertain
            if self._code.after_call(left.return_address):
                begin = begin_of(self._code.function_at(place))
                target = self._code.direct_target(left.return_address)
                caller = _State(left.return_address, {**left.registers, "rsp": left.cfa})
                return caller, uncertain and (begin is None or target != begin)
            # Nothing there calls: a signal handler has made it look so, as Go's does for a panic.
            if not uncertain and self._rules(left.return_address) is not None:
                registers = {**left.registers, "rsp": left.cfa}
                return _State(left.return_address, registers, is_return=False), False
        return None

    def _places(self, state: _State, uncertain: bool) -> Iterator[int]:
        """Where the rules are asked for: RIP may be past an instruction that is known."""
        if uncertain and not state.is_return and (size := self._code.size_at(state.rip)):
            yield state.rip + size
        yield state.place

    def _interrupted(self, slot: int) -> _State | None:
        """What a signal handler has interrupted, if `slot` has a handler's return address."""
        found = signal_frame_at(self._code, slot)
        if found is None:
            return None
        return _State(found.rip, found.registers, is_return=False, signal_frame=found)

    def _rbp(self, state: _State, depth: Depth, slot: int) -> int | None:
        """The caller's rbp."""
        if depth.saved is not None:
            return self._code.word(slot - depth.saved)
        return None if depth.lost else state.rbp

    def _search(self, state: _State, function: Function | None) -> tuple[_State, bool] | str:
        """The nearest slot with an address after a call of `function`, else after any call."""
        other: _State | None = None
        for slot in range(state.rsp, state.rsp + _SEARCHED, _SLOT):
            value = self._code.word(slot)
            if value is None:
                break
            if value in self._returns and other is None:
                return "the thread's first function, according to the stack"
            interrupted = self._interrupted(slot)
            if interrupted is not None:
                return interrupted, True
            if not self._code.after_call(value):
                continue
            found = _returned(value, slot, None)
            target = self._code.direct_target(value)
            if target is not None and target == begin_of(function):
                return found, True
            if target is None:  # an indirect call may have been one of this function
                other = other or found
        return (other, True) if other else "no return address is on the stack"

    def _depth(self, function: Function, rip: int) -> Depth | None:
        begin, end = function.guest_begin, function.guest_end
        if not isinstance(begin, int) or not isinstance(end, int) or end - begin > MOST_BYTES:
            return None
        if begin not in self._depths:
            code = self._runtime.target.read_memory(begin, end - begin)
            self._depths[begin] = {} if isinstance(code, Absent) else depths(code, begin)
        return self._depths[begin].get(rip)


def _returned(value: int, slot: int, rbp: int | None) -> _State:
    """The state after a return through `slot`."""
    known = {"rsp": slot + _SLOT} if rbp is None else {"rsp": slot + _SLOT, "rbp": rbp}
    return _State(value, known)


def _return_slot(state: _State, depth: Depth) -> int | None:
    """Where the return address is; what is below the stack pointer is of calls that have ended."""
    if depth.rsp is not None:
        slot = state.rsp + depth.rsp
    elif depth.rbp is not None and state.rbp is not None:
        slot = state.rbp + depth.rbp
    else:
        return None
    return slot if slot >= state.rsp else None


def _thread_returns(runtime: Runtime) -> frozenset[int]:
    """Guest addresses that belong to stubs: a thread's first function returns to one of them."""
    return frozenset(_stub_addresses(runtime))


def _stub_addresses(runtime: Runtime) -> Iterator[int]:
    for block in or_else(runtime.rows(CODE_MAP, Block), ()):
        if block.kind != BlockKind.SHARED_STUBS:
            continue
        ranges = then(ranges_of(runtime, block), lambda array: array.all())
        for one in or_else(ranges, ()):
            if (
                one.kind == RangeKind.BUILTIN_THUNK
                and isinstance(one.guest_rip, int)
                and one.guest_rip
            ):
                yield one.guest_rip
