"""How LLDB gets out of code of JITs in a core: by a module that says it for this core alone.

LLDB 19 to 23 take no unwinder from a script, and guess where they know nothing: what HotSpot has
compiled keeps no frame records. They do take a file, with call frame information and names, for
code that is in none. It holds for one stop: a process that runs on does not get one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import lldb

from mtedbg.adapters.lldb import threads, vdso
from mtedbg.adapters.lldb.module import NAME
from mtedbg.errors import MtedbgError
from mtedbg.model.pointer import strip

_MOST_THREADS = 64

# The process that was looked at last: LLDB's number of it.
_seen: int = 0


def add(process: lldb.SBProcess) -> None:
    """Adds the module to a core whose frames LLDB would not leave by itself; once."""
    global _seen
    if process.GetPluginName() != "elf-core" or process.GetUniqueID() == _seen:
        return
    _seen = process.GetUniqueID()
    try:
        data = _file(process)
    except MtedbgError:
        return  # a backtrace is the poorer for it
    if data:
        _load(process.GetTarget(), data)


def _first(process: lldb.SBProcess) -> list[lldb.SBThread]:
    number = min(process.GetNumThreads(), _MOST_THREADS)
    return [process.GetThreadAtIndex(index) for index in range(number)]


def _pcs(thread: lldb.SBThread, count: int) -> list[int]:
    frames = (thread.GetFrameAtIndex(index) for index in range(count))
    return [strip(frame.GetPC()) for frame in frames if frame.IsValid()]


def _file(process: lldb.SBProcess) -> bytes:
    """The module's file; empty where LLDB's own frames are right."""
    from mtedbg.adapters.lldb.foreign_code import new_session
    from mtedbg.analysis.code.mappings import has_generated

    session = new_session(process)  # what it reads is not to be missed where frames are named
    if not has_generated(session):
        return b""
    vdso.add(process)
    from mtedbg.analysis.stacks.unwound_code import MOST, unwound_code
    from mtedbg.analysis.stacks.walk import FrameKind, Walk
    from mtedbg.formats.frames_elf import frames_elf

    needed = []
    for thread in _first(process):
        registers = threads.registers(thread.GetFrameAtIndex(0))
        walked = Walk(session, MOST).frames(registers)
        ours = [one.pc for one in walked if one.kind is not FrameKind.HYPOTHESIS]
        if ours != _pcs(thread, len(ours)):
            needed.append(registers)
    codes = unwound_code(session, needed)
    return frames_elf(codes) if codes else b""


def _load(target: lldb.SBTarget, data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        module = target.AddModule(str(path), "aarch64", None)
        if not module.IsValid():
            sys.stderr.write("mtedbg: backtraces may end in code of a JIT: LLDB takes no module\n")
            return
        for section in module.section_iter():
            if section.GetName().startswith(".jit"):
                target.SetSectionLoadAddress(section, section.GetFileAddress())
        module.GetNumSymbols()  # while the file is there
