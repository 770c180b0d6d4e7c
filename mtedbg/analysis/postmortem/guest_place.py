"""Where the guest was, in words that are the same in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import place_of
from mtedbg.analysis.stacks.guest_frame import known_guest
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import symbol_of
from mtedbg.decode.code.guest_code import GuestCode
from mtedbg.decode.memops.memop import memop_in
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, then
from mtedbg.model.code import Outcome, Place

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_BETWEEN_BLOCKS = (Outcome.SEGMENT_PADDING, Outcome.CORRUPT, Outcome.METADATA_NOT_DUMPED)


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


def guest_place(session: Session, thread: Thread, pc: int) -> GuestPlace:
    """Where the guest of `thread` was; empty where there is no runtime or guest.

    Args:
        session: where.
        thread: that is asked about.
        pc: where it was when it faulted, without PAC bits.
    """
    if isinstance(session.runtimes, Absent):
        return GuestPlace()
    try:
        runtime, place = place_of(session, pc)
        return _place(session, thread, runtime, place)
    except MtedbgError:
        return GuestPlace()


def _place(session: Session, thread: Thread, runtime: Runtime, place: Place) -> GuestPlace:
    memop = memop_in(runtime, place) if place.in_jit else NOT_APPLICABLE
    if isinstance(memop, Absent):
        rip = then(known_guest(session, thread), lambda guest: guest.near)
        function, _ = ("", 0) if isinstance(rip, Absent) else _function(runtime, rip)
        return GuestPlace(_range(runtime, place), function)
    function, offset = _function(runtime, memop.guest_rip)
    where = f"{function}+{offset:#x}" if function else f"guest {memop.guest_rip:#x}"
    access = f"{memop.size}-byte {memop.access.lower()} at {where}"
    return GuestPlace(_range(runtime, place), function, access)


def _range(runtime: Runtime, place: Place) -> str:
    """The kinds of block and range; empty outside of translated code."""
    block, found = place.block, place.range
    if isinstance(block, Absent):
        return place.outcome.value if place.outcome in _BETWEEN_BLOCKS else ""
    kind = place.outcome.value if isinstance(found, Absent) else found.kind
    symbol = "" if isinstance(found, Absent) else or_else(symbol_of(runtime, found), "")
    retired = "retired " if place.outcome is Outcome.RETIRED else ""
    return f"{retired}{block.kind}: {kind} {symbol}".rstrip()


def _function(runtime: Runtime, rip: int) -> tuple[str, int]:
    """The name of the guest function at `rip`, and how far into it."""
    function = GuestCode(runtime).function_at(rip)
    if function is None or isinstance(function.guest_begin, Absent):
        return "", 0
    name = runtime.text(function.name, function.name_length)
    return or_else(name, ""), rip - function.guest_begin
