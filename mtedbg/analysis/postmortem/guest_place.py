"""Where the guest was, in words that are the same in every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import current_pc, place_of
from mtedbg.decode.code.code_map import symbol_of
from mtedbg.decode.code.guest_code import GuestCode
from mtedbg.decode.memops.memop import memop_in
from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.errors import LayoutError, MtedbgError
from mtedbg.layout.memory import read_text
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Block, Place, Range
from mtedbg.model.memop import Memop

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """Each part is empty where it is not known.

    Attributes:
        range: the kind of code range that the PC is in.
        function: the guest's function.
        memop: the access at the PC, by kind and place in the function.
    """

    range: str = ""
    function: str = ""
    memop: str = ""


def guest_place(session: Session) -> GuestPlace:
    """Where the guest of the session's thread was; empty where there is no runtime or guest."""
    if isinstance(session.runtimes, Absent):
        return GuestPlace()
    pc = current_pc(session, session.thread())
    try:
        runtime, place = (None, None) if isinstance(pc, Absent) else place_of(session, pc)
        if runtime is None or place is None:
            return GuestPlace()
        return _place(session, runtime, place)
    except MtedbgError:
        return GuestPlace()


def _place(session: Session, runtime: Runtime, place: Place) -> GuestPlace:
    memop = memop_in(runtime, place) if place.in_jit else None
    rip = memop.guest_rip if isinstance(memop, Memop) else _rip(session, runtime)
    function, offset = _function(runtime, rip) if isinstance(rip, int) else ("", 0)
    access = ""
    if isinstance(memop, Memop):
        where = f"{function}+{offset:#x}" if function else f"guest {memop.guest_rip:#x}"
        access = f"{memop.size}-byte {memop.access.lower()} at {where}"
    return GuestPlace(_range(runtime, place), function, access)


def _range(runtime: Runtime, place: Place) -> str:
    """The kinds of block and range; empty outside of translated code."""
    block, found = place.block, place.range
    if not isinstance(block, Block):
        between = place.outcome.value in ("segment-padding", "corrupt", "metadata-not-dumped")
        return place.outcome.value if between else ""
    kind = found.kind if isinstance(found, Range) else place.outcome.value
    symbol = symbol_of(runtime, found) if isinstance(found, Range) else ""
    retired = "retired " if place.outcome.value == "retired" else ""
    name = f" {symbol}" if isinstance(symbol, str) and symbol else ""
    return f"{retired}{block.kind}: {kind}{name}"


def _rip(session: Session, runtime: Runtime) -> int | Absent:
    """The guest instruction that was known last."""
    try:
        guest = guest_of(runtime, session.thread(), session.info.pac_mask)
    except LayoutError as error:
        return Absent(Reason.DAMAGED, error.message)
    return guest if isinstance(guest, Absent) else guest.near


def _function(runtime: Runtime, rip: int) -> tuple[str, int]:
    """The name of the guest function at `rip`, and how far into it."""
    function = GuestCode(runtime).function_at(rip)
    if function is None or isinstance(function.guest_begin, Absent):
        return "", 0
    name = read_text(runtime.target, function.name, function.name_length)
    return (name if present(name) else ""), rip - function.guest_begin
