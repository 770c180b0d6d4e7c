"""The module that mtedbg adds for code of JITs, and what it is known by."""

from __future__ import annotations

import lldb

NAME = "JIT code"
"""What LLDB calls the module."""


def is_ours(module: lldb.SBModule) -> bool:
    """Whether a module is the one that mtedbg has made: what it says is not LLDB's own word."""
    return str(module.GetFileSpec().GetFilename() or "") == NAME
