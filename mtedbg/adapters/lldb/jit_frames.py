"""How LLDB gets out of code of JITs: by a module that says it for one stop.

LLDB 19 to 23 take no unwinder from a script, and guess where they know nothing: what HotSpot has
compiled keeps no frame records. They do take a file, with call frame information and names, for
code that is in none. A core has one stop; a process gets another module at each, of the threads
whose frames are shown.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import lldb

from mtedbg.adapters.lldb import threads as threads_of
from mtedbg.adapters.lldb import vdso
from mtedbg.adapters.lldb.module import NAME, is_ours
from mtedbg.errors import MtedbgError
from mtedbg.model.pointer import strip

_MOST_THREADS, _MOST_FRAMES = 64, 512

# The process that was looked at last: LLDB's number of it, and of its stop.
_seen: tuple[int, int] = (0, 0)
# The threads that were looked at there.
_looked: set[int] = set()
# Registers of those threads whose frames LLDB does not leave.
_needed: dict[int, dict[str, int]] = {}
# LLDB's numbers of the processes that have a module.
_loaded: set[int] = set()


def add(process: lldb.SBProcess, thread: lldb.SBThread) -> None:
    """Adds the module, where LLDB would not leave frames by itself.

    Args:
        process: it has stopped.
        thread: whose frames are to be shown; of a core all threads' are.
    """
    global _seen
    is_core = process.GetPluginName() == "elf-core"
    if not is_core and process.GetPluginName() != "gdb-remote":
        return
    stop = process.GetUniqueID(), 0 if is_core else process.GetStopID()
    is_new = stop != _seen
    if is_new:
        _seen = stop
        _looked.clear()
        _needed.clear()
        _unload(process)
    if is_core and is_new:
        _ask(process, _first(process))
    elif not is_core and thread.GetThreadID() not in _looked:
        _ask(process, [thread])


def _ask(process: lldb.SBProcess, threads: list[lldb.SBThread]) -> None:
    """Makes the module anew, if frames of one of these threads need it."""
    _looked.update(thread.GetThreadID() for thread in threads)
    try:
        data = _file(process, threads)
    except MtedbgError:
        return  # a backtrace is the poorer for it
    if data:
        _unload(process)
        _load(process, data)


def _first(process: lldb.SBProcess) -> list[lldb.SBThread]:
    number = min(process.GetNumThreads(), _MOST_THREADS)
    return [process.GetThreadAtIndex(index) for index in range(number)]


def _pcs(thread: lldb.SBThread, count: int) -> list[int]:
    frames = (thread.GetFrameAtIndex(index) for index in range(count))
    return [strip(frame.GetPC()) for frame in frames if frame.IsValid()]


def _leaves_files(thread: lldb.SBThread) -> bool:
    """Whether LLDB comes to a frame in code of no file."""
    for index in range(_MOST_FRAMES):
        frame = thread.GetFrameAtIndex(index)
        if not frame.IsValid():
            return False
        if not frame.GetModule().IsValid():
            return True
    return False


def _file(process: lldb.SBProcess, threads: list[lldb.SBThread]) -> bytes:
    """The module's file; empty where LLDB's own frames are right."""
    from mtedbg.adapters.lldb.foreign_code import new_session, session_of
    from mtedbg.analysis.code.mappings import has_generated

    is_core = process.GetPluginName() == "elf-core"
    # To ask a server for mappings takes longer than to go through LLDB's frames.
    if not is_core and not any(map(_leaves_files, threads)):
        return b""
    # What is read of a core is not to be missed where frames are named; a process has no limit.
    session = new_session(process) if is_core else session_of(process)
    if not has_generated(session):
        return b""
    if is_core:
        vdso.add(process)
    from mtedbg.analysis.stacks.unwound_code import MOST, unwound_code
    from mtedbg.analysis.stacks.walk import FrameKind, Walk
    from mtedbg.formats.frames_elf import frames_elf

    before = len(_needed)
    for thread in threads:
        registers = threads_of.registers(thread.GetFrameAtIndex(0))
        walked = Walk(session, MOST).frames(registers)
        ours = [one.pc for one in walked if one.kind is not FrameKind.HYPOTHESIS]
        if ours != _pcs(thread, len(ours)):
            _needed[thread.GetThreadID()] = registers
    if len(_needed) == before:
        return b""
    codes = unwound_code(session, _needed.values())
    return frames_elf(codes) if codes else b""


def _unload(process: lldb.SBProcess) -> None:
    """Takes away the module of an earlier stop."""
    if process.GetUniqueID() not in _loaded:
        return
    _loaded.discard(process.GetUniqueID())
    target = process.GetTarget()
    for module in [one for one in target.module_iter() if is_ours(one)]:
        target.ClearModuleLoadAddress(module)
        target.RemoveModule(module)


def _load(process: lldb.SBProcess, data: bytes) -> None:
    target = process.GetTarget()
    _loaded.add(process.GetUniqueID())
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
