"""One walk up a stack: from the innermost frame to the outermost that can be shown.

By call frame information where an image has it, by frame records where not, by the schema through
translated code, by the kernel's signal frame through a handler. What cannot be shown ends the walk:
a frame has to be in executable memory, after a call instruction where its code can be read, and
further up the stack than the frame it called. x30 alone is a guess, and the only one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from mtedbg.analysis.code.in_frame import place_in_frame
from mtedbg.analysis.code.mappings import may_be_generated, may_interpret
from mtedbg.analysis.code.source import rules_in_files
from mtedbg.analysis.code.symbolize import foreign_place, jit_place, symbolize
from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.stack.cfi import AMD64_RETURN, unwind
from mtedbg.decode.stack.frame_tables import FrameTables
from mtedbg.decode.stack.host_stack import (
    SignalFrame,
    frame_record,
    is_signal_return,
    signal_frame_at,
    signal_frame_before,
)
from mtedbg.decode.stack.return_address import follows_call
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.pointer import strip
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.formats.dwarf.frame_rules import FrameRules
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place
    from mtedbg.session import Session

_SAME = 1024
"""Bytes that code may be apart to be taken for one function where there are no symbols."""
MOST = 64
"""Frames that are followed."""


class FrameKind(StrEnum):
    """What a frame is."""

    HOST = "host"
    JIT = "jit"
    SIGNAL = "signal"
    INTERRUPTED = "interrupted"
    HYPOTHESIS = "guess"


class How(StrEnum):
    """What a frame's PC and registers were taken from."""

    REGISTERS = "registers"
    CFI = "CFI"
    RECORD = "frame record"
    LINK = "link register"
    SIGNAL = "signal frame"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True)
class Found:
    """A frame that was found.

    Attributes:
        pc: without PAC bits.
        kind: what it is.
        how: what it was taken from.
        registers: those that are known.
        cfa: its canonical frame address, where call frame information tells.
        returns: whether the PC is a return address, where the frame is not the innermost.
    """

    pc: int
    kind: FrameKind
    how: How
    registers: Mapping[str, int]
    cfa: int | Absent = NOT_APPLICABLE
    returns: bool = False


@dataclass(frozen=True, slots=True)
class _State:
    """Registers of a frame that is still to be looked at; `exact`: the PC is no return address."""

    registers: Mapping[str, int]
    how: How
    kind: FrameKind = FrameKind.HOST
    exact: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """What was learned of a frame by leaving it."""

    caller: _State | None
    cfa: int | Absent = NOT_APPLICABLE


class _EndError(Exception):
    """The walk ends here, and why."""


class Walk:
    """One walk.

    Args:
        session: the process.
        most: frames that are followed.

    Attributes:
        end: why it ended, in words; empty where the outermost frame says that it is that.
    """

    def __init__(self, session: Session, most: int = MOST) -> None:
        self._session = session
        self._most = most
        self._target = session.target
        self._tables = frame_tables(session)
        self._knows_regions = present(session.target.regions())
        self._seen: set[tuple[int, int]] = set()
        self._returns: dict[int, bool] = {}
        self._live = 0  # below this address of the stack are frames that were walked already
        self.end = ""

    def frames(self, registers: Mapping[str, int]) -> Iterator[Found]:
        """The frames, the innermost first; at most `most`, and guesses between them."""
        state: _State | None = _State(registers, How.REGISTERS, exact=True)
        self._live = self._session.strip(registers.get("sp", 0))
        for _ in range(self._most):
            if state is None or "pc" not in state.registers:
                return
            pc = strip(state.registers["pc"])  # a PC is not signed: what seems so is a wild one
            jit = jit_place(self._session, pc if state.exact else pc - 1)
            foreign = jit is None and self._in_foreign(state, pc)
            kind = self._kind(state, pc, in_jit=jit is not None or foreign)
            step, guess = self._left(state, pc, kind, jit)
            in_jit = foreign or (jit is not None and jit[1].pc != pc)
            returns = kind is FrameKind.HOST or (in_jit and not state.exact)
            yield Found(pc, kind, state.how, state.registers, step.cfa, returns)
            if guess is not None:
                yield Found(guess, FrameKind.HYPOTHESIS, How.LINK, {}, returns=True)
            state = step.caller
        self.end = f"after {self._most} frames"

    def _in_foreign(self, state: _State, pc: int) -> bool:
        """Whether a JIT without a debug root made the code."""
        return foreign_place(self._session, pc if state.exact else pc - 1) is not None

    def _kind(self, state: _State, pc: int, *, in_jit: bool) -> FrameKind:
        if state.kind is not FrameKind.HOST:
            return state.kind
        if in_jit:
            return FrameKind.JIT
        return FrameKind.SIGNAL if self._is_signal_return(pc) else FrameKind.HOST

    def _left(
        self, state: _State, pc: int, kind: FrameKind, jit: tuple[Runtime, Place] | None
    ) -> tuple[_Step, int | None]:
        """The caller; and who may have called in between, as x30 has it."""
        guess = None
        try:
            if jit is not None:
                return _Step(self._out_of_jit(state.registers, *jit)), None
            if kind is FrameKind.SIGNAL:
                return _Step(self._interrupted(state.registers)), None
            if kind is FrameKind.JIT or kind is FrameKind.INTERRUPTED:
                left = self._out_of_foreign(state, pc)
                if left is not None:
                    return _Step(left), None
            step = self._by_cfi(state, pc)
            if step is not None:
                return step, None
            if state.exact and not self._is_code(pc):
                return _Step(self._out_of_nowhere(state.registers, pc)), None
            guess = self._link(state.registers, pc) if state.exact else None
            caller = self._by_record(state.registers, state.how)
            if kind is FrameKind.JIT and caller is not None and not caller.exact:
                caller = replace(caller, registers=self._with_stack(caller.registers))
            return _Step(caller), guess
        except _EndError as error:
            self.end = str(error)
            return _Step(None), guess

    def _out_of_foreign(self, state: _State, pc: int) -> _State | None:
        """The caller, as a JIT without a debug root knows it; None where its frames are usual."""
        here = pc if state.exact else pc - 1
        if foreign_place(self._session, here) is None:
            return None
        from mtedbg.analysis.code.jits import unwound

        found = unwound(self._session, here, state.registers)
        if found is None:
            return None
        if isinstance(found, Absent):
            raise _EndError(str(found))
        address = self._return_address(found.get("pc", 0))
        if address == 0:
            raise _EndError("that was the outermost frame of the JIT's code")
        self._progress(state, pc, self._session.strip(found.get("sp", 0)))
        if not self._is_code(address):
            raise _EndError(f"the return address {address:#x} is in no code")
        self._live = self._session.strip(found.get("sp", 0))
        return _State(self._with_stack({**found, "pc": address}), How.RUNTIME)

    def _with_stack(self, registers: Mapping[str, int]) -> Mapping[str, int]:
        """A caller's registers, with sp where its frame record tells what is not known."""
        if "sp" in registers or "x29" not in registers:
            return registers
        from mtedbg.analysis.stacks.foreign_frames import stack_of_compiled

        frame = self._session.strip(registers["x29"])
        stack = stack_of_compiled(self._session, registers["pc"], frame)
        if stack is None or not self._live < stack <= frame:
            return registers
        return {**registers, "sp": stack}

    def _by_cfi(self, state: _State, pc: int) -> _Step | None:
        """None where there is no call frame information, or a register that it needs."""
        rules = self._rules(pc if state.exact else pc - 1)
        if rules is not None and rules.is_signal_frame and not state.exact:
            rules = self._rules(pc)
        if rules is None:
            return None
        found = unwind(self._target, rules, state.registers)
        if isinstance(found, Absent):
            if found.reason is Reason.UNKNOWN:
                return None
            raise _EndError(f"call frame information leads to memory that is {found}")
        if found.return_address is None:
            return _Step(None, found.cfa)
        address = self._return_address(found.return_address)
        if address == 0:
            return _Step(None, found.cfa)
        if not state.exact and not found.is_kept:
            if (handled := self._out_of_handler(state)) is not None:
                return _Step(handled, found.cfa)
            self.end = "the function kept no return address: it calls what does not return"
            return _Step(None, found.cfa)
        self._progress(state, pc, found.cfa)
        try:
            self._check(address)
        except _EndError as error:
            self.end = str(error)
            return _Step(None, found.cfa)
        self._live = found.cfa
        return _Step(_State({**found.registers, "pc": address}, How.CFI), found.cfa)

    def _rules(self, address: int) -> FrameRules | None:
        """Call frame information of an instruction: of a file, else of memory."""
        has_table = self._tables.has_table(address)
        found = rules_in_files(self._session, address, has_table=has_table)
        if found is None:
            found = self._tables.rules_at(address)
        if found is None and may_be_generated(self._session, address):
            from mtedbg.analysis.code.foreign_rules import foreign_rules

            found = foreign_rules(self._session, address)
        # A wild PC may be in the code of a translated program, whose registers are others.
        return None if found is not None and found.return_register == AMD64_RETURN else found

    def _progress(self, state: _State, pc: int, cfa: int) -> None:
        """Stacks grow down: a caller's frame is above, a leaf's caller may be at the same sp."""
        stack = state.registers.get("sp")
        if (stack is not None and cfa < self._session.strip(stack)) or (pc, cfa) in self._seen:
            raise _EndError(f"the frame at {cfa:#x} is not above the one that it called")
        self._seen.add((pc, cfa))

    def _interrupted(self, registers: Mapping[str, int]) -> _State:
        """What a signal interrupted: the kernel's frame is at sp, or before its frame record."""
        frame: SignalFrame | None = None
        if "sp" in registers:
            frame = signal_frame_at(self._target, self._session.strip(registers["sp"]))
        if frame is None:
            record = self._session.strip(registers.get("x29", 0))
            frame = signal_frame_before(self._target, record)
        if frame is None:
            raise _EndError("the signal frame is not there")
        return self._in(frame)

    def _in(self, frame: SignalFrame) -> _State:
        """The code whose registers a signal frame has."""
        if (frame.address, 0) in self._seen:
            raise _EndError(f"the signal frame at {frame.address:#x} interrupted itself")
        self._seen.add((frame.address, 0))
        self._live = self._session.strip(frame.registers["sp"])
        return _State(frame.registers, How.SIGNAL, FrameKind.INTERRUPTED, exact=True)

    def _out_of_handler(self, state: _State) -> _State | None:
        """The kernel's own record, where x29 still is that of a signal handler; else nothing."""
        with contextlib.suppress(_EndError):
            above = self._by_record(state.registers, state.how)
            pc = 0 if above is None else self._session.strip(above.registers.get("pc", 0))
            if self._is_signal_return(pc):
                return above
        return None

    def _by_record(self, registers: Mapping[str, int], how: How) -> _State | None:
        frame = self._session.strip(registers.get("x29", 0))
        if "x29" not in registers:
            raise _EndError("x29 is not known")
        if not frame:
            last = "that was the last frame record" if how is How.RECORD else "no frame record"
            raise _EndError(f"x29 is 0: {last}")
        record = frame_record(self._target, frame)
        if isinstance(record, Absent):
            raise _EndError(str(record))
        if (frame, 0) in self._seen:
            raise _EndError(f"the frame record at {frame:#x} is its own caller")
        self._seen.add((frame, 0))
        stack = registers.get("sp")
        if not self._is_stack(frame) or (
            stack is not None and not self._is_above(frame, self._session.strip(stack))
        ):
            raise _EndError(f"x29 is {frame:#x}, which is not in the stack")
        # A handler without a record of its own has the kernel's, which leads past what was
        # interrupted. It is that if nothing of this walk is between it and the signal frame.
        signal = signal_frame_before(self._target, frame)
        if signal is not None and signal.address >= self._live:
            return self._in(signal)
        address = self._return_address(record[1])
        if address == 0:
            return None
        above = {"x29": record[0], "pc": address}
        if not self._is_entered(address, above):
            self._check(address)
        self._live = frame
        return _State(above, How.RECORD)

    def _is_entered(self, address: int, registers: Mapping[str, int]) -> bool:
        """Whether a frame goes on where no call is before: an interpreter's, which a JIT made."""
        if not may_interpret(self._session, address):
            return False
        return place_in_frame(self._session, address, registers) is not None

    def _is_stack(self, address: int) -> bool:
        region = self._tables.region_at(address)
        return not self._knows_regions or (
            region is not None and (region.perms.startswith("rw") or "?" in region.perms)
        )

    def _is_above(self, frame: int, stack: int) -> bool:
        """Whether a record is in the part of a stack that is in use."""
        region = self._tables.region_at(stack)
        grown_out = region is None or not region.perms.startswith("rw")
        return frame >= stack if region is None or grown_out else stack <= frame < region.end

    def _link(self, registers: Mapping[str, int], pc: int) -> int | None:
        """Who called a function that has made no frame record of its own yet, perhaps."""
        link = self._return_address(registers.get("x30", 0))
        record = frame_record(self._target, self._session.strip(registers.get("x29", 0)))
        recorded = then(record, lambda found: self._return_address(found[1]))
        if link in (recorded, pc, 0) or not self._is_code(link) or not self._is_called(link):
            return None
        here, there = symbolize(self._session, pc), symbolize(self._session, link, after_call=True)
        if not present(here.symbol) and not present(there.symbol) and 0 < pc - link < _SAME:
            return None  # most likely an earlier call in the same function
        return link if here.function != there.function else None

    def _out_of_nowhere(self, registers: Mapping[str, int], pc: int) -> _State:
        """The PC is in no code: whoever called it left in x30 where it goes on."""
        link = self._return_address(registers.get("x30", 0))
        if link == pc:
            raise _EndError("the PC is in no code, and came from x30 or from the stack")
        try:
            self._check(link)
        except _EndError as error:
            raise _EndError(f"the PC is in no code; {error}") from None
        return _State({**registers, "pc": link}, How.LINK)

    def _return_address(self, value: int) -> int:
        return return_address(self._session, value)

    def _check(self, address: int) -> None:
        """That somebody can have called from there."""
        if not self._is_code(address):
            raise _EndError(f"the return address {address:#x} is in no code")
        if not self._is_called(address):
            raise _EndError(f"the return address {address:#x} follows no call")

    def _is_signal_return(self, address: int) -> bool:
        """As `is_signal_return`, which is asked of a frame as it is found and as it is left."""
        if address not in self._returns:
            self._returns[address] = is_signal_return(self._target, address)
        return self._returns[address]

    def _is_code(self, address: int) -> bool:
        jit = jit_place(self._session, address) or jit_place(self._session, address - 1)
        if jit is not None or not self._knows_regions:
            return address % 4 == 0
        region = self._tables.region_at(address)
        if region is None or address % 4:
            return False
        return any(one in region.perms for one in "x?") or self._is_signal_return(address)

    def _is_called(self, address: int) -> bool:
        return (
            jit_place(self._session, address - 1) is not None
            or foreign_place(self._session, address - 1) is not None
            or self._is_signal_return(address)
            or or_else(follows_call(self._target, address), default=True)
        )

    def _out_of_jit(
        self, registers: Mapping[str, int], runtime: Runtime, place: Place
    ) -> _State | None:
        from mtedbg.decode.stack.unwind import caller_of

        try:
            caller = caller_of(runtime, place, registers)
        except LayoutError as error:  # a runtime that does not tell keeps the ABI's records
            try:
                return self._by_record(registers, How.REGISTERS)
            except _EndError:
                raise _EndError(error.message) from None
        except KeyError as missing:
            raise _EndError(f"register {missing} is not there") from None
        if isinstance(caller, Absent):
            raise _EndError(str(caller))
        return _State(caller, How.RUNTIME)


@once
def frame_tables(session: Session) -> FrameTables:
    """The tables of call frame information of a process."""
    return FrameTables(session.target)
