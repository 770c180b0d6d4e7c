"""What an address is in: a symbol, a file, JIT code; words that are the same in every run."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.frame_name import frame_name, place_name
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.demangle import demangled
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.code import Place
from mtedbg.model.process import Symbol
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

HOST, NOWHERE = "host", "unmapped memory"


@dataclass(frozen=True, slots=True)
class InFile:
    """A place in a mapped file.

    Attributes:
        name: of the file, without its folder.
        offset: bytes from where its first mapping begins.
    """

    name: str
    offset: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}"


@dataclass(frozen=True, slots=True)
class InJit:
    """A place in JIT code.

    Attributes:
        place: its block and range.
        function: the guest function, or the host's symbol, that it is of; empty where unknown.
        frame: what a frame there is called, "consumer [guest 0x401251, block 2]".
    """

    place: Place
    function: str
    frame: str


@dataclass(frozen=True, slots=True)
class Symbolized:
    """What an address is in.

    Attributes:
        region: the mapping that holds it, or why none does.
        jit: where in JIT code it is; does not apply elsewhere.
        symbol: the symbol that holds it, demangled; does not apply to JIT code.
        file: where in a mapped file it is; does not apply to JIT code and anonymous memory.
    """

    region: Region | Absent
    jit: InJit | Absent = NOT_APPLICABLE
    symbol: Symbol | Absent = NOT_APPLICABLE
    file: InFile | Absent = NOT_APPLICABLE

    @property
    def code(self) -> str:
        """What kind of code it is: the kind of a range of JIT code, `HOST` or `NOWHERE`."""
        if present(self.jit):
            place = self.jit.place
            return place.range.kind if present(place.range) else place.outcome.value
        return NOWHERE if self.region == _NO_REGION else HOST

    @property
    def function(self) -> str | Absent:
        """The function that it is in: by the symbol, else by place in the file.

        None can be in unmapped memory: it does not apply there.
        """
        if present(self.jit):
            return self.jit.function or Absent(Reason.UNKNOWN)
        if self.region == _NO_REGION:
            return NOT_APPLICABLE
        named = then(self.symbol, lambda one: one.name)
        return str(self.file) if present(self.file) and not present(named) else named

    @property
    def name(self) -> str:
        """For people, without how far into the symbol or file it is."""
        if present(self.jit):
            return self.jit.frame
        if present(self.symbol):
            return self.symbol.name
        return self.file.name if present(self.file) else str(self)

    def __str__(self) -> str:
        """For people; empty where the address is in no mapping that can be accessed."""
        if present(self.jit):
            return self.jit.frame
        if present(self.symbol) or present(self.file):
            return str(self.symbol if present(self.symbol) else self.file)
        perms = self.region.perms if present(self.region) else "---"
        return "" if perms == "---" else f"{perms} anonymous memory"


_NO_REGION = Absent(Reason.UNMAPPED, "in no mapping")


@once
def symbolize(session: Session, address: int, *, after_call: bool = False) -> Symbolized:
    """What `address` is in.

    Args:
        session: the process.
        address: without tag and PAC bits.
        after_call: whether it is a return address: the call is in the function, and the address
            after it may be another one's.
    """
    region = _region(session, address)
    found = jit_place(session, address)
    if found is not None:
        _, place = found
        return Symbolized(region, InJit(place, place_name(*found), frame_name(*found)))
    back = 1 if after_call and address else 0
    symbol = then(session.target.symbol_at(address - back), lambda one: _demangled(one, back))
    return Symbolized(region, symbol=symbol, file=_file(session, address, region))


def _demangled(symbol: Symbol, back: int) -> Symbol:
    return replace(symbol, name=demangled(symbol.name), offset=symbol.offset + back)


def _file(session: Session, address: int, region: Region | Absent) -> InFile | Absent:
    if isinstance(region, Absent) or not region.name:
        return NOT_APPLICABLE
    start = session.file_starts[region.name]
    return InFile(PurePosixPath(region.name).name, address - start)


def _region(session: Session, address: int) -> Region | Absent:
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return regions
    index = bisect_right(regions, address, key=lambda region: region.start) - 1
    inside = index >= 0 and address < regions[index].end
    return regions[index] if inside else _NO_REGION


def region_at(session: Session, address: int) -> Region | None:
    """The mapping that holds `address`."""
    return or_else(_region(session, address), None)


@once
def jit_place(session: Session, address: int) -> tuple[Runtime, Place] | None:
    """The runtime whose translated code holds `address`, and where; None where none does."""
    places = session.from_runtimes(lambda runtime: (runtime, locate(runtime, address)))
    return next((found for found in places if found[1].in_jit), None)
