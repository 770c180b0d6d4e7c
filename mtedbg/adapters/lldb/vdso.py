"""The vDSO as a module of LLDB's: without it no backtrace gets past a signal handler.

LLDB knows the frame below a handler by the name `__kernel_rt_sigreturn` and unwinds it by that
module's call frame information. It loads the vDSO where the server tells of memory regions, which
gdbserver and QEMU's stub do not. Here it is read from memory into a file and added, once a
process, and only to processes that have a debug root.

QEMU's user mode has moved the segments and symbols of its vDSO in memory, but not its sections:
they are moved back. Source: elf(5); kernel, Documentation/ABI/stable/vdso.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import lldb

from mtedbg.adapters.lldb.target import LldbTarget
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent

NAME = "[vdso]"
_MOST = 1 << 18
"""Bytes; Linux has two or three pages."""

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB, _DYNSYM = 2, 11
_MOST_HEADERS = 64


_RETURN = b"__kernel_rt_sigreturn\0"
_WORD = 4


def in_place(data: bytes, base: int) -> bytes:
    """An ELF image whose segments and symbols are at offsets, as they are in a file.

    The symbol that a handler returns to begins an instruction earlier, at the NOP that stands
    before it for unwinders: they look for the call before a return address, and so does LLDB.

    Args:
        data: as it is in memory.
        base: where in memory.
    """
    found = bytearray(data)
    header = _HEADER.unpack_from(found)
    for at in _table(found, header[5], header[9], header[10], _SEGMENT):
        kind, flags, offset, virtual, physical, *sizes = _SEGMENT.unpack_from(found, at)
        virtual, physical = (one - base if one >= base else one for one in (virtual, physical))
        _SEGMENT.pack_into(found, at, kind, flags, offset, virtual, physical, *sizes)
    sections = [
        _SECTION.unpack_from(found, at)
        for at in _table(found, header[6], header[11], header[12], _SECTION)
    ]
    for section in sections:
        whole = section[4] + section[5] <= len(found) and section[6] < len(sections)
        if section[1] in (_SYMTAB, _DYNSYM) and whole:
            names = sections[section[6]][4]
            _move_symbols(found, section[4], section[5] // _SYMBOL.size, names, base)
    return bytes(found)


def _table(
    data: bytes | bytearray, start: int, size: int, count: int, record: struct.Struct
) -> range:
    """Where the headers of a table are; nowhere, where it is not whole or of another form."""
    end = start + min(count, _MOST_HEADERS) * record.size
    return range(start, end, record.size) if size == record.size and end <= len(data) else range(0)


def _move_symbols(data: bytearray, start: int, count: int, names: int, base: int) -> None:
    for at in range(start, start + count * _SYMBOL.size, _SYMBOL.size):
        name, info, other, where, value, size = _SYMBOL.unpack_from(data, at)
        value -= base if value >= base else 0
        if data.startswith(_RETURN, names + name) and value >= _WORD:
            value, size = value - _WORD, size + _WORD
        _SYMBOL.pack_into(data, at, name, info, other, where, value, size)


def add(process: lldb.SBProcess) -> int:
    """Adds the vDSO of a live process to its modules.

    Returns:
        Its address; 0 where it cannot be had, or LLDB has it by itself.
    """
    found = _in_memory(process)
    target = process.GetTarget()
    if found is None or target.ResolveLoadAddress(found[0]).GetModule().IsValid():
        return 0
    base, data = found
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as folder:
        path = Path(folder) / NAME
        path.write_bytes(in_place(data, base))
        module = target.AddModule(str(path), "aarch64", None)
    if not module.IsValid():
        return 0
    target.SetModuleLoadAddress(module, base)
    return base


def _in_memory(process: lldb.SBProcess) -> tuple[int, bytes] | None:
    """Where the vDSO is, and its contents: by what is in it, as QEMU calls it [heap] at times."""
    try:
        source = LldbTarget(process)
        regions = source.regions()
        for region in () if isinstance(regions, Absent) else regions:
            size = region.end - region.start
            if "x" not in region.perms or region.name.startswith("/") or size > _MOST:
                continue
            data = source.read_memory(region.start, size)
            if not isinstance(data, Absent) and data.startswith(b"\x7fELF") and _RETURN in data:
                return region.start, data
    except MtedbgError:
        pass  # a backtrace is the poorer for it, and a stop is not the place to say so
    return None
