"""HotSpot's compiled code, by the tables that it exports for the tools of its own.

`libjvm.so` exports where the fields of its structures are (`gHotSpotVMStructs`), the sizes of types
and the values of constants, each with the names as text in the library. So the layout is that of
the process, whatever its version. Of what is not in them this knows one version (`FORMS`): the
frames of the interpreter, and how numbers are compressed.

The code cache has several heaps of segments. A heap's map has a byte a segment: how far back the
block begins, or how far to the one that says so; 255 where there is none. A block is a `CodeBlob`:
compiled code (`nmethod`), adapters, the interpreter, stubs.

Source: OpenJDK, src/hotspot/share/runtime/vmStructs.hpp; the serviceability agent reads the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from copy import copy

from mtedbg.dataclass import dataclass, field
from mtedbg.decode.jits.hotspot_streams import Stream, lines
from mtedbg.decode.jits.words import HoleError, Words, at_most, damaged
from mtedbg.model.absent import Absent, Reason

MOST_FIELDS = 1 << 13
MOST_HEAPS = 16
MOST_HOPS = 1 << 16
MOST_STUBS = 1 << 12
MOST_PLACES = 1 << 20
"""Places in compiled code whose bytecode is recorded."""
LONGEST_INLINED = 32

SYMBOL = "gHotSpotVMStructs"
COMPILED, NATIVE, ADAPTERS = "nmethod", "native nmethod", "I2C/C2I adapters"
"""What HotSpot calls some of its blobs."""
_NO_BLOCK = 0xFF
_MOST_OF_A_FRAME = 1 << 20
_OF_THE_MACHINE = "libjvm.so"

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Abstract_VM_Version": ("_s_vm_release", "_vm_major_version"),
    "AbstractInterpreter": ("_code",),
    "CodeBlob": (
        "_name",
        "_size",
        "_frame_size",
        "_frame_complete_offset",
    ),
    "CodeCache": ("_heaps",),
    "CodeHeap": ("_memory", "_segmap", "_log2_segment_size"),
    "ConstMethod": ("_constants", "_code_size", "_name_index", "_signature_index"),
    "ConstantPool": ("_pool_holder", "_length", "_source_file_name_index"),
    "GrowableArray<int>": ("_data",),
    "GrowableArrayBase": ("_len",),
    "HeapBlock::Header": ("_length", "_used"),
    "InterpreterCodelet": ("_description", "_size"),
    "Klass": ("_name",),
    "Method": ("_constMethod",),
    "PcDesc": ("_pc_offset", "_scope_decode_offset"),
    "StubQueue": ("_stub_buffer", "_queue_begin", "_queue_end"),
    "StubRoutines": ("_call_stub_return_address",),
    "Symbol": ("_length", "_body[0]"),
    "VirtualSpace": ("_low", "_high"),
    "nmethod": (
        "_comp_level",
        "_compile_id",
        "_entry_bci",
        "_scopes_pcs_offset",
        "_state",
    ),
}
"""What is read: types, and their fields."""
_POINTERS: Mapping[str, tuple[str, ...]] = {
    "CodeBlob": ("_code_begin", "_code_end", "_content_begin"),
    "CompiledMethod": ("_method", "_scopes_data_begin"),
    "nmethod": ("_dependencies_offset", "_metadata_offset"),
}
"""What there is besides where a blob has pointers into itself, as up to version 21."""
_OFFSETS: Mapping[str, tuple[str, ...]] = {
    "CodeBlob": (
        "_code_offset",
        "_content_offset",
        "_data_offset",
        "_mutable_data",
        "_relocation_size",
    ),
    "nmethod": ("_method", "_immutable_data", "_scopes_data_offset"),
}
"""Where it has offsets instead, and what compiled code is told of lies elsewhere, as in 25."""
_TYPES = ("ConstMethod", "ConstantPool", "HeapBlock", "InterpreterCodelet", "PcDesc")
_LINES = "ConstMethodFlags::_misc_has_linenumber_table"
_FLAGS = (("_flags._flags", 4, _LINES), ("_flags", 2, "ConstMethod::_has_linenumber_table"))
"""Where a method says that it has lines: the field, its bytes and the flag, as in 21 and in 17."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a version does not export.

    Attributes:
        method: of a frame of the interpreter: its method, bytes from its frame record.
        bytecode: the bytecode that it is at.
        states: of compiled code, by their numbers.
    """

    method: int
    bytecode: int
    states: Mapping[int, str] = field(default_factory=dict)


_STATES = {-1: "not installed", 0: "in use", 1: "not used", 2: "not entrant"}
_NO_ZERO_SINCE = 20
"""The version since which no byte of a compressed number is 0."""
_STATES_17 = _STATES | {3: "zombie", 4: "unloaded"}
FORMS = {
    17: Form(method=-24, bytecode=-72, states=_STATES_17),
    21: Form(method=-24, bytecode=-72, states=_STATES),
    25: Form(method=-24, bytecode=-72, states={-1: "not installed", 0: "in use", 1: "not entrant"}),
}
"""By the major version."""


@dataclass(frozen=True, slots=True)
class JavaPlace:
    """A method, and where in it.

    Attributes:
        name: of class and method, "Main.inner".
        signature: "(J)I".
        file: of its source; empty where the class does not tell.
        bytecode: index of the bytecode; None where it is not known.
        line: of the source; 0 where it is not known.
    """

    name: str
    signature: str
    file: str = ""
    bytecode: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Blob:
    """A piece of code.

    Attributes:
        address: of its record.
        name: as HotSpot calls it: "nmethod", "I2C/C2I adapters", "Interpreter".
        start: first address of its code.
        end: one past the last.
        frame_size: words of its frame on the stack, with the frame record; 0 where it varies.
        frame_complete: bytes of code after which the frame is there.
    """

    address: int
    name: str
    start: int
    end: int
    frame_size: int = 0
    frame_complete: int = 0

    @property
    def is_compiled(self) -> bool:
        """Whether it is of a Java method."""
        return self.name in (COMPILED, NATIVE)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What is known of compiled code.

    Attributes:
        number: of its compilation.
        level: of the compiler: 1 to 3 are C1's, 4 is C2's; 0 has a wrapper of native code.
        state: of its life; empty where the number is not known.
        is_entered_in_a_loop: whether it is entered in the middle of the method.
        places: the method that the code at the PC is of, then those that it is inlined into.
    """

    number: int
    level: int
    state: str
    is_entered_in_a_loop: bool
    places: tuple[JavaPlace, ...]


class HotSpot:
    """The code cache of a process.

    Args:
        words: its memory.
        symbol: the address of a symbol that the library exports.

    Attributes:
        words: the same.
        release: the whole version.
        major: the first number of it.
        offsets: of fields, by type and name.
        heaps: their code from and to, their map from and to, and log2 of a segment.

    Raises:
        HoleError: what it exports cannot be read, or lacks what this needs.
    """

    FIELDS = _FIELDS

    def __init__(self, words: Words, symbol: Callable[[str], int | Absent]) -> None:
        self.words = words
        self._symbol = symbol
        self._texts: dict[int, str] = {}
        self.offsets: dict[tuple[str, str], int] = {}
        self._statics: dict[tuple[str, str], int] = {}
        self._read_fields()
        self._sizes = self._read_types()
        self.release = self._text(
            words.pointer(self._static("Abstract_VM_Version", "_s_vm_release"))
        )
        self.major = words.number(self._static("Abstract_VM_Version", "_vm_major_version"))
        self._has_pointers = ("CodeBlob", "_code_begin") in self.offsets
        lacks = [
            f"{kind}::{name}"
            for part in (self.FIELDS, _POINTERS if self._has_pointers else _OFFSETS)
            for kind, names in part.items()
            for name in names
            if (kind, name) not in self.offsets and (kind, name) not in self._statics
        ]
        lacks += [kind for kind in _TYPES if kind not in self._sizes]
        if lacks:
            what = f"{self.release} does not export {lacks[0]}"
            raise HoleError(Absent(Reason.UNKNOWN_VERSION, what))
        self._form = FORMS.get(self.major)
        self._lowest = 0 if self.major < _NO_ZERO_SINCE else 1
        self.heaps = list(self._found_heaps())
        self._flags = next(
            (one for one in _FLAGS if ("ConstMethod", one[0]) in self.offsets), _FLAGS[0]
        )
        name = self._flags[2]
        self._has_lines = self._constants(name).get(name, 0)

    @property
    def is_known_version(self) -> bool:
        """Whether this was tried with the version."""
        return self._form is not None

    # What the library exports.

    def _exported(self, name: str) -> int:
        found = self._symbol(name)
        if isinstance(found, Absent):
            raise HoleError(Absent(found.reason, f"{name}: {found.detail}".rstrip(": ")))
        return self.words.word(found)

    def _text(self, address: int) -> str:
        if address not in self._texts:
            try:
                self._texts[address] = self.words.text(address, 256) if address else ""
            except HoleError as hole:
                raise HoleError(
                    Absent(hole.why.reason, f"names in {_OF_THE_MACHINE}, which is needed for them")
                ) from None
        return self._texts[address]

    def _entries(self, table: str, fields: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
        """The words of each entry of a table that have these fields, the first of them not 0."""
        prefix = f"gHotSpotVM{table}Entry"
        stride = self._exported(f"{prefix}ArrayStride")
        offsets = [self._exported(f"{prefix}{name}Offset") for name in fields]
        at = self._exported(f"gHotSpotVM{table}s")
        if not 8 <= stride <= 256 or any(offset + 8 > stride for offset in offsets):
            raise damaged(f"the table of {table}s")
        for _ in range(MOST_FIELDS):
            data = self.words.bytes(at, stride)
            found = tuple(struct.unpack_from("<Q", data, offset)[0] for offset in offsets)
            if not found[0]:
                return
            yield found
            at += stride
        raise damaged(f"the table of {table}s does not end")

    def _read_fields(self) -> None:
        fields = ("TypeName", "FieldName", "IsStatic", "Offset", "Address")
        for kind, name, is_static, offset, address in self._entries("Struct", fields):
            kind_name = self._text(kind)
            if kind_name not in self.FIELDS and kind_name not in _POINTERS:
                continue
            key = kind_name, self._text(name)
            if is_static & 0xFFFF_FFFF:
                self._statics[key] = address
            elif offset < 1 << 16:
                self.offsets[key] = offset

    def _read_types(self) -> dict[str, int]:
        entries = self._entries("Type", ("TypeName", "Size"))
        return {name: size for kind, size in entries if (name := self._text(kind)) in _TYPES}

    def _constants(self, *wanted: str) -> dict[str, int]:
        entries = self._entries("IntConstant", ("Name", "Value"))
        return {
            name: value & 0xFFFF_FFFF
            for text, value in entries
            if (name := self._text(text)) in wanted
        }

    def _static(self, kind: str, name: str) -> int:
        if (kind, name) not in self._statics:
            raise HoleError(Absent(Reason.UNKNOWN_VERSION, f"it does not export {kind}::{name}"))
        return self._statics[kind, name]

    def _at(self, address: int, kind: str, name: str) -> int:
        """The address of a field."""
        return address + self.offsets[kind, name]

    def _pointer(self, address: int, kind: str, name: str) -> int:
        return self.words.pointer(self._at(address, kind, name))

    def _number(self, address: int, kind: str, name: str, size: int = 4) -> int:
        return self.words.number(self._at(address, kind, name), size)

    # The code cache.

    def _found_heaps(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Of each heap: its code from and to, its map from and to, and log2 of a segment."""
        words = self.words
        array = words.pointer(self._static("CodeCache", "_heaps"))
        count = self._number(array, "GrowableArrayBase", "_len")
        data = self._pointer(array, "GrowableArray<int>", "_data")
        if not 0 < count <= MOST_HEAPS:
            raise damaged(f"{count} code heaps")
        for heap in words.words(data, count):
            spaces = []
            for name in ("_memory", "_segmap"):
                space = self._at(words.strip(heap), "CodeHeap", name)
                spaces += [self._pointer(space, "VirtualSpace", end) for end in ("_low", "_high")]
            shift = self._number(words.strip(heap), "CodeHeap", "_log2_segment_size")
            if shift > 16 or not spaces[0] <= spaces[1] or not spaces[2] <= spaces[3]:
                raise damaged(f"the code heap at {heap:#x}")
            yield spaces[0], spaces[1], spaces[2], spaces[3], shift

    def in_cache(self, pc: int) -> bool:
        """Whether `pc` is in memory of the code cache."""
        return any(low <= pc < high for low, high, *_ in self.heaps)

    def over(self, words: Words) -> HotSpot:
        """The same layout and heaps, for other memory of the same process."""
        other = copy(self)
        other.words = words
        other._texts = {}
        return other

    def at(self, pc: int) -> Blob | None:
        """The blob whose memory holds `pc`; None where none does.

        Raises:
            HoleError: the code cache cannot be read there.
        """
        for low, high, map_low, map_high, shift in self.heaps:
            if low <= pc < high:
                return self._blob_in(low, map_low, map_high, shift, pc)
        return None

    def _blob_in(self, low: int, map_low: int, map_high: int, shift: int, pc: int) -> Blob | None:
        segment = (pc - low) >> shift
        for _ in range(MOST_HOPS):
            if not map_low <= map_low + segment < map_high:
                raise damaged("the map of the code cache")
            back = self.words.number(map_low + segment, 1)
            if back == _NO_BLOCK:
                return None
            if back == 0:
                return self._blob(low + (segment << shift), pc)
            segment -= back
            if segment < 0:
                raise damaged("the map of the code cache")
        raise damaged("the map of the code cache does not lead to a block")

    def _blob(self, block: int, pc: int) -> Blob | None:
        if not self._number(block, "HeapBlock::Header", "_used", 1):
            return None
        found = self._record(block + self._sizes["HeapBlock"])
        return found if found.address <= pc < found.end else None

    def _record(self, address: int) -> Blob:
        if self._has_pointers:
            content = self._pointer(address, "CodeBlob", "_content_begin")
            start = self._pointer(address, "CodeBlob", "_code_begin")
            end = self._pointer(address, "CodeBlob", "_code_end")
        else:
            content = address + self._number(address, "CodeBlob", "_content_offset")
            start = address + self._number(address, "CodeBlob", "_code_offset")
            end = address + self._number(address, "CodeBlob", "_data_offset")
        size = self._number(address, "CodeBlob", "_size")
        if not address < content <= start <= end <= address + size:
            raise damaged(f"the blob at {address:#x}")
        name = self._text(self._pointer(address, "CodeBlob", "_name"))
        size_of_frame = self._number(address, "CodeBlob", "_frame_size")
        wide = 4 if self._has_pointers else 2
        complete = self._number(address, "CodeBlob", "_frame_complete_offset", wide)
        return Blob(
            address,
            name,
            start,
            end,
            size_of_frame if 2 <= size_of_frame < _MOST_OF_A_FRAME else 0,
            complete if complete < 1 << 15 else 0,
        )

    def blobs(self) -> Iterator[Blob]:
        """All blobs, heap by heap.

        Raises:
            HoleError: the code cache cannot be read.
        """
        header = self._sizes["HeapBlock"]
        used = self.offsets["HeapBlock::Header", "_used"]
        # 25 has made it shorter; what is used follows.
        wide = 4 if used - self.offsets["HeapBlock::Header", "_length"] == 4 else 8
        for low, high, map_low, map_high, shift in self.heaps:
            at = low
            while at < high:
                segment = (at - low) >> shift
                if map_low + segment >= map_high:
                    break
                if self.words.number(map_low + segment, 1) == _NO_BLOCK:
                    break  # behind the last block is memory that was never used
                length = self._number(at, "HeapBlock::Header", "_length", wide)
                if not 0 < length <= (high - low) >> shift:
                    raise damaged(f"the block at {at:#x} of the code cache")
                if self._number(at, "HeapBlock::Header", "_used", 1):
                    yield self._record(at + header)
                at += length << shift

    # Compiled code.

    def compiled(self, blob: Blob, pc: int | None = None) -> Compiled:
        """What compiled code is of.

        Args:
            blob: that `is_compiled`.
            pc: in it: where there is a place recorded, what is inlined there is told.

        Raises:
            HoleError: it cannot be read.
        """
        at = blob.address
        state = self._number(at, "nmethod", "_state", 1)
        states = self._form.states if self._form is not None else {}
        holder = "CompiledMethod" if self._has_pointers else "nmethod"
        method = self._pointer(at, holder, "_method")
        places: tuple[JavaPlace, ...] = ()
        if pc is not None and self._form is not None:
            places = self._places(blob, pc)
        return Compiled(
            self._number(at, "nmethod", "_compile_id"),
            self._number(at, "nmethod", "_comp_level", 1),
            states.get(state - 256 if state > 127 else state, ""),
            self._number(at, "nmethod", "_entry_bci") != 0xFFFF_FFFF,
            places or (self.method(method),),
        )

    def _places(self, blob: Blob, pc: int) -> tuple[JavaPlace, ...]:
        """The methods at `pc`, the innermost first; none where no place is recorded there."""
        at, words = blob.address, self.words
        size = self._sizes["PcDesc"]
        first, end = self._span_of_places(at)
        count = (end - first) // size
        if not 0 <= count <= MOST_PLACES:
            raise damaged(f"the places of the code at {at:#x}")
        offset = pc - blob.start

        def place(number: int) -> int:
            found = words.number(self._at(first + number * size, "PcDesc", "_pc_offset"))
            return found - (1 << 32) if found >> 31 else found

        # The first that is not before the PC: it has the state of what comes before it.
        number = at_most(count, place, offset - 1)
        if number >= count or place(number) != offset:
            return ()
        scope = self._number(first + number * size, "PcDesc", "_scope_decode_offset")
        return tuple(self._scopes(blob, scope))

    def _span_of_places(self, at: int) -> tuple[int, int]:
        """Where the table of places begins and ends."""
        begin = self._number(at, "nmethod", "_scopes_pcs_offset")
        if self._has_pointers:
            return at + begin, at + self._number(at, "nmethod", "_dependencies_offset")
        told = self._pointer(at, "nmethod", "_immutable_data")
        return told + begin, told + self._number(at, "nmethod", "_scopes_data_offset")

    def _told(self, at: int) -> tuple[int, int]:
        """Where the scopes of compiled code are, and the methods that they number."""
        if self._has_pointers:
            data = self._pointer(at, "CompiledMethod", "_scopes_data_begin")
            return data, at + self._number(at, "nmethod", "_metadata_offset")
        data = self._pointer(at, "nmethod", "_immutable_data")
        methods = self._pointer(at, "CodeBlob", "_mutable_data")
        size = self._number(at, "CodeBlob", "_relocation_size")
        return data + self._number(at, "nmethod", "_scopes_data_offset"), methods + (size + 7 & -8)

    def _scopes(self, blob: Blob, scope: int) -> Iterator[JavaPlace]:
        data, metadata = self._told(blob.address)
        for _ in range(LONGEST_INLINED):
            if not scope:
                return
            stream = Stream(self.words, data + scope, self._lowest)
            scope, number, bytecode = stream.number(), stream.number(), stream.number() - 1
            if not 0 < number < 1 << 16:
                raise damaged(f"the scopes of the code at {blob.address:#x}")
            yield self.method(self.words.pointer(metadata + 8 * (number - 1)), bytecode)

    # Methods.

    def method(self, address: int, bytecode: int | None = None) -> JavaPlace:
        """A method, and the line of one of its bytecodes.

        Raises:
            HoleError: it cannot be read.
        """
        method = self._pointer(address, "Method", "_constMethod")
        pool = self._pointer(method, "ConstMethod", "_constants")
        holder = self._pointer(pool, "ConstantPool", "_pool_holder")
        name = self._symbol_text(self._pointer(holder, "Klass", "_name")).replace("/", ".")
        own = self._in_pool(pool, self._number(method, "ConstMethod", "_name_index", 2))
        signature = self._in_pool(pool, self._number(method, "ConstMethod", "_signature_index", 2))
        file, line = "", 0
        source = self._number(pool, "ConstantPool", "_source_file_name_index", 2)
        if 0 < source < self._number(pool, "ConstantPool", "_length"):  # not of method handles
            file = self._in_pool(pool, source)
        if bytecode is not None and bytecode >= 0:
            line = self._line(method, bytecode)
        return JavaPlace(f"{name}.{own}", signature, file, bytecode, line)

    def _line(self, method: int, bytecode: int) -> int:
        name, size, _ = self._flags
        if ("ConstMethod", name) not in self.offsets:
            return 0
        flags = self._number(method, "ConstMethod", name, size)
        if not flags & self._has_lines or self._form is None:
            return 0
        code = method + self._sizes["ConstMethod"]
        size = self._number(method, "ConstMethod", "_code_size", 2)
        line = 0
        for start, one in lines(self.words, code + size, self._lowest):
            if start > bytecode:
                break
            line = one
        return line

    def _in_pool(self, pool: int, index: int) -> str:
        if not 0 < index < self._number(pool, "ConstantPool", "_length"):
            raise damaged(f"entry {index} of the constants at {pool:#x}")
        entry = self.words.pointer(pool + self._sizes["ConstantPool"] + 8 * index)
        return self._symbol_text(entry & ~1)

    def _symbol_text(self, address: int) -> str:
        length = self._number(address, "Symbol", "_length", 2)
        body = self.words.bytes(self._at(address, "Symbol", "_body[0]"), min(length, 1 << 10))
        return body.decode("utf-8", "replace")

    # The interpreter, and stubs.

    def interpreted(self, frame: int) -> JavaPlace | None:
        """The method that a frame of the interpreter runs; None where this version is not known.

        Args:
            frame: address of its frame record.

        Raises:
            HoleError: it is no such frame, or cannot be read.
        """
        if self._form is None:
            return None
        words = self.words
        method = words.pointer(frame + self._form.method)
        at = words.pointer(frame + self._form.bytecode)
        constant = self._pointer(method, "Method", "_constMethod")
        code = constant + self._sizes["ConstMethod"]
        if not code <= at < code + self._number(constant, "ConstMethod", "_code_size", 2):
            raise damaged(f"the interpreter's frame at {frame:#x}")
        return self.method(method, at - code)

    def codelet(self, pc: int) -> tuple[int, int, str] | None:
        """The part of the interpreter that holds `pc`: from, to, what it does.

        Raises:
            HoleError: the interpreter's list of parts cannot be read.
        """
        queue = self.words.pointer(self._static("AbstractInterpreter", "_code"))
        buffer = self._pointer(queue, "StubQueue", "_stub_buffer")
        at = buffer + self._number(queue, "StubQueue", "_queue_begin")
        end = buffer + self._number(queue, "StubQueue", "_queue_end")
        for _ in range(MOST_STUBS):
            if not at <= pc < end:
                return None
            size = self._number(at, "InterpreterCodelet", "_size")
            if not 0 < size <= end - at:
                raise damaged(f"the interpreter's part at {at:#x}")
            if pc < at + size:
                text = self._text(self._pointer(at, "InterpreterCodelet", "_description"))
                return at, at + size, text
            at += size
        return None

    @property
    def call_stub(self) -> int:
        """Where Java code that native code has called returns to.

        Raises:
            HoleError: it cannot be read.
        """
        return self.words.pointer(self._static("StubRoutines", "_call_stub_return_address"))
