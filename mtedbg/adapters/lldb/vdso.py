"""The vDSO as a module of LLDB's: without it no backtrace gets past a signal handler.

LLDB knows the frame below a handler by the name `__kernel_rt_sigreturn` and unwinds it by that
module's call frame information. It loads the vDSO where the server tells of memory regions, which
gdbserver and QEMU's stub do not. Here it is read from memory into a file and added, once a
process, and only to processes that have a debug root.

Source: kernel, Documentation/ABI/stable/vdso.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import lldb

from mtedbg.adapters.lldb.target import LldbTarget
from mtedbg.errors import MtedbgError
from mtedbg.formats.vdso import in_place, is_vdso
from mtedbg.model.absent import Absent

NAME = "[vdso]"
RETURN = "__kernel_rt_sigreturn"
_MOST = 1 << 18
"""Bytes; Linux has two or three pages."""


def add(process: lldb.SBProcess) -> int:
    """Adds the vDSO of a live process to its modules.

    Returns:
        Its address; 0 where it cannot be had, or LLDB has it by itself.
    """
    found = _in_memory(process)
    target = process.GetTarget()
    if found is None or _is_whole(target.ResolveLoadAddress(found[0]).GetModule()):
        return 0
    base, data = found
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        module = target.AddModule(str(path), "aarch64", None)
    if not module.IsValid():
        return 0
    target.SetModuleLoadAddress(module, base)
    return base


def _is_whole(module: lldb.SBModule) -> bool:
    """Whether LLDB has the vDSO with its symbols: LLDB 23 loses them in a core."""
    return module.IsValid() and bool(module.FindSymbol(RETURN).IsValid())


def _in_memory(process: lldb.SBProcess) -> tuple[int, bytes] | None:
    """Where the vDSO is, and its file: by what is in it, as QEMU calls it [heap] at times."""
    try:
        source = LldbTarget(process)
        regions = source.regions()
        for region in () if isinstance(regions, Absent) else regions:
            size = region.end - region.start
            if "x" not in region.perms or region.name.startswith("/") or size > _MOST:
                continue
            data = source.read_memory(region.start, size)
            if not isinstance(data, Absent) and is_vdso(data):
                return region.start, in_place(data, region.start)
    except MtedbgError:
        pass  # a backtrace is the poorer for it, and a stop is not the place to say so
    return None
