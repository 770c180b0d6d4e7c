"""Guest code as the unwinder needs it: which function holds an address, what calls stand there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from mtedbg.decode.code.code_map import FUNCTIONS
from mtedbg.decode.code.guest_instruction import LONGEST, decode_all
from mtedbg.decode.pages import Pages
from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent, or_else, then
from mtedbg.model.code import Function

_SLOT = 8
_LONGEST_CALL = 7
# CALL rel32; CALL r/m64 by a register or memory (Intel SDM vol. 2, "CALL"), at the bytes' end.
_DIRECT = re.compile(rb"(?s)\xe8(....)\Z")
_INDIRECT = re.compile(
    rb"(?s)(?:\xff[\xd0-\xd7]|\xff[\x10-\x13\x16\x17]|\xff\x14.|\xff[\x50-\x53\x55-\x57].|\xff\x54.."
    rb"|\xff[\x90-\x93\x95-\x97\x15]....|\xff\x94.....|\xff\x14\x25....)\Z"
)
# What a handler returns to: MOV rAX, 15 (rt_sigreturn); SYSCALL.
_RESTORER = re.compile(rb"(?:\x48\xc7\xc0|\xb8)\x0f\0\0\0\x0f\x05")
_LONGEST_RESTORER = 9


class GuestCode:
    """The guest functions of a runtime, and guest memory.

    Args:
        runtime: whose guest it is.
        is_code: whether an address is in code of the guest's that is in no function here.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """

    def __init__(self, runtime: Runtime, is_code: Callable[[int], bool] = lambda _: False) -> None:
        self._is_code = is_code
        self._read = Pages(runtime.target).read
        self._functions = _functions(runtime)
        self._starts = [begin for begin, _, _ in self._functions]

    def function_at(self, rip: int) -> Function | None:
        """The guest function that holds `rip`."""
        index = bisect_right(self._starts, rip) - 1
        if index < 0 or rip >= self._functions[index][1]:
            return None
        return self._functions[index][2]

    def word(self, address: int) -> int | None:
        """The 8 bytes of guest memory at `address`; None where they are not there."""
        data = self._read(address, _SLOT)
        return or_else(then(data, lambda found: int.from_bytes(found, "little")), None)

    def bytes_at(self, address: int, length: int) -> bytes | Absent:
        """All `length` bytes of guest memory at `address`."""
        return self._read(address, length)

    def _before(self, address: int) -> bytes:
        """The bytes that a call before `address` may consist of."""
        function = self.function_at(address - 1)
        if function is None and not self._is_code(address - 1):
            return b""
        length = min(_LONGEST_CALL, address - (begin_of(function) or 0))
        return or_else(self._read(address - length, length), b"")

    def after_call(self, address: int) -> bool:
        """Whether a call may stand before `address`, in a guest function."""
        code = self._before(address)
        target = self.direct_target(address)
        if target is not None and (self.function_at(target) or self._is_code(target)):
            return True
        return any(_INDIRECT.match(code, at) for at in range(len(code)))

    def size_at(self, address: int) -> int:
        """Bytes of the instruction at `address`; 0 where it cannot be read."""
        code = or_else(self._read(address, LONGEST), b"")
        first = next(iter(decode_all(code, address)), None)
        return 0 if first is None else first.size

    def returns_from_signal(self, address: int) -> bool:
        """Whether the code at `address` makes the system call that ends a signal handler."""
        code = or_else(self._read(address, _LONGEST_RESTORER), b"")
        return _RESTORER.match(code) is not None

    def direct_target(self, address: int) -> int | None:
        """What a direct call before `address` calls."""
        match = _DIRECT.search(self._before(address)[-5:])
        if match is None:
            return None
        return (address + int.from_bytes(match[1], "little", signed=True)) & ((1 << 64) - 1)


def begin_of(function: Function | None) -> int | None:
    """The entry of a guest function."""
    return None if function is None else or_else(function.guest_begin, None)


def _functions(runtime: Runtime) -> list[tuple[int, int, Function]]:
    """Begin, end and record of every guest function, in order of address."""
    found = []
    for one in or_else(runtime.rows(FUNCTIONS, Function), ()):
        begin, end = one.guest_begin, one.guest_end
        if isinstance(begin, int) and isinstance(end, int) and begin < end:
            found.append((begin, end, one))
    found.sort(key=lambda entry: entry[:2])
    return found
