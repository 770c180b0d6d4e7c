"""Lines of source by GDB's own tables."""

from __future__ import annotations

import gdb

from mtedbg.decode.demangle import demangled
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace


def source_at(address: int) -> SourcePlace | Absent:
    """The line of an instruction, and the functions that were inlined there.

    Where an inlined function is called is not among what GDB tells of a block.

    Args:
        address: of the instruction.
    """
    try:
        found = gdb.find_pc_line(address)
        names = _functions(address)
    except (gdb.error, RuntimeError):
        return Absent(Reason.UNKNOWN)
    if found.symtab is None or not found.line:
        return Absent(Reason.UNKNOWN, "no debug information")
    line = SourceLine(str(found.symtab.filename), int(found.line))
    if len(names) < 2:
        return SourcePlace(names[0] if names else "", line)
    inlined = [InlinedCall(name, line if not number else None) for number, name in enumerate(names)]
    return SourcePlace(names[-1], None, tuple(inlined[:-1]))


def _functions(address: int) -> list[str]:
    """The functions at an address, the innermost first, the one that was not inlined last."""
    found, block = [], gdb.block_for_pc(address)
    while block is not None and not block.is_global and not block.is_static:
        if block.function is not None:
            found.append(demangled(str(block.function.linkage_name)))
        block = block.superblock
    return found
