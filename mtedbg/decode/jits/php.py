"""PHP's traces: what opcache's JIT has compiled, with the functions and lines that they begin at.

`php_functions.py` has the code of functions that were compiled whole.

The JIT keeps an array of them in opcache's shared memory, whose end is its buffer for code. Nothing
points to the array that has a name; it is found by its first element, and believed where its parts
agree: the code is in the buffer, the instruction in the function, and that has a name and a file.

Sources: php-src, `ext/opcache/jit/zend_jit_internal.h` (`zend_jit_trace_info`),
`Zend/zend_compile.h` (`zend_op_array`, `zend_op`), `Zend/zend_types.h` (`zend_string`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from functools import cached_property

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.php_stubs import STUBS_8_4
from mtedbg.decode.jits.words import HoleError, Words, at_most, damaged
from mtedbg.model.absent import Absent, Reason

MOST_TRACES = 1 << 14
MOST_BYTES, MOST_LIVE = 1 << 28, 1 << 24
"""Bytes that are searched for the array, of a dead process and of a live one."""
_OVERLAP = 8
_LONGEST_NAME = 1 << 10
MOST_INSTRUCTIONS = 1 << 24
INSTRUCTION = 32
_FIRST = re.compile(rb"\x01\0\0\0\x01\0\0\0\0\0\0\0", re.S)
"""Of the first trace: its number, its root, which is itself, and no parent."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, in bytes.

    Attributes:
        size: of a trace's record, which begins with number, root, parent, link, exits, side traces
            and bytes of code, four bytes each.
        function: of a trace's `op_array`; its first instruction and its code follow.
        name: of a function's name.
        count: of the number of its instructions.
        instructions: of their address.
        file: of its file's name.
        line: in an instruction.
        first_line: of the number of a function's first line.
        opcode: in an instruction, of a byte.
        receive: that of the instructions that a function begins with, one for each parameter.
        stubs: the names of the JIT's, in their order.
    """

    size: int
    function: int
    name: int
    count: int
    instructions: int
    file: int
    line: int
    first_line: int
    opcode: int
    receive: int
    stubs: tuple[str, ...]


LAYOUTS = {"20240924": ("8.4", Layout(104, 48, 8, 96, 104, 168, 24, 176, 28, 63, STUBS_8_4))}
"""By the number of the API that extensions are built for: the version, and its layout."""


@dataclass(frozen=True, slots=True)
class Place:
    """A function, and a line of it."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace.

    Attributes:
        number: its own.
        root: the number of the trace that this one is a side of; its own where it is none.
        parent: the trace that it leaves from; 0 of a root.
        link: the trace that it goes on to; 0 where it returns to the interpreter.
        exits: how many.
        start: the first address of its code.
        end: one past the last.
        function: address of the function that it begins in; 0 of a side trace.
        instruction: address of the instruction there.
    """

    number: int
    root: int
    parent: int
    link: int
    exits: int
    start: int
    end: int
    function: int
    instruction: int


@dataclass(frozen=True, slots=True)
class Opcache:
    """What is known of a process's opcache before its records are read.

    Attributes:
        words: the process's memory.
        layout: of its version.
        shared: where opcache's memory is, by first address and one past the last.
        code: where the JIT's buffer is, or may be.
        most: bytes that are searched.
    """

    words: Words
    layout: Layout
    shared: Sequence[tuple[int, int]]
    code: Sequence[tuple[int, int]]
    most: int


class Traces:
    """The traces of a process.

    Args:
        of: its opcache.

    Attributes:
        opcache: the same.
    """

    def __init__(self, of: Opcache) -> None:
        self.opcache = of

    def holds(self, pc: int) -> bool:
        """Whether `pc` is in the JIT's buffer."""
        return any(start <= pc < end for start, end in self.opcache.code)

    @cached_property
    def array(self) -> int | None:
        """The address of the first trace; None where none is found.

        Raises:
            HoleError: not all memory is there, or searched.
        """
        left = self.opcache.most
        for start, end in self.opcache.shared:
            there, before, until = 0, b"", start
            for piece, data in self.opcache.words.pieces(start, min(end, start + left)):
                there += len(data)
                # A record may begin at the end of the piece before.
                joined = before[-_OVERLAP:] if piece == until else b""
                first = piece - len(joined)
                if data.count(0) == len(data):  # most of it, and the slowest to look through
                    before, until = data, piece + len(data)
                    continue
                for match in _FIRST.finditer(joined + data):
                    if match.start() % 8 == 0 and self._is_first(first + match.start()):
                        return first + match.start()
                before, until = data, piece + len(data)
            if there < min(end - start, left):
                raise HoleError(Absent(Reason.NOT_DUMPED, "some of opcache's memory"))
            if left < end - start:
                limit = f"only {self.opcache.most >> 20} MiB of opcache's memory were searched"
                raise HoleError(Absent(Reason.UNKNOWN, limit))
            left -= end - start
        return None

    def _is_first(self, address: int) -> bool:
        try:
            first = self._trace(address)
            return first is not None and self.place(first) is not None
        except HoleError:
            return False

    @cached_property
    def all(self) -> tuple[Trace, ...]:
        """In the order of their numbers, those that have code.

        Raises:
            HoleError: as `array`, or a record is not there.
        """
        first = self.array
        found: list[Trace] = []
        for number in range(MOST_TRACES if first is not None else 0):
            address = (first or 0) + number * self.opcache.layout.size
            try:
                if self.opcache.words.number(address) != number + 1:
                    break
                trace = self._trace(address)
            except HoleError:
                break
            if trace is not None:
                found.append(trace)
        return tuple(found)

    @cached_property
    def _sorted(self) -> list[Trace]:
        return sorted(self.all, key=lambda one: one.start)

    def at(self, pc: int) -> Trace | None:
        """The trace whose code holds `pc`.

        Raises:
            HoleError: as `all`.
        """
        known = self._sorted
        count = at_most(len(known), lambda number: known[number].start, pc)
        return known[count - 1] if count and pc < known[count - 1].end else None

    def _trace(self, address: int) -> Trace | None:
        """The record at `address`; None where it has no code in the buffer."""
        data = self.opcache.words.bytes(address, self.opcache.layout.size)
        number, root, parent, link, exits, _, size = struct.unpack_from("<7I", data)
        pointers = struct.unpack_from("<3Q", data, self.opcache.layout.function)
        function, instruction, start = map(self.opcache.words.strip, pointers)
        if not size or not (self.holds(start) and self.holds(start + size - 1)) or start % 4:
            return None
        if root > number or parent >= number:  # each is made after those that it leaves from
            return None
        return Trace(number, root, parent, link, exits, start, start + size, function, instruction)

    def place(self, trace: Trace) -> Place | None:
        """Where a trace begins; None of one that does not tell, as side traces.

        Raises:
            HoleError: it is not there, or what is there is no function.
        """
        if not trace.function or not trace.instruction:
            return None
        layout, words = self.opcache.layout, self.opcache.words
        count = words.number(trace.function + layout.count)
        first = words.pointer(trace.function + layout.instructions)
        into = trace.instruction - first
        if not 0 < count <= MOST_INSTRUCTIONS or into % INSTRUCTION:
            raise damaged(f"the function of trace {trace.number} has {count} instructions")
        if not 0 <= into < count * INSTRUCTION:
            raise damaged(f"trace {trace.number} begins outside of its function")
        name = words.pointer(trace.function + layout.name)
        return Place(
            text_of(words, name) if name else "",  # the code of a file itself has none
            text_of(words, words.pointer(trace.function + layout.file)),
            words.number(trace.instruction + layout.line),
        )


def text_of(words: Words, address: int) -> str:
    """A `zend_string`: a count, a type, a hash, a length, and as many bytes.

    Raises:
        HoleError: it is not there, or none.
    """
    length = words.word(address + 16)
    if length > _LONGEST_NAME:
        raise damaged(f"a name of {length} bytes at {address:#x}")
    return words.bytes(address + 24, length).decode("utf-8", "replace")
