"""V8's functions, by the constants that it exports for debuggers (`v8dbg_*`).

They say where fields are, which types there are, and where a frame has its function. Names of the
constants change with the types of fields, so several are tried. What they do not say this knows by
version (`FORMS`): where the bytecode has its table of positions.

A frame of JavaScript is known by its own contents: its function is an object of the type of
functions, with what functions share, and its context is an object. A script's name, and the line of
a position, come from the script.

Source: V8, tools/gen-postmortem-metadata.py; llnode reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.words import HoleError, Words, at_most, damaged
from mtedbg.model.absent import Absent, Reason

SYMBOL = "v8dbg_SmiShiftSize"
_PREFIX = "v8dbg_"
LONGEST_NAME = 256
LONGEST_SOURCE = 1 << 20
MOST_LINES = 1 << 22
MOST_POSITIONS = 1 << 20
MOST_BYTECODE = 1 << 22
_DEEPEST = 8
"""Strings in strings."""
_LONGEST_NUMBER = 10
"""Bytes of a number in a table of positions: it has 64 bits at the most."""
_SCOPE_SLOTS = 8
_WITH_POSITIONS = 2
_MOST_LOCALS = 1 << 12
_MOST_ARGUMENTS = 1 << 16
_LOWEST = 1 << 16
_POSITION = (1 << 30) - 1
_INLINED = (1 << 16) - 1
_INLINED_BITS = 31
_ENTRY = -1
"""The offset of a function's entry, before its bytecode: tables begin there."""

CODE = ("stream type", "code type", "baseline")
"""What code objects are known by: without these they are not looked for."""
INLINING = ("inlining positions", "literals")
"""Where code says which functions were inlined into it."""
_WANTED: dict[str, tuple[str, ...]] = {
    "smi shift": ("SmiShiftSize",),
    "tag": ("HeapObjectTag",),
    "tag mask": ("HeapObjectTagMask",),
    "function in frame": ("off_fp_function",),
    "context in frame": ("off_fp_context",),
    "bytecode in frame": ("off_fp_bytecode_array",),
    "offset in frame": ("off_fp_bytecode_offset",),
    "map": ("class_HeapObject__map__Map",),
    "type": ("class_Map__instance_type__uint16_t",),
    "first function": ("FirstJSFunctionType", "type_JSFunction__JS_FUNCTION_TYPE"),
    "last function": ("LastJSFunctionType", "type_JSFunction__JS_FUNCTION_TYPE"),
    "bytecode type": ("type_BytecodeArray__BYTECODE_ARRAY_TYPE",),
    "shared type": ("type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE",),
    "script type": ("type_Script__SCRIPT_TYPE",),
    "shared": ("class_JSFunction__shared__SharedFunctionInfo",),
    "name": (
        "class_SharedFunctionInfo__name_or_scope_info__Object",
        "class_SharedFunctionInfo__name_or_scope_info__Tagged_NameOrScopeInfoT_",
        "class_SharedFunctionInfo__name_or_scope_info__Tagged_Object_",
    ),
    "script": (
        "class_SharedFunctionInfo__script_or_debug_info__HeapObject",
        "class_SharedFunctionInfo__script__Tagged_HeapObject_",
        "class_SharedFunctionInfo__raw_script__Tagged_Object_",
    ),
    "script name": ("class_Script__name__Object",),
    "source": ("class_Script__source__Object",),
    "line ends": ("class_Script__line_ends__Object",),
    "not a string": ("FirstNonstringType",),
    "representation": ("StringRepresentationMask",),
    "encoding": ("StringEncodingMask",),
    "one byte": ("OneByteStringTag",),
    "sequential": ("SeqStringTag",),
    "cons": ("ConsStringTag",),
    "thin": ("ThinStringTag",),
    "length": ("class_String__length__int32_t",),
    "characters": ("class_SeqOneByteString__chars__char",),
    "first half": ("class_ConsString__first__String",),
    "second half": ("class_ConsString__second__String",),
    "whole": ("class_ThinString__actual__String",),
    "array length": ("class_FixedArrayBase__length__SMI",),
    "array data": ("class_FixedArray__data__uintptr_t",),
    "bytecode data": ("class_BytecodeArray__data__uintptr_t",),
    "stream type": ("type_InstructionStream__INSTRUCTION_STREAM_TYPE",),
    "code type": ("type_Code__CODE_TYPE",),
    "baseline": ("CodeKindBaseline",),
    "locals": ("scopeinfo_idx_ncontextlocals",),
    "first local": ("scopeinfo_idx_first_vars",),
    "inlining positions": ("DeoptimizationDataInliningPositionsIndex",),
    "literals": ("DeoptimizationDataLiteralArrayIndex",),
}
_MAY_LACK = frozenset(("thin", "whole", *CODE, *INLINING))


@dataclass(frozen=True, slots=True)
class Form:
    """What a version does not export.

    Attributes:
        name: of the version, for people.
        positions: where bytecode has its table of positions.
    """

    name: str
    positions: int


FORMS = {
    (10, 2): Form("node 18", 32),
    (11, 3): Form("node 20", 32),
    (12, 4): Form("node 22", 24),
    (13, 6): Form("node 24", 24),
}
"""By V8's version: major and minor."""
LIBRARIES = {108: (10, 2), 115: (11, 3), 127: (12, 4), 137: (13, 6)}
"""V8's version by the number in the name of node's library, libnode.so.115."""
_VERSION = tuple(f"_ZN2v88internal7Version6{part}_E" for part in ("major", "minor"))


def version_of(words: Words, symbol: Callable[[str], int | Absent]) -> tuple[int, int] | None:
    """V8's version, as it exports it; None where it does not.

    Args:
        words: memory of the process.
        symbol: the address of a symbol that V8 exports.
    """
    found = []
    for name in _VERSION:
        address = symbol(name)
        if isinstance(address, Absent):
            return None
        with suppress(HoleError):
            found.append(words.number(address))
    return (found[0], found[1]) if len(found) == len(_VERSION) else None


@dataclass(frozen=True, slots=True)
class JsFunction:
    """A function, and where in it a frame is.

    Attributes:
        name: empty where it has none.
        script: its name.
        line: of the frame where it is known, else 0.
        start_line: where the function begins; 0 where that is not known.
    """

    name: str
    script: str
    line: int = 0
    start_line: int = 0


def script_position(raw: int | None) -> int | None:
    """The position in the script; None where there is none, or it is of another language.

    Source: V8, src/codegen/source-position.h: a bit for other languages, then 30 bits.
    """
    if raw is None or raw & 1:
        return None
    position = (raw >> 1 & _POSITION) - 1
    return position if position >= 0 else None


def inlined_call(raw: int) -> int:
    """Which call that was replaced a position is in, from 1; 0 where it is in none.

    Source: as of `script_position`.
    """
    return raw >> _INLINED_BITS & _INLINED


class V8:
    """The functions of a process.

    Args:
        words: its memory.
        symbol: the address of a symbol that the library exports.
        form: of the version.

    Attributes:
        words: the same.
        known: the constants, by what they say.

    Raises:
        HoleError: the constants cannot be read, or one that is needed is not there.
    """

    def __init__(
        self, words: Words, symbol: Callable[[str], int | Absent], form: Form | None
    ) -> None:
        self.words = words
        self._form = form
        self.known: dict[str, int] = {}
        for key, names in _WANTED.items():
            found = self._constant(symbol, names)
            if found is not None:
                self.known[key] = found
            elif key not in _MAY_LACK:
                raise HoleError(Absent(Reason.UNKNOWN_VERSION, f"it does not export {names[0]}"))
        if self.known["smi shift"] != 31:
            raise HoleError(Absent(Reason.UNKNOWN_VERSION, "its pointers are compressed"))

    def _constant(
        self, symbol: Callable[[str], int | Absent], names: tuple[str, ...]
    ) -> int | None:
        for name in names:
            address = symbol(_PREFIX + name)
            if not isinstance(address, Absent):
                value = self.words.number(address)
                return value - (1 << 32) if value >> 31 else value
        return None

    def over(self, words: Words) -> V8:
        """The same layout, for other memory of the same process."""
        other = copy(self)
        other.words = words
        return other

    def function_in(self, frame: int) -> JsFunction | None:
        """The function whose frame it is; None where it is no frame of JavaScript.

        Args:
            frame: address of its frame record.
        """
        shared = self.shared_in(frame)
        return None if shared is None else self.described(shared, frame)

    def shared_in(self, frame: int) -> int | None:
        """What functions share of the one whose frame it is; None where none's.

        Args:
            frame: address of its frame record.
        """
        known = self.known
        try:
            function = self.object_at(self.words.word(frame + known["function in frame"]))
            context = self.object_at(self.words.word(frame + known["context in frame"]))
            if function is None or context is None:
                return None
            if not known["first function"] <= self.type_of(function) <= known["last function"]:
                return None
            arguments = self.words.word(frame + known["function in frame"] - 8)
            self.type_of(context)
            shared = self.object_at(self.words.word(function + known["shared"]))
            if shared is None or self.type_of(shared) != known["shared type"]:
                return None
            if arguments >= _MOST_ARGUMENTS:
                return None
        except HoleError:
            return None
        return shared

    def described(
        self, shared: int, frame: int | None = None, position: int | None = None
    ) -> JsFunction:
        """What is said of a function.

        Args:
            shared: address of what functions share.
            frame: a frame of it, for the line that it is at; None where only the function is known.
            position: in its script, where it is known without a frame.
        """
        name, start = "", None
        script_name, line, start_line = "", 0, 0
        with suppress(HoleError):
            name, start = self._name(shared)
        with suppress(HoleError):
            script = self.object_at(self.words.word(shared + self.known["script"]))
            if script is not None and self.type_of(script) == self.known["script type"]:
                script_name = self._string(self.words.word(script + self.known["script name"]))
                if start is not None:
                    start_line = self._line(script, start)
                if position is None and frame is not None:
                    position = self._position(frame)
                if position is not None:
                    line = self._line(script, position)
        return JsFunction(name, script_name, line, start_line)

    # Values and objects.

    def object_at(self, value: int) -> int | None:
        """The address of an object; None of what is none."""
        if value & self.known["tag mask"] != self.known["tag"]:
            return None
        address = self.words.strip(value) - self.known["tag"]
        return address if address >= _LOWEST else None

    def _small(self, value: int) -> int | None:
        """A small integer; None of what is none."""
        if value & 1:
            return None
        number = value >> 32
        return number - (1 << 32) if number >> 31 else number

    def type_of(self, address: int) -> int:
        """The type of the object at `address`.

        Raises:
            HoleError: none is there.
        """
        held = self.object_at(self.words.word(address + self.known["map"]))
        if held is None:
            raise damaged(f"the object at {address:#x}")
        return self.words.number(held + self.known["type"], 2)

    def _is_string(self, value: int) -> bool:
        address = self.object_at(value)
        return address is not None and self.type_of(address) < self.known["not a string"]

    def _string(self, value: int, most: int = LONGEST_NAME, depth: int = 0) -> str:
        """The text of a string, its first `most` characters; empty of what is none."""
        known, address = self.known, self.object_at(value)
        if address is None or depth > _DEEPEST or most <= 0:
            return ""
        kind = self.type_of(address)
        if kind >= known["not a string"]:
            return ""
        length = min(self.words.number(address + known["length"]), most)
        representation = kind & known["representation"]
        if representation == known["sequential"]:
            narrow = kind & known["encoding"] == known["one byte"]
            data = self.words.bytes(address + known["characters"], length if narrow else 2 * length)
            return data.decode("latin-1" if narrow else "utf-16-le", "replace")
        if representation == known["cons"]:
            text = ""
            for half in (known["first half"], known["second half"]):
                inner = self.words.word(address + half)
                text += self._string(inner, most - len(text), depth + 1)
            return text
        if representation == known.get("thin"):
            return self._string(self.words.word(address + known["whole"]), most, depth + 1)
        return ""

    # Functions and scripts.

    def _name(self, shared: int) -> tuple[str, int | None]:
        """The name of a function, and where in its script it begins."""
        value = self.words.word(shared + self.known["name"])
        if self._is_string(value):
            return self._string(value), None
        scope = self.object_at(value)
        if scope is None:
            return "", None
        local_count = self._small(self.words.word(scope + 8 * (self.known["locals"] + 1)))
        if local_count is None or not 0 <= local_count < _MOST_LOCALS:
            return "", None
        first = self.known["first local"]
        at = scope + 8 * (first + 1 + 2 * local_count)
        slots = self.words.words(at, _SCOPE_SLOTS)
        name, start = "", None
        if first - self.known["locals"] > _WITH_POSITIONS:  # they are between these two
            start = self._small(self.words.word(scope + 8 * (first - 1)))
            name = next((text for slot in slots if (text := self._string(slot))), "")
            return name, start
        for number, slot in enumerate(slots):
            if not name and self._is_string(slot):
                name = self._string(slot)
            small = self._small(slot)
            following = self._small(slots[number + 1]) if number + 1 < len(slots) else None
            if number and small is not None and following is not None and 0 <= small < following:
                start = small
                break
        return name, start

    def _line(self, script: int, position: int) -> int:
        """The line, from 1, of a position in a script; 0 where it cannot be told."""
        if position < 0:
            return 0
        ends = self.object_at(self.words.word(script + self.known["line ends"]))
        if ends is not None:
            count = self._small(self.words.word(ends + self.known["array length"]))
            if count is not None and 0 < count <= MOST_LINES:
                data = ends + self.known["array data"]

                def end(number: int) -> int:
                    return self.words.word(data + 8 * number) >> 32

                return at_most(count, end, position - 1) + 1
        text = self._string(
            self.words.word(script + self.known["source"]), min(position, LONGEST_SOURCE)
        )
        return text.count("\n") + 1 if len(text) == position else 0

    def _position(self, frame: int) -> int | None:
        """Where in its script a frame of the interpreter is; None of other frames."""
        known = self.known
        bytecode = self.object_at(self.words.word(frame + known["bytecode in frame"]))
        if self._form is None or bytecode is None:
            return None
        if self.type_of(bytecode) != known["bytecode type"]:
            return None
        offset = self._small(self.words.word(frame + known["offset in frame"]))
        size = self._small(self.words.word(bytecode + known["array length"]))
        if offset is None or size is None:
            return None
        offset -= known["bytecode data"] - known["tag"]
        return self.position_of(bytecode, offset) if 0 <= offset < size else None

    def bytecode(self, value: int) -> tuple[int, bytes] | None:
        """Where bytecode is, and its instructions; None of what is none."""
        address = self.object_at(value)
        if address is None or self.type_of(address) != self.known["bytecode type"]:
            return None
        size = self._small(self.words.word(address + self.known["array length"]))
        if size is None or not 0 < size <= MOST_BYTECODE:
            return None
        return address, self.words.bytes(address + self.known["bytecode data"], size)

    def position_of(self, bytecode: int, offset: int) -> int | None:
        """Where in its script an instruction of bytecode is; None where that is not known."""
        if self._form is None:
            return None
        table = self.object_at(self.words.word(bytecode + self._form.positions))
        return None if table is None else script_position(self.raw_position(table, offset))

    def raw_position(self, table: int, offset: int) -> int | None:
        """What a table of positions has of an offset: its last entry at or before it."""
        found = None
        for code, raw in self._positions(table):
            if code > offset:
                break
            found = raw
        return found

    def _positions(self, table: int) -> Iterator[tuple[int, int]]:
        count = self._small(self.words.word(table + self.known["array length"]))
        if count is None or not 0 <= count <= MOST_POSITIONS:
            return iter(())
        return positions_in(self.words.bytes(table + self.known["array data"], count), table)


def positions_in(data: bytes, table: int) -> Iterator[tuple[int, int]]:
    """Offsets of code in ascending order, and what is said of their positions.

    Source: V8, src/codegen/source-position-table.cc: two numbers an entry, digits of seven bits,
    the least first, the sign in the lowest bit.

    Args:
        data: a table of positions.
        table: where it is, for what is said of a damaged one.

    Raises:
        HoleError: it is damaged.
    """
    at, code, position = 0, _ENTRY, 0

    def number() -> int:
        nonlocal at
        total = 0
        for digit, byte in enumerate(data[at : at + _LONGEST_NUMBER]):
            total |= (byte & 0x7F) << (7 * digit)
            if byte < 0x80:
                at += digit + 1
                return (total >> 1) ^ -(total & 1)
        raise damaged(f"the table of positions at {table:#x}")

    while at < len(data):
        step = number()
        code += step if step >= 0 else -step - 1
        position += number()
        yield code, position
