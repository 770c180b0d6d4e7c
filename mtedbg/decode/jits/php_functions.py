"""PHP's functions that opcache's JIT has compiled whole, and where its stubs are.

The last two words of the JIT's buffer say how far it is filled, and where the stubs end that it
begins with. An instruction of PHP, in opcache's shared memory, whose handler is in between is where
code of a function is entered; the first of a function always is one, behind those that receive
parameters, where these have no types. Code of one function lies in one piece, and the next one
follows.

Sources: php-src, `ext/opcache/jit/zend_jit.c` (`zend_jit_init`, `zend_jit_op_array`),
`Zend/zend_compile.h` (`zend_op_array`, `zend_op`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.php import INSTRUCTION, MOST_INSTRUCTIONS, Opcache, Traces, text_of
from mtedbg.decode.jits.php_stubs import Stub, stubs_in
from mtedbg.decode.jits.words import HoleError, at_most, damaged
from mtedbg.model.absent import Absent, Reason

MOST_ENTRIES = 1 << 16
MOST_PARAMETERS = 1 << 8
_WORD = 8
_USER = 2
"""The type of a function that is written in PHP."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a JIT's buffer for code holds.

    Attributes:
        start: its first address, of the stubs.
        stubs: where they end.
        end: of what has been compiled so far.
    """

    start: int
    stubs: int
    end: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A function that was compiled whole.

    Attributes:
        start: the first address of its code.
        end: one past what may be its code: the next one begins there, or nothing is there yet.
        name: empty of the code of a file itself.
        file: where it is written.
        line: its first one.
        entries: where it is entered, and the lines of the instructions that begin there.
    """

    start: int
    end: int
    name: str
    file: str
    line: int
    entries: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Function:
    """Instructions in [begin, end) of the function at `address`."""

    address: int
    begin: int
    end: int


class Functions:
    """The functions of a process that were compiled whole.

    Args:
        of: its opcache; the JIT's buffer may be in memory for code that opcache's is in front of.
        traces: those of the process, which are no functions.
    """

    def __init__(self, of: Opcache, traces: Traces) -> None:
        self._opcache = of
        self._known_traces = traces
        self.is_cut = False
        """Whether not all memory was searched."""

    @cached_property
    def _traces(self) -> frozenset[int]:
        """Where traces begin.

        Raises:
            HoleError: as `Traces.all`: what is no trace is not known then.
        """
        return frozenset(one.start for one in self._known_traces.all)

    @cached_property
    def filled(self) -> Filled:
        """What the buffer holds.

        Raises:
            HoleError: it does not say so: it may be somebody else's, as PCRE's.
        """
        words, why = (
            self._opcache.words,
            Absent(Reason.UNKNOWN, "no memory for code says what it holds"),
        )
        for start, end in self._opcache.code:
            try:
                filled, stubs = map(words.strip, words.words(end - 16, 2))
            except HoleError as hole:
                why = hole.why
                continue
            if start < stubs <= filled <= end:
                return Filled(start, stubs, filled)
        raise HoleError(why)

    @cached_property
    def stubs(self) -> tuple[Stub, ...]:
        """The stubs that the buffer begins with.

        Raises:
            HoleError: as `filled`, and as `stubs_in`.
        """
        filled = self.filled
        words, names = self._opcache.words, self._opcache.layout.stubs
        return stubs_in(words, names, filled.start, filled.stubs, filled.end)

    def at(self, pc: int) -> Compiled | None:
        """The function whose code holds `pc`.

        Raises:
            HoleError: as `filled`, or its record is not there.
        """
        if not self.filled.stubs <= pc < self.filled.end:
            return None
        entries = self._entries
        count = at_most(len(entries), lambda number: entries[number][0], pc)
        if not count or any(entries[count - 1][0] < one <= pc for one in self._traces):
            return None
        function = self._of(entries[count - 1][1])
        return None if function is None else self._compiled(function)

    @property
    def all(self) -> Iterator[Compiled]:
        """All of them, in the order of their code.

        Raises:
            HoleError: as `filled`.
        """
        seen: set[int] = set()
        for _, at in self._entries:
            function = self._of(at)
            if function is not None and function.address not in seen:
                seen.add(function.address)
                try:
                    yield self._compiled(function)
                except HoleError:
                    continue

    @cached_property
    def _entries(self) -> list[tuple[int, int]]:
        """Where code is entered, in ascending order, and the instructions whose handlers these are.

        Raises:
            HoleError: as `filled`.
        """
        low, high = self.filled.stubs, self.filled.end
        found: list[tuple[int, int]] = []
        for start, data in self._pieces():
            for at, handler in _words_in(data, low, high):
                if len(found) >= MOST_ENTRIES:
                    limit = f"more than {MOST_ENTRIES} instructions have code"
                    raise HoleError(Absent(Reason.UNKNOWN, limit))
                if handler not in self._traces:
                    found.append((handler, start + at))
        return sorted(found)

    @cached_property
    def _functions(self) -> list[_Function]:
        """In the order of their instructions.

        Raises:
            HoleError: as `filled`.
        """
        firsts = {first for _, at in self._entries for first in self._firsts(at)}
        found = []
        for start, data in self._pieces() if firsts else ():
            words = memoryview(data[: len(data) // _WORD * _WORD]).cast("Q")
            for number, word in enumerate(words):
                if word in firsts:
                    one = self._function(start + number * _WORD - self._opcache.layout.instructions)
                    if one is not None:
                        found.append(one)
        return sorted(found, key=lambda one: one.begin)

    def _firsts(self, instruction: int) -> Iterator[int]:
        """Where a function may begin whose code is entered for an instruction."""
        layout, words = self._opcache.layout, self._opcache.words
        yield instruction
        with suppress(HoleError):
            for _ in range(MOST_PARAMETERS):
                instruction -= INSTRUCTION
                if words.number(instruction + layout.opcode, 1) != layout.receive:
                    return
                yield instruction

    def _function(self, address: int) -> _Function | None:
        """The function at `address`; None where none is."""
        layout, words = self._opcache.layout, self._opcache.words
        try:
            if words.number(address, 1) != _USER:
                return None
            count = words.number(address + layout.count)
            if not 0 < count <= MOST_INSTRUCTIONS:
                return None
            begin = words.pointer(address + layout.instructions)
            self._place(address)
        except HoleError:
            return None
        return _Function(address, begin, begin + count * INSTRUCTION)

    def _of(self, instruction: int) -> _Function | None:
        """The function that has an instruction."""
        known = self._functions
        count = at_most(len(known), lambda number: known[number].begin, instruction)
        if not count or instruction >= known[count - 1].end:
            return None
        found = known[count - 1]
        return None if (instruction - found.begin) % INSTRUCTION else found

    @cached_property
    def _own(self) -> dict[int, list[int]]:
        """By address of a function, which of the entries are its own."""
        found: dict[int, list[int]] = {}
        for number, (_, at) in enumerate(self._entries):
            function = self._of(at)
            if function is not None:
                found.setdefault(function.address, []).append(number)
        return found

    @cached_property
    def _begins(self) -> list[int]:
        """Where code of something begins, and where all of it ends, in ascending order."""
        return sorted([*(code for code, _ in self._entries), *self._traces, self.filled.end])

    def _compiled(self, function: _Function) -> Compiled:
        own = self._own[function.address]
        # Entries of others between its own would be code of two functions in one another.
        if own[-1] - own[0] >= len(own):
            raise damaged(f"the code of the function at {function.address:#x} is not in one piece")
        lines: dict[int, set[int]] = {}
        for number in own:
            code, at = self._entries[number]
            lines.setdefault(code, set()).add(self._line(at))
        start, last = min(lines), max(lines)
        end = self._begins[bisect_right(self._begins, last)]
        name, file, line = self._place(function.address)
        told = {code: of.pop() for code, of in lines.items() if len(of) == 1}
        return Compiled(start, end, name, file, line, told)

    def _line(self, instruction: int) -> int:
        return self._opcache.words.number(instruction + self._opcache.layout.line)

    def _place(self, address: int) -> tuple[str, str, int]:
        layout, words = self._opcache.layout, self._opcache.words
        name = words.pointer(address + layout.name)
        return (
            text_of(words, name) if name else "",
            text_of(words, words.pointer(address + layout.file)),
            words.number(address + layout.first_line),
        )

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """Opcache's memory, what there is of it."""
        left = self._opcache.most
        for start, end in self._opcache.shared:
            there = 0
            for piece, data in self._opcache.words.pieces(start, min(end, start + left)):
                there += len(data)
                if data.count(0) < len(data):
                    yield piece, data
            self.is_cut |= there < end - start
            left -= min(left, end - start)


def _words_in(data: bytes, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The aligned words in [low, high), which are near each other, and their places."""
    for upper in range(low >> 24, (high - 1 >> 24) + 1) if low < high else ():
        ending = re.escape((upper << 24).to_bytes(_WORD, "little")[3:])
        for match in re.finditer(ending, data):
            at = match.start() - 3
            if at >= 0 and at % _WORD == 0:
                word = int.from_bytes(data[at : at + _WORD], "little")
                if low <= word < high:
                    yield at, word
