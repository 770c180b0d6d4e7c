"""The guest's call chain: from each frame to its caller.

There are no unwind tables and no frame pointers. A function's own instructions tell how deep its
stack is; where they do not, the stack is searched for what looks like a return address, and what
was found that way is a hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import CODE_MAP, ranges_of
from mtedbg.decode.code.guest_code import GuestCode, begin_of
from mtedbg.decode.stack.guest_stack import MOST_BYTES, Depth, depths
from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.code import Block, BlockKind, Function, Range, RangeKind
from mtedbg.model.frame import Guest
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import Buffer, Table

NEEDS = Requirements(models=(Table, Buffer, Function, Block, Range))

MOST_LEVELS = 128
SIGNAL_FRAME = "<signal handler called>"
"""The level between a signal handler and what it has interrupted; debuggers call it so."""
# In what the kernel puts on an x86-64 program's stack, from the slot of the return address
# (arch/x86/include/asm/sigframe.h, arch/x86/include/uapi/asm/sigcontext.h).
_FRAME_FLAGS, _FRAME_LINK = 8, 16
_MOST_FLAGS = 0xF
_FRAME_RBP, _FRAME_RSP, _FRAME_RIP = 128, 168, 176
_SEARCHED = 1 << 12
"""Bytes of stack that are searched for a return address."""
_SLOT = 8


@dataclass(frozen=True, slots=True)
class GuestCall:
    """One level of the chain.

    Attributes:
        rip: where it stands, or where it will go on.
        function: the guest function; absent where none holds `rip`.
        name: of the function.
        hypothesis: whether the level was found by searching the stack.
    """

    rip: int | Absent
    function: Function | Absent
    name: str | Absent
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
    """

    calls: tuple[GuestCall, ...]
    end: str


@dataclass(frozen=True, slots=True)
class _State:
    """A level's registers, as far as the chain needs them."""

    rip: int
    rsp: int
    rbp: int | None
    is_return: bool = True  # a call may be its function's last instruction: look before it
    restorer: int | None = None  # where the handler that interrupted it returns to


class Unwinder:
    """Goes from callee to caller in one runtime's guest.

    Args:
        runtime: whose guest it is.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """

    def __init__(self, runtime: Runtime) -> None:
        runtime.layout.require(NEEDS)
        self._runtime = runtime
        self._code = GuestCode(runtime)
        self._depths: dict[int, Mapping[int, Depth]] = {}
        self._returns = _thread_returns(runtime)

    def chain(self, guest: Guest) -> GuestChain:
        """The call chain of a guest thread."""
        near = guest.near
        first = self._call(guest.rip, near if isinstance(near, int) else None, hypothesis=False)
        calls = [first]
        if isinstance(near, Absent):
            return GuestChain((first,), f"the guest's position is not known: {near}")
        registers = guest.registers
        state = _State(near, strip(registers["rsp"]), strip(registers["rbp"]), is_return=False)
        hypothesis = not isinstance(guest.rip, int)
        while len(calls) < MOST_LEVELS:
            found = self._caller(state, hypothesis)
            if isinstance(found, str):
                return GuestChain(tuple(calls), found)
            state, hypothesis = found
            if state.restorer is not None:
                nowhere = Absent(Reason.NOT_APPLICABLE, "a signal frame, of no function")
                calls.append(GuestCall(state.restorer, nowhere, SIGNAL_FRAME, hypothesis))
            near = state.rip - state.is_return
            calls.append(self._call(state.rip, near, hypothesis=hypothesis))
        return GuestChain(tuple(calls), f"more than {MOST_LEVELS} levels")

    def _call(self, rip: int | Absent, near: int | None, *, hypothesis: bool) -> GuestCall:
        function = None if near is None else self._code.function_at(near)
        if function is None:
            missing = Absent(Reason.UNKNOWN, "no guest function is there")
            return GuestCall(rip, missing, missing, hypothesis)
        name = self._runtime.text(function.name, function.name_length)
        return GuestCall(rip, function, name, hypothesis)

    def _caller(self, state: _State, uncertain: bool) -> tuple[_State, bool] | str:
        """The caller's state, and whether it is a hypothesis; or why there is none."""
        function = self._code.function_at(state.rip - state.is_return)
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
                return _State(value, slot + _SLOT, self._rbp(state, depth, slot)), hypothesis
        return self._search(state, function)

    def _interrupted(self, slot: int) -> _State | None:
        """What a signal handler has interrupted, if `slot` has a handler's return address."""
        flags = self._code.word(slot + _FRAME_FLAGS)
        if flags is None or flags > _MOST_FLAGS or self._code.word(slot + _FRAME_LINK) != 0:
            return None
        restorer = self._code.word(slot)
        if restorer is None or not self._code.returns_from_signal(restorer):
            return None
        rip = self._code.word(slot + _FRAME_RIP)
        rsp = self._code.word(slot + _FRAME_RSP)
        if rip is None or rsp is None:
            return None
        rbp = self._code.word(slot + _FRAME_RBP)
        return _State(rip, rsp, rbp, is_return=False, restorer=restorer)

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
            found = _State(value, slot + _SLOT, None)
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


def _return_slot(state: _State, depth: Depth) -> int | None:
    """Where the return address is."""
    if depth.rsp is not None:
        return state.rsp + depth.rsp
    if depth.rbp is not None and state.rbp is not None:
        return state.rbp + depth.rbp
    return None


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
