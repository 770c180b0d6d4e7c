"""LLDB's cache of memory: right for as long as nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import lldb

_SETTING = "target.process.disable-memory-cache"


@contextmanager
def uncached(process: lldb.SBProcess, wanted: bool) -> Iterator[None]:
    """Has LLDB ask the server for memory, for a while; the user's setting is put back.

    Args:
        process: whose memory is read.
        wanted: whether to.
    """
    if not wanted:
        yield
        return
    debugger = process.GetTarget().GetDebugger()
    instance = debugger.GetInstanceName()
    shown = debugger.GetInternalVariableValue(_SETTING, instance)
    before = shown.GetStringAtIndex(0) if shown.GetSize() else "false"
    debugger.SetInternalVariable(_SETTING, "true", instance)
    try:
        yield
    finally:
        debugger.SetInternalVariable(_SETTING, before, instance)
