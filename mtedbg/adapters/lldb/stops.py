"""What is to be done at the first stop of a process with a debug root, so that `bt` is whole."""

from __future__ import annotations

import sys
from typing import Any

import lldb

from mtedbg.model.symbols import ROOT_SYMBOL

HOOK = "mtedbg_stop_hook"
"""Name of the class in the dictionary of LLDB's Python session, where it looks for it."""

TRIES = 4
"""Stops at which the vDSO is looked for: at the first, a server may not tell of it yet."""


# Of the process that was looked at last: LLDB's number of it, stops left to look at, the vDSO.
_seen: tuple[int, int, int] = (0, 0, 0)


class StopHook:
    """Adds the vDSO to a process that has a debug root."""

    names: dict[str, Any]

    def __init__(self, _target: lldb.SBTarget, _arguments: object, _names: dict[str, Any]) -> None:
        """The target is that of LLDB's start, which has no process: others inherit the hook."""

    def handle_stop(self, context: lldb.SBExecutionContext, _stream: lldb.SBStream) -> bool:
        """Whether LLDB is to stay stopped: always; LLDB calls this at every stop."""
        prepare(context.GetProcess())
        return True


def prepare(process: lldb.SBProcess) -> None:
    """What the hook does: for commands of ours as well, which may come before LLDB's hooks."""
    _prepare_root(process)
    from mtedbg.adapters.lldb import jit_frames

    jit_frames.add(process, process.GetSelectedThread())


def _prepare_root(process: lldb.SBProcess) -> None:
    global _seen
    number, left, base = process.GetUniqueID(), TRIES, 0
    if number == _seen[0]:
        _, left, base = _seen
    target = process.GetTarget()
    # LLDB may drop the module again, when it meets the program's libraries.
    if base and target.ResolveLoadAddress(base).GetModule().IsValid():
        return
    # The root's module may come later than the first stop.
    if not left or not target.FindSymbols(ROOT_SYMBOL).GetSize():
        return
    from mtedbg.adapters.lldb import vdso

    _seen = number, left - 1, vdso.add(process)


def install(debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
    """Registers the hook, once; what stands already, a core above all, stops no more."""
    if HOOK in names:
        return
    from mtedbg.adapters.lldb import frames

    frames.install(debugger, names)
    StopHook.names = names
    names[HOOK] = StopHook  # itself: LLDB asks for methods that no class above has
    result = lldb.SBCommandReturnObject()
    line = f"target stop-hook add -P {HOOK}"
    debugger.GetCommandInterpreter().HandleCommand(line, result)
    if not result.Succeeded():
        sys.stderr.write(f"mtedbg: backtraces end at signal handlers: {result.GetError()}\n")
    for number in range(debugger.GetNumTargets()):
        process = debugger.GetTargetAtIndex(number).GetProcess()
        if process.IsValid() and process.GetState() == lldb.eStateStopped:
            prepare(process)
