"""The root itself: 88 bytes of fixed layout, validated whole, as hostile input.

Source: `struct mtedbg_root` in `native/include/mtedbg/debug_root.h`.
"""

from __future__ import annotations

import zlib

from mtedbg.dataclass import dataclass
from mtedbg.errors import LayoutError
from mtedbg.layout.root_bytes import CHECKED, MAGIC, SIZE, STRUCT
from mtedbg.layout.schema import MAX_SIZE, Schema, parse_schema
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import strip
from mtedbg.model.runtime import RuntimeState
from mtedbg.target import Target

ABI_MAJOR = 1
_ENDIAN = 0x01020304
_MAX_NAMED = 256
_MAX_NAME = 128
_STATES = tuple(RuntimeState)

_VERSION_STEP = "use the mtedbg that belongs to this runtime"


@dataclass(frozen=True, slots=True)
class Root:
    """A root that passed every check.

    Attributes:
        address: where it is.
        name: of the runtime, for messages.
        state: a `RuntimeState`, or one that is not known here.
        next: address of the next root, 0 at the end.
        named: address of the array of named roots.
        named_count: how many there are.
        schema: the parsed schema; None where the root describes nothing: nobody has written it
            yet, or it is the head of a list.
    """

    address: int
    name: str
    state: str
    next: int
    named: int
    named_count: int
    schema: Schema | None


def read_root(target: Target, address: int) -> Root:
    """The root at `address`.

    Raises:
        LayoutError: it cannot be read, is damaged, or of a version that this does not know.
    """
    try:
        return _read(target, address)
    except LayoutError as error:
        raise LayoutError(f"debug root at {address:#x}: {error.message}", error.next_step) from None


def _read(target: Target, address: int) -> Root:
    address = strip(address)
    data = target.read_memory(address, SIZE)
    if isinstance(data, Absent):
        raise LayoutError(f"cannot be read: {data}")
    (magic, size, major, minor, endian, schema_size, own, schema, named, named_count, schema_sum,
     name, name_length, checksum, following, state, _) = STRUCT.unpack(data)  # fmt: skip
    unwritten = Root(address, "", RuntimeState.NOT_READY, strip(following), 0, 0, None)
    if not any(data[:CHECKED]):
        return unwritten
    if magic != MAGIC:
        raise LayoutError("the magic does not match")
    if endian != _ENDIAN:
        raise LayoutError("it is not little-endian")
    if not own and not checksum:
        return unwritten
    if major != ABI_MAJOR:
        raise LayoutError(
            f"it is of version {major}.{minor}, this reads {ABI_MAJOR}.x", _VERSION_STEP
        )
    if size < SIZE:
        raise LayoutError(f"its size is {size} bytes, less than {SIZE}")
    if checksum != zlib.crc32(data[:CHECKED]):
        raise LayoutError("the checksum does not match")
    if strip(own) != address:
        raise LayoutError(f"it is a copy of the one at {own:#x}")
    if not schema_size and not named_count:
        return unwritten
    if named_count > _MAX_NAMED:
        raise LayoutError(f"it names {named_count} things, more than {_MAX_NAMED}")
    return Root(
        address,
        _name(target, name, name_length),
        _STATES[state] if state < len(_STATES) else f"unknown ({state})",
        strip(following),
        named,
        named_count,
        _schema(target, schema, schema_size, schema_sum),
    )


def _schema(target: Target, address: int, size: int, checksum: int) -> Schema:
    if not 0 < size <= MAX_SIZE:
        raise LayoutError(f"the schema has {size} bytes, not 1 to {MAX_SIZE}")
    text = target.read_memory(strip(address), size)
    if isinstance(text, Absent):
        raise LayoutError(f"the schema at {address:#x} cannot be read: {text}")
    if zlib.crc32(text) != checksum:
        raise LayoutError("the schema's checksum does not match")
    return parse_schema(text)


def _name(target: Target, address: int, length: int) -> str:
    data = target.read_memory(strip(address), min(length, _MAX_NAME)) if length else b""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
