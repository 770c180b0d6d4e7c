"""What an address is in: a symbol, a file, JIT code; words that are the same in every run."""

from __future__ import annotations

from posixpath import basename
from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import NO_REGION, mapping_of, may_be_generated
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.demangle import demangled
from mtedbg.errors import LayoutError, NoRuntimeError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place
    from mtedbg.model.code_place import CodePlace
    from mtedbg.model.memory import Region
    from mtedbg.model.process import Symbol
    from mtedbg.session import Session

HOST, NOWHERE = "host", "unmapped memory"
OF_NO_FILE = "code of no known file"
"""What is in executable memory of no file, and in no code that anybody knows of."""


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
        place: its block and range; what another source than a debug root has.
        function: the guest function, or the host's symbol, that it is of; empty where unknown.
        frame: what a frame there is called, "consumer [guest 0x401251, block 2]".
    """

    place: Place | CodePlace
    function: str
    frame: str

    @property
    def foreign(self) -> CodePlace | None:
        """The place, where another source than a debug root has it."""
        from mtedbg.model.code_place import CodePlace

        return self.place if isinstance(self.place, CodePlace) else None


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
        """The kind of code: of a range of JIT code, `HOST`, `NOWHERE` or `OF_NO_FILE`."""
        if present(self.jit):
            from mtedbg.model.code_place import CodePlace

            place = self.jit.place
            if isinstance(place, CodePlace):
                return place.block.kind if present(place.block) else str(place.source)
            return place.range.kind if present(place.range) else place.outcome.value
        if self.region == NO_REGION:
            return NOWHERE
        is_named = present(self.symbol) or present(self.file)
        is_code = present(self.region) and "x" in self.region.perms
        return HOST if is_named or not is_code else OF_NO_FILE

    @property
    def function(self) -> str | Absent:
        """The function that it is in: by the symbol, else by place in the file.

        None can be in unmapped memory: it does not apply there.
        """
        if present(self.jit):
            return self.jit.function or Absent(Reason.UNKNOWN)
        if self.region == NO_REGION:
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


@once
def symbolize(session: Session, address: int, *, after_call: bool = False) -> Symbolized:
    """What `address` is in.

    Args:
        session: the process.
        address: without tag and PAC bits.
        after_call: whether it is a return address: the call is in the function, and the address
            after it may be another one's.
    """
    region = mapping_of(session, address)
    found = jit_place(session, address)
    if found is not None:
        from mtedbg.analysis.code.frame_name import frame_name, place_name

        _, place = found
        return Symbolized(region, InJit(place, place_name(*found), frame_name(*found)))
    back = 1 if after_call and address else 0
    foreign = foreign_place(session, address - back)
    if foreign is not None:
        from mtedbg.analysis.code.frame_name import foreign_frame_name

        function = or_else(foreign.function, "")
        return Symbolized(region, InJit(foreign, function, foreign_frame_name(foreign)))
    symbol = then(session.target.symbol_at(address - back), lambda one: _demangled(one, back))
    return Symbolized(region, symbol=symbol, file=_file(session, address, region))


def _demangled(symbol: Symbol, back: int) -> Symbol:
    return replace(symbol, name=demangled(symbol.name), offset=symbol.offset + back)


def _file(session: Session, address: int, region: Region | Absent) -> InFile | Absent:
    if isinstance(region, Absent) or not region.name:
        return NOT_APPLICABLE
    start = session.file_starts[region.name]
    return InFile(basename(region.name), address - start)


def region_at(session: Session, address: int) -> Region | None:
    """The mapping that holds `address`."""
    return or_else(mapping_of(session, address), None)


@once
def jit_place(session: Session, address: int) -> tuple[Runtime, Place] | None:
    """The runtime whose translated code holds `address`, and where; None where none does."""
    if not session.readable_runtimes():
        return None
    from mtedbg.decode.code.code_map import locate

    places = session.from_runtimes(lambda runtime: (runtime, locate(runtime, address)))
    return next((found for found in places if found[1].in_jit), None)


@once
def foreign_place(session: Session, address: int) -> CodePlace | None:
    """What holds `address`, where that is code of a JIT without a debug root; else None."""
    if not may_be_generated(session, address):
        return None
    from mtedbg.analysis.code.block import code_at
    from mtedbg.model.foreign_code import CodeSource

    try:
        found = code_at(session, address)
    except (LayoutError, NoRuntimeError):
        return None
    foreign = found.source is not CodeSource.DEBUG_ROOT and present(found.block)
    return found if foreign else None
