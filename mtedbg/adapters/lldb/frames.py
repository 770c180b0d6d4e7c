"""Names for frames of JIT code in LLDB's own backtrace, as a part of its `frame-format`.

The frames themselves are right without: JIT code keeps frame records, and whoever enters it is a
function whose frame is known by its frame pointer. LLDB 23 knows scripted frame providers, which
could name them; but what these ask of LLDB waits for a lock that another thread, which prints the
same stop, may hold while it waits for the provider. A format's script is run without that lock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lldb

from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.analysis.code.mappings import is_interpreter
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent
from mtedbg.model.symbols import LIST_SYMBOL, ROOT_SYMBOL

if TYPE_CHECKING:
    from mtedbg.layout import Runtime

FUNCTION = "mtedbg_frame_name"
"""The name under which LLDB finds the script in the dictionary of its Python session."""

THREAD_FUNCTION = "mtedbg_before_frames"
_SETTING, _THREAD_SETTINGS = "frame-format", ("thread-format", "thread-stop-format")
_SCRIPT = f"${{script.frame:{FUNCTION}}}"
_THREAD_SCRIPT = f"${{script.thread:{THREAD_FUNCTION}}}"
_BUILT_IN = "Builtins_"
"""What V8 calls its own code, where a program has symbols of it."""
_MODULE = re.compile(r"\{ ?\$\{module\.file\.basename\}")


def install(debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
    """Adds the name to the way in which LLDB prints frames, unless it is there."""
    names[FUNCTION], names[THREAD_FUNCTION] = frame_name, before_frames
    instance = debugger.GetInstanceName()
    old = _format(debugger, _SETTING, FUNCTION)
    if old:
        place = _MODULE.search(old)
        at = place.start() if place else len(old.removesuffix("\\n"))
        gap = "" if old[:at].endswith(" ") else " "
        debugger.SetInternalVariable(_SETTING, old[:at] + gap + _SCRIPT + old[at:], instance)
    for setting in _THREAD_SETTINGS:
        old = _format(debugger, setting, THREAD_FUNCTION)
        if old:
            debugger.SetInternalVariable(setting, _THREAD_SCRIPT + old, instance)


def _format(debugger: lldb.SBDebugger, setting: str, function: str) -> str:
    """A format of LLDB's; empty where `function` is in it."""
    shown = debugger.GetInternalVariableValue(setting, debugger.GetInstanceName())
    old = str(shown.GetStringAtIndex(0) or "") if shown.GetSize() else ""
    if len(old) > 1 and old[0] == old[-1] == '"':
        old = old[1:-1]
    return "" if function in old else old


def before_frames(thread: lldb.SBThread, _names: dict[str, Any]) -> str:
    """Prepares a thread's frames, which LLDB asks for before it shows them."""
    from mtedbg.adapters.lldb import jit_frames

    jit_frames.add(thread.GetProcess(), thread)
    return ""


def frame_name(frame: lldb.SBFrame, _names: dict[str, Any]) -> str:
    """What a frame of JIT code is called, else nothing; LLDB calls this for each that it prints."""
    # What a module holds is no JIT code: that costs nothing to know.
    if frame.GetModule().IsValid() and not _may_interpret(frame) and not _has_many(frame):
        return ""
    from mtedbg.analysis.code.frame_name import frame_title
    from mtedbg.decode.code.code_map import locate

    process = frame.GetThread().GetProcess()
    try:
        for runtime in _runtimes(process):
            place = locate(runtime, frame.GetPC())
            if place.in_jit:
                return frame_title(runtime, place)
    except MtedbgError:
        pass
    return _foreign_name(frame, process)


def _runtimes(process: lldb.SBProcess) -> tuple[Runtime, ...]:
    """The runtimes, by symbols; in a core without symbols by a search, once."""
    from mtedbg.adapters.lldb.foreign_code import session_of
    from mtedbg.layout import find_runtimes

    roots = [*_addresses(process, ROOT_SYMBOL), *_addresses(process, LIST_SYMBOL)]
    if roots:
        found = find_runtimes(_memory(process), roots)
        return () if isinstance(found, Absent) else found
    return session_of(process).readable_runtimes() if _is_core(process) else ()


def _is_core(process: lldb.SBProcess) -> bool:
    return bool(process.GetPluginName() == "elf-core")


def _may_interpret(frame: lldb.SBFrame) -> bool:
    """Whether a frame is in a library whose own code runs a script, and in no function of it."""
    symbol = frame.GetSymbol()
    if symbol.IsValid() and not (symbol.GetName() or "").startswith(_BUILT_IN):
        return False
    return is_interpreter(str(frame.GetModule().GetFileSpec().GetFilename() or ""))


def _has_many(frame: lldb.SBFrame) -> bool:
    """Whether a frame is in generated code that has others with other names."""
    from mtedbg.adapters.lldb.module import is_ours
    from mtedbg.analysis.stacks.unwound_code import MANY

    return is_ours(frame.GetModule()) and frame.GetFunctionName() == MANY


def _foreign_name(frame: lldb.SBFrame, process: lldb.SBProcess) -> str:
    """What code of a JIT without a debug root is called; empty where it is none."""
    from mtedbg.adapters.lldb.foreign_code import place_of
    from mtedbg.analysis.code.frame_name import foreign_frame_name

    try:
        place = place_of(process, frame)
    except MtedbgError:
        return ""
    return "" if place is None else foreign_frame_name(place)


def _addresses(process: lldb.SBProcess, name: str) -> list[int]:
    """Of a symbol in every image, where it is loaded."""
    target = process.GetTarget()
    starts = (one.GetSymbol().GetStartAddress() for one in target.FindSymbols(name))
    found = (int(one.GetLoadAddress(target)) for one in starts)
    return [one for one in found if one != lldb.LLDB_INVALID_ADDRESS]


def _memory(process: lldb.SBProcess) -> MemoryAlone:
    def read(address: int, length: int) -> bytes | None:
        error = lldb.SBError()
        data = process.ReadMemory(address, length, error)
        return bytes(data) if error.Success() and data and len(data) == length else None

    return MemoryAlone(read, dead=_is_core(process))
