"""`mtedbg set …`: LLDB's own `settings set` takes none of an extension."""

from __future__ import annotations

from typing import Any

import lldb

from mtedbg.budget import MOST_FACTOR

SET = "set"
SET_BUDGET = "mtedbg set budget"

_budget = 1


def budget() -> int:
    """How many times as much as usual a command may read of a core."""
    return _budget


class SetCommand:
    """The command; LLDB makes the object."""

    def __init__(self, _debugger: lldb.SBDebugger, _names: dict[str, Any]) -> None:
        """LLDB calls this."""

    def get_short_help(self) -> str:
        """One line for `help`; LLDB calls this."""
        return "Set how many times as much as usual a command may read of a core; show it."

    def get_long_help(self) -> str:
        """For `help mtedbg set`; LLDB calls this."""
        return (
            f"{SET_BUDGET} N\n\nHow many times as much as usual a command may read of a core and"
            " compute (default: 1).\nWhat a stranger's small file speaks of can be large: what was"
            f" not read for that is said.\nWithout N it is shown. Example:\n  {SET_BUDGET} 10"
        )

    def __call__(
        self,
        _debugger: lldb.SBDebugger,
        line: str,
        _context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        """Runs it; LLDB calls this."""
        global _budget
        words = line.split()
        if words == ["budget"]:
            result.PutCString(f"budget: {_budget}")
        elif len(words) == 2 and words[0] == "budget" and _is_factor(words[1]):
            _budget = int(words[1])
        else:
            result.SetError(f"usage: {SET_BUDGET} N, N from 1 to {MOST_FACTOR}")


def _is_factor(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 8 and 0 < int(word) <= MOST_FACTOR
