"""What an address is in, in a few words that are the same in every run of the program."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.frame_name import frame_name, place_name
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.demangle import demangled
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Place, Range

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

HOST, NOWHERE = "host", "unmapped memory"
_UNKNOWN = Absent(Reason.UNKNOWN)


def jit_place(session: Session, address: int) -> tuple[Runtime, Place] | None:
    """The runtime whose translated code holds `address`, and where; None where none does."""
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            place = locate(runtime, address)
        except LayoutError:
            continue
        if place.in_jit:
            return runtime, place
    return None


def region_at(session: Session, address: int) -> Region | None:
    """The mapping that holds `address`."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return None
    index = bisect_right(regions, address, key=lambda region: region.start) - 1
    return regions[index] if index >= 0 and address < regions[index].end else None


def code_and_function(session: Session, pc: int) -> tuple[str | Absent, str | Absent]:
    """What kind of code `pc` is in, and of which function: see `Cause`."""
    found = jit_place(session, pc)
    if found is not None:
        runtime, place = found
        kind = place.range.kind if isinstance(place.range, Range) else place.outcome.value
        return kind, place_name(runtime, place) or _UNKNOWN
    if region_at(session, pc) is None and not isinstance(session.target.regions(), Absent):
        return NOWHERE, NOT_APPLICABLE
    return HOST, symbol_or_offset(session, pc)


def symbol_or_offset(
    session: Session, address: int, *, offset: bool = False, behind_call: bool = False
) -> str | Absent:
    """The symbol that holds `address`, or else its file and the offset from the file's start.

    Args:
        session: where.
        address: without tag and PAC bits.
        offset: whether to say how far into the symbol.
        behind_call: whether it is a return address: the call is in the function, and the address
            behind it may be another one's.
    """
    back = 1 if behind_call and address else 0
    symbol = session.target.symbol_at(address - back)
    if not isinstance(symbol, Absent):
        named = replace(symbol, name=demangled(symbol.name), offset=symbol.offset + back)
        return str(named) if offset else named.name
    region = region_at(session, address)
    if region is None or not region.name:
        return symbol
    start = session.file_starts[region.name]
    return f"{PurePosixPath(region.name).name}+{address - start:#x}"


def describe(session: Session, address: int, *, behind_call: bool = False) -> str:
    """What `address` is in, for people; empty where it is in no mapping.

    Args:
        session: where.
        address: without tag and PAC bits.
        behind_call: as for `symbol_or_offset`.
    """
    found = jit_place(session, address)
    if found is not None:
        return frame_name(*found)
    named = symbol_or_offset(session, address, offset=True, behind_call=behind_call)
    if not isinstance(named, Absent):
        return named
    region = region_at(session, address)
    if region is None or region.perms == "---":
        return ""
    return f"{region.perms} anonymous memory"
