"""V8's WebAssembly code, by its address: which function it is, and of which module.

A `WasmCode` in the C++ heap has the address of its first instruction; the module that it points to
has the bytes which were compiled. Such objects are looked for by those addresses. One is believed
where its module has such bytes, its function is one of theirs, and its parts fit into each other.

Sources: V8, src/wasm/wasm-code-manager.h (`WasmCode`, `NativeModule`), src/wasm/wasm-tier.h.
"""

from __future__ import annotations

import struct

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import CodePointers, CodeRecords
from mtedbg.decode.jits.v8 import inlined_call, positions_in, script_position
from mtedbg.decode.jits.words import HoleError
from mtedbg.formats.wasm import MAGIC, WasmModule, wasm_module

_WORD = 8
_LOWEST = 1 << 24
"""No object is at a lower address."""
_LARGEST = 1 << 26
_LARGEST_MODULE = 1 << 26
_MODULE_SIZE = 0x200
_NO_FUNCTION = 0xFFFF_FFFF
_KINDS = ("function", "wasm-to-C wrapper", "wasm-to-js wrapper", "jump table")
_KIND_BITS, _POSITIONS, _INLINED = 2, 2, 3
_CALL = struct.Struct("<IBQ")
"""Of a call that was replaced: by which function, whether it was in tail position, and where."""
_DEEPEST = 64
_TIERS = {1: "liftoff", 2: "turbofan"}


@dataclass(frozen=True, slots=True)
class WasmForm:
    """Where things are in a `WasmCode`, in bytes; it begins with its module and its instructions.

    Attributes:
        meta: of the address of its tables.
        size: of its number of bytes, four bytes; the sizes of those tables follow, of which the
            second is that of positions, the third that of inlined calls.
        before: which of these tables lie before the table of positions, by the place of their
            sizes.
        index: of the function's number.
        flags: of a byte with kind and tier.
    """

    meta: int
    size: int
    before: tuple[int, ...]
    index: int
    flags: int

    @property
    def sizes(self) -> int:
        """How many sizes there are: the function's number follows them."""
        return (self.index - self.size) // 4

    @property
    def whole(self) -> int:
        """Bytes of it that are read."""
        return self.flags + 1


FORMS = {
    (11, 3): WasmForm(16, 24, (1, 4), 44, 80),
    (12, 4): WasmForm(16, 24, (1, 4), 44, 80),
    (13, 6): WasmForm(24, 32, (1, 5), 56, 96),
}
"""By V8's version, as `v8.FORMS`."""


@dataclass(frozen=True, slots=True)
class WasmCode:
    """A piece of code in [start, end).

    Attributes:
        start: its first instruction.
        end: one past the last.
        kind: "function", "jump table", or a wrapper.
        tier: the compiler that made it: "liftoff" or "turbofan"; empty where that says nothing.
        index: of the function in its module; None where it is of none.
        module: the module that was compiled.
        positions: address and size of its table of positions.
        inlined: address and size of its table of calls that were replaced by what they call.
    """

    start: int
    end: int
    kind: str
    tier: str
    index: int | None
    module: WasmModule
    positions: tuple[int, int]
    inlined: tuple[int, int]

    @property
    def name(self) -> str:
        """The function's; what it is where it is none's."""
        if self.index is None:
            return self.kind
        name = self.module.function_name(self.index)
        return name if self.kind == _KINDS[0] else f"{self.kind} of {name}"


class V8Wasm(CodeRecords[WasmCode]):
    """The WebAssembly code of a process.

    Args:
        searched: memory of the process.
        form: of the version.

    Attributes:
        form: the same.
    """

    def __init__(self, searched: CodePointers, form: WasmForm) -> None:
        super().__init__(searched, _WORD, form.whole)
        self.form = form
        self._modules: dict[int, WasmModule | None] = {}

    def places(self, code: WasmCode, pc: int) -> list[tuple[int, int]]:
        """The functions that an instruction is of, and where in the module's bytes it is in each.

        Returns:
            The innermost first, the last is the function that was compiled; nothing where it is
            not told.
        """
        try:
            table = self._words.bytes(*code.positions)
            raw = None
            for offset, position in positions_in(table, code.positions[0]):
                if offset > pc - code.start:
                    break
                raw = position
            return self._stack(code, raw)
        except HoleError:
            return []

    def _stack(self, code: WasmCode, raw: int | None) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for _ in range(_DEEPEST):
            call = inlined_call(raw or 0)
            index, outer = code.index, None
            if call:
                at = (call - 1) * _CALL.size
                if at + _CALL.size > code.inlined[1]:
                    return []
                index, _, outer = _CALL.unpack(self._words.bytes(code.inlined[0] + at, _CALL.size))
            place = None if index is None else _in_module(code.module, index, script_position(raw))
            if index is None or place is None:
                return []
            found.append((index, place))
            if not call:
                return found
            raw = outer
        return []

    def _span(self, data: bytes) -> tuple[int, int] | None:
        (start,) = struct.unpack_from("<Q", data, _WORD)
        (size,) = struct.unpack_from("<I", data, self.form.size)
        return None if size > _LARGEST else (start, size)

    def _read(self, at: int) -> WasmCode | None:
        """The code of a `WasmCode` at `at`; None where none is."""
        form = self.form
        try:
            data = self._words.bytes(at, form.whole)
            native, start = (self._words.strip(one) for one in struct.unpack_from("<QQ", data))
            meta = self._words.strip(struct.unpack_from("<Q", data, form.meta)[0])
            module = self._module(native)
        except HoleError:
            return None
        if module is None:
            return None
        sizes = struct.unpack_from(f"<{form.sizes}I", data, form.size)
        (index,) = struct.unpack_from("<I", data, form.index)
        flags = data[form.flags]
        kind = flags & ((1 << _KIND_BITS) - 1)
        if kind >= len(_KINDS) or (index != _NO_FUNCTION and index >= module.count):
            return None
        if max(sizes[1:]) > _LARGEST:
            return None
        table = meta + sum(sizes[one] for one in form.before)
        return WasmCode(
            start,
            start + sizes[0],
            _KINDS[kind],
            _TIERS.get(flags >> _KIND_BITS & 3, "") if not kind else "",
            None if index == _NO_FUNCTION else index,
            module,
            (table, sizes[_POSITIONS]),
            (table + sizes[_POSITIONS], sizes[_INLINED]),
        )

    def _module(self, native: int) -> WasmModule | None:
        """The module that a `NativeModule` was made of, by the one vector of bytes that it has."""
        if native % _WORD or not native:
            return None
        if native not in self._modules:
            self._modules[native] = None
            for vector in self._words.words(native, _MODULE_SIZE // _WORD):
                found = self._module_in(self._words.strip(vector))
                if found is not None:
                    self._modules[native] = found
                    break
        return self._modules[native]

    def _module_in(self, vector: int) -> WasmModule | None:
        if vector % _WORD or vector < _LOWEST:
            return None
        try:
            data, size = self._words.words(vector, 2)
            if not len(MAGIC) <= size <= _LARGEST_MODULE:
                return None
            if self._words.bytes(data, len(MAGIC)) != MAGIC:
                return None
            return wasm_module(self._words.bytes(data, size))
        except HoleError:
            return None


def _in_module(module: WasmModule, index: int, position: int | None) -> int | None:
    """Where in a module's bytes a position in one of its functions is."""
    if position is None or not module.imported <= index < module.count:
        return None
    begin, end = module.bodies[index - module.imported]
    return begin + position if begin + position < end else None
