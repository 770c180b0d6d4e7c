"""How deep a guest function's stack is at each of its instructions.

Guests are compiled without frame pointers and without unwind tables. What a function has pushed
can be read off its own instructions: from its entry, where the return address is on top, along
every path. Source of the effects: Intel SDM vol. 2, PUSH, POP, LEAVE, CALL, RET.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.disassembler import Line
from mtedbg.decode.code.guest_instruction import decode_all

_SLOT = 8
MOST_BYTES = 1 << 18
"""Of a function that is analysed."""

_IMMEDIATE = re.compile(r"(rsp|rbp), (-?(?:0x[0-9a-f]+|[0-9]+))")
_LEA = re.compile(r"(rsp|rbp), \[(rsp|rbp)(?: ([+-]) (0x[0-9a-f]+|[0-9]+))?\]")
_TARGET = re.compile(r"0x[0-9a-f]+|[0-9]+")
_WRITES_NOTHING = ("cmp", "test", "nop")
_ENDS = ("ret", "jmp", "ud2", "hlt", "int3")


@dataclass(frozen=True, slots=True)
class Depth:
    """The state before an instruction, in bytes below the return address.

    Attributes:
        rsp: how far below the return address the stack pointer is; None where it is not known.
        rbp: the same of rbp, where it is a frame pointer.
        saved: how far below the return address the caller's rbp is; None where it is in rbp.
        lost: whether the caller's rbp is neither.
    """

    rsp: int | None = 0
    rbp: int | None = None
    saved: int | None = None
    lost: bool = False

    def after(self, one: Line) -> Depth:
        """The state after `one`, where it does not jump."""
        name, operands = one.mnemonic.split(" ")[-1], one.operands
        if name in ("push", "pushfq"):
            return self._pushed(operands)
        if name in ("pop", "popfq"):
            popped = self._moved(-_SLOT)
            return popped._restored() if operands == "rbp" else popped
        if name == "leave":
            rsp = None if self.rbp is None else self.rbp - _SLOT
            return replace(self, rsp=rsp)._restored()
        first = operands.partition(",")[0]
        if name in _WRITES_NOTHING or first not in ("rsp", "rbp", "ebp", "bp", "bpl", "esp"):
            return self
        return self._written(name, operands, first)

    def _written(self, name: str, operands: str, first: str) -> Depth:
        """An instruction that writes one of the two."""
        if match := _LEA.fullmatch(operands) if name == "lea" else None:
            offset = int(match[4] or "0", 0) * (-1 if match[3] == "-" else 1)
            base = self.rsp if match[2] == "rsp" else self.rbp
            return self._set(match[1], None if base is None else base - offset)
        if name in ("add", "sub") and (match := _IMMEDIATE.fullmatch(operands)):
            change = int(match[2], 0) * (1 if name == "sub" else -1)
            old = self.rsp if match[1] == "rsp" else self.rbp
            return self._set(match[1], None if old is None else old + change)
        if name == "mov" and operands == "rbp, rsp":
            return self._set("rbp", self.rsp)
        if name == "mov" and operands == "rsp, rbp":
            return self._set("rsp", self.rbp)
        return self._set("rsp" if first in ("rsp", "esp") else "rbp", None)

    def _moved(self, by: int) -> Depth:
        return self if self.rsp is None else replace(self, rsp=self.rsp + by)

    def _pushed(self, operand: str) -> Depth:
        below = self._moved(_SLOT)
        first = self.saved is None and self.rbp is None and not self.lost
        return replace(below, saved=below.rsp) if operand == "rbp" and first else below

    def _restored(self) -> Depth:
        return replace(self, rbp=None, saved=None, lost=self.lost and self.saved is None)

    def _set(self, register: str, value: int | None) -> Depth:
        if register == "rsp":
            return replace(self, rsp=value)
        return replace(self, rbp=value, lost=self.lost or self.saved is None)


def depths(code: bytes, begin: int) -> Mapping[int, Depth]:
    """The state before every instruction that can be reached from the entry, by its address.

    Args:
        code: the function's bytes.
        begin: its first address.
    """
    walk = _Walk({one.address: one for one in decode_all(code, begin)}, begin + len(code))
    walk.on([(begin, Depth())])
    if len(walk.by_table) == 1:
        # What a jump through a table leads to is as deep as the jump: nothing else leads there.
        (state,) = walk.by_table
        for at in walk.unreached():
            walk.on([(at, state)])
    return walk.found


class _Walk:
    """A way along all paths of a function.

    Attributes:
        found: the state before each instruction that was reached.
        by_table: the states at jumps through memory.
    """

    def __init__(self, instructions: Mapping[int, Line], end: int) -> None:
        self._instructions = instructions
        self._end = end
        self.found: dict[int, Depth] = {}
        self.by_table: set[Depth] = set()

    def on(self, work: list[tuple[int, Depth]]) -> None:
        """Goes on from these places."""
        while work:
            address, state = work.pop()
            # The first way to a place is believed: compilers make all of them equal.
            while address in self._instructions and address not in self.found:
                self.found[address] = state
                one = self._instructions[address]
                name = one.mnemonic.split(" ")[-1]
                state = state.after(one)
                if name.startswith("j") and _TARGET.fullmatch(one.operands):
                    work.append((int(one.operands, 0), state))
                elif name == "jmp" and "[" in one.operands:
                    self.by_table.add(state)
                if name in _ENDS:
                    break
                address += one.size
            if address == self._end:  # a call that does not return may be the last
                self.found.setdefault(address, state)

    def unreached(self) -> list[int]:
        """Instructions after the end of a path to which no path led.

        Those that a direct jump leads to come last: it may be of code that is not reached yet.
        """
        targets = {
            int(one.operands, 0)
            for one in self._instructions.values()
            if one.mnemonic.startswith("j") and _TARGET.fullmatch(one.operands)
        }
        starts, after_end = [], False
        for address, one in self._instructions.items():
            if one.mnemonic.endswith("nop"):
                continue
            if after_end and address not in self.found:
                starts.append(address)
            after_end = one.mnemonic.split(" ")[-1] in _ENDS
        return sorted(starts, key=lambda at: at in targets)
