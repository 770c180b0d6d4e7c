"""LLDB's symbols."""

from __future__ import annotations

import lldb

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.process import Definition

_CODE = (lldb.eSymbolTypeCode, lldb.eSymbolTypeResolver)
_DEFINED = (*_CODE, lldb.eSymbolTypeData)


def definition(target: lldb.SBTarget, name: str) -> Definition | Absent:
    """Where the symbol `name` is: its definition, not a stub that leads to it."""
    for wanted in (_DEFINED, None):
        for context in target.FindSymbols(name):
            found = context.GetSymbol()
            address = found.GetStartAddress().GetLoadAddress(target)
            fits = wanted is None or found.GetType() in wanted
            if address != lldb.LLDB_INVALID_ADDRESS and fits:
                return Definition(int(address), found.GetType() in _CODE)
    # C++'s symbols have their arguments in their names; LLDB looks for `f` in every namespace.
    cpp = target.FindFunctions(name, lldb.eFunctionNameTypeAuto) if "::" in name else ()
    for context in cpp:
        address = context.GetFunction().GetStartAddress().GetLoadAddress(target)
        if address != lldb.LLDB_INVALID_ADDRESS:
            return Definition(int(address), is_code=True)
    return Absent(Reason.UNKNOWN)
