"""Capstone, for the text of instructions.

Capstone's Python package defines the registers, operands and instructions of twenty architectures
when it is imported: 30 ms, more than all else that a post-mortem takes. Only text is wanted here,
so its library is called directly where it is the version whose structure is known, and by its
package otherwise.

Source: capstone 5, include/capstone/capstone.h (`cs_insn`, `cs_arch`, `cs_mode`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from importlib.util import find_spec
from posixpath import join
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass

if TYPE_CHECKING:
    import ctypes

_VERSION = 5
_LIBRARIES = ("libcapstone.so", "libcapstone.dylib")


class Machine(Enum):
    """Whose instructions: capstone's numbers of the architecture and the mode."""

    AARCH64 = (1, 0)
    X86_64 = (3, 1 << 3)


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction.

    Attributes:
        address: where it stands.
        size: bytes.
        mnemonic: "ldr".
        operands: "x0, [x16]"; may be empty.
    """

    address: int
    size: int
    mnemonic: str
    operands: str

    @property
    def text(self) -> str:
        """As an assembler writes it."""
        return f"{self.mnemonic} {self.operands}".strip()


Disassembler = Callable[[bytes, int], Iterator[Line]]
"""Code and its address → its instructions, up to the first bytes that are none."""


@cache
def disassembler(machine: Machine) -> Disassembler | None:
    """Capstone's, or None where it cannot be had: a debugger's own Python may lack it."""
    try:
        return _by_library(machine) or _by_package(machine)
    except (ImportError, OSError, ValueError):  # its library may be of another machine
        return None


def _by_package(machine: Machine) -> Disassembler:
    import capstone

    opened = capstone.Cs(*machine.value)

    def lines(code: bytes, address: int) -> Iterator[Line]:
        return (Line(*one) for one in opened.disasm_lite(code, address))

    return lines


def _by_library(machine: Machine) -> Disassembler | None:
    import ctypes

    library = _library()
    if library is None:
        return None
    instruction, handle = _structure(), ctypes.c_size_t()
    if library.cs_open(*machine.value, ctypes.byref(handle)) != 0:
        return None
    library.cs_disasm.restype = ctypes.c_size_t
    library.cs_free.restype = None

    def lines(code: bytes, address: int) -> Iterator[Line]:
        found = ctypes.POINTER(instruction)()
        count = library.cs_disasm(
            handle, code, ctypes.c_size_t(len(code)), ctypes.c_uint64(address), ctypes.c_size_t(0),
            ctypes.byref(found),
        )  # fmt: skip
        if not count:
            return
        try:
            for one in found[:count]:
                yield Line(one.address, one.size, one.mnemonic.decode(), one.op_str.decode())
        finally:
            library.cs_free(found, ctypes.c_size_t(count))

    return lines


def _structure() -> type[ctypes.Structure]:
    """`cs_insn` of version 5."""
    import ctypes

    class Instruction(ctypes.Structure):
        """One instruction as the library writes it."""

        _fields_ = (
            ("id", ctypes.c_uint),
            ("address", ctypes.c_uint64),
            ("size", ctypes.c_uint16),
            ("bytes", ctypes.c_ubyte * 24),
            ("mnemonic", ctypes.c_char * 32),
            ("op_str", ctypes.c_char * 160),
            ("detail", ctypes.c_void_p),
        )

    return Instruction


@cache
def _library() -> ctypes.CDLL | None:
    """The library in capstone's package, if it is the version that is known here."""
    import ctypes

    found = find_spec("capstone")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        for name in _LIBRARIES:
            try:
                library = ctypes.CDLL(join(folder, "lib", name))
            except OSError:  # it is not there
                continue
            return library if library.cs_version(None, None) >> 8 == _VERSION else None
    return None
