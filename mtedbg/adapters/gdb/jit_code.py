"""The JIT code of GDB's program, where GDB is in the middle of unwinding.

Nothing here asks GDB for a frame, a register or an expression's value: each of these needs frames,
which are what is being made. Memory and full symbols do not.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import gdb

from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.adapters.gdb import sessions
from mtedbg.adapters.gdb.events import connect
from mtedbg.model.absent import Absent
from mtedbg.model.symbols import LIST_SYMBOL, ROOT_SYMBOL

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place


_SYMBOLS = (ROOT_SYMBOL, LIST_SYMBOL)

# By inferior, process and connection. A root that was found holds as long as its process; that
# there is none, until the program runs again or another file is mapped.
_found: dict[object, tuple[Runtime, ...]] = {}
_none: set[object] = set()
# Where roots are, of programs whose full symbols do not tell.
_announced: dict[object, list[int]] = {}


def _memory(inferior: gdb.Inferior) -> MemoryAlone:
    connection = inferior.connection
    dead = connection is not None and connection.type == "core"

    def read(address: int, length: int) -> bytes | None:
        try:
            return bytes(inferior.read_memory(address, length))
        except (gdb.error, OverflowError):  # a wild pointer may be no address at all
            return None

    return MemoryAlone(read, dead=dead)


def _roots(identity: object) -> list[int]:
    if identity in _announced:
        return _announced[identity]
    symbols = map(gdb.lookup_global_symbol, _SYMBOLS)
    return [int(symbol.value().address) for symbol in symbols if symbol is not None]


def _identity(inferior: gdb.Inferior) -> object:
    connection = inferior.connection
    return inferior.num, inferior.pid, connection.num if connection else None


def runtimes() -> tuple[Runtime, ...]:
    """The runtimes of the selected inferior that can be found without a frame."""
    inferior = gdb.selected_inferior()
    identity = _identity(inferior)
    if identity in _none:
        return ()
    if identity not in _found:
        from mtedbg.layout import find_runtimes

        roots = _roots(identity)
        found = find_runtimes(_memory(inferior), roots) if roots else None
        if found is None or isinstance(found, Absent):
            _none.add(identity)
            return ()
        _found[identity] = found
    return _found[identity]


def place_of(pc: int, *, returns: bool = False) -> tuple[Runtime, Place] | None:
    """The runtime in whose code `pc` is, and where; None where it is in no such code.

    Args:
        pc: of a frame.
        returns: whether it may be a return address: after a call, the code is that of the call.
    """
    if not (known := runtimes()):
        return None
    # Whatever the program has debug information of is no JIT code: that costs nothing to know.
    if gdb.current_progspace().block_for_pc(pc) is not None:
        return None
    from mtedbg.decode.code.code_map import locate
    from mtedbg.decode.stack.return_address import follows_call

    for runtime in known:
        here = pc - 1 if returns and follows_call(runtime.target, pc) is True else pc
        place = locate(runtime, here)
        if place.in_jit:
            return runtime, place
    return None


def learn() -> None:
    """Finds the root by what is not a full symbol. May ask GDB anything: not while it unwinds."""
    inferior = gdb.selected_inferior()
    identity = _identity(inferior)
    if not inferior.pid or identity in _announced or identity in _found:
        return
    known = sessions.found_roots()
    for name in () if known else _SYMBOLS:
        with suppress(gdb.error, TypeError):
            known.append(int(gdb.parse_and_eval(f"&{name}")))
    if known:
        tell(known)


def tell(roots: list[int]) -> None:
    """Says that the selected inferior has lists of debug roots that begin at `roots`."""
    identity = _identity(gdb.selected_inferior())
    if identity in _found or _announced.get(identity) == roots:
        return
    _announced[identity] = roots
    _none.discard(identity)
    gdb.invalidate_cached_frames()


def _ran() -> None:
    """The program runs: what was not there may be there when it stops."""
    _none.clear()


def _forget() -> None:
    _found.clear()
    _none.clear()
    _announced.clear()


connect(gdb.events.cont, _ran)
for _events in (gdb.events.exited, gdb.events.new_objfile, gdb.events.clear_objfiles):
    connect(_events, _forget)
