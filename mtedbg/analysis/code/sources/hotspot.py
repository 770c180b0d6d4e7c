"""HotSpot's code cache: compiled methods, adapters, the interpreter, stubs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, cannot_read, unknown_version, without_library
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.jits import hotspot
from mtedbg.decode.jits.hotspot import Blob, JavaPlace
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.session import Session

_FRAME, _LINK, _STACK = "x29", "x30", "sp"
_SENDER = "x19"
"""Where adapters keep the stack pointer of whoever called."""
_NEAR = 1 << 16
INTERPRETER, STUBS = "Interpreter", "StubRoutines"
_KINDS = {INTERPRETER: "interpreter", hotspot.ADAPTERS: "adapter"}


@dataclass(frozen=True, slots=True)
class JavaCode:
    """The code cache of a process.

    Attributes:
        version: name and version for people.
        cache: the code cache.
        words: the memory of the process.
    """

    version: str
    cache: hotspot.HotSpot
    words: Words

    def at(self, pc: int) -> ForeignCode | None:
        """What the code cache has at `pc`; see `analysis/code/jits.py`."""
        if not self.cache.in_cache(pc):
            return None
        try:
            blob = self.cache.at(pc)
        except HoleError as hole:
            return ForeignCode(CodeSource.HOTSPOT, block=self._why(hole), version=self.version)
        if blob is None:
            return None
        found = self._of(blob)
        if not blob.start <= pc < blob.end:
            return replace(found, symbol=NOT_APPLICABLE, notes=(*found.notes, "in no instructions"))
        try:
            return self._inside(found, blob, pc)
        except HoleError as hole:
            return replace(found, notes=(*found.notes, f"where in it: {self._why(hole)}"))

    def _why(self, hole: HoleError) -> Absent:
        """Why something is not told: of a version that is not known nothing is damage."""
        if hole.why.reason is Reason.DAMAGED and not self.cache.is_known_version:
            return unknown_version(self.version)
        return hole.why

    def blocks(self) -> ForeignCodes:
        """All pieces of code."""
        found: list[ForeignCode] = []
        cut = ""
        try:
            for blob in self.cache.blobs():
                if len(found) == MOST:
                    cut = f"only the first {MOST} are listed"
                    break
                found.append(self._of(blob))
        except HoleError as hole:
            cut = f"the code cache: {self._why(hole)}"
        return ForeignCodes(CodeSource.HOTSPOT, tuple(found), cut, self.version)

    def in_frame(self, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
        """The method that a frame of the interpreter runs; None of other frames."""
        found = self.at(pc)
        if found is None or found.kind != _KINDS[INTERPRETER] or not registers.get(_FRAME):
            return None
        try:
            place = self.cache.interpreted(self.words.strip(registers[_FRAME]))
        except HoleError:
            return None  # it has not made its frame yet
        return None if place is None else _named(found, place)

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | Absent | None:
        """Out of a frame: compiled code has one of a known size, and x29 for what it likes."""
        try:
            blob = self.cache.at(pc)
            if blob is None:
                return None
            if blob.name == INTERPRETER:
                return self._out_of_interpreter(registers)
            if blob.name == hotspot.ADAPTERS:
                return self._out_of_adapter(registers)
            if not blob.frame_size or blob.name.startswith(STUBS):
                return None
            return self._out_of_compiled(blob, pc, registers)
        except HoleError as hole:
            return self._why(hole)
        except KeyError as missing:
            return Absent(Reason.UNKNOWN, f"register {missing} is not known")

    def _of(self, blob: Blob) -> ForeignCode:
        """What a blob is, whatever the PC in it."""
        found = ForeignCode(
            CodeSource.HOTSPOT,
            block=CodeSpan(blob.start, blob.end),
            symbol=CodeSpan(blob.start, blob.end, blob.name),
            kind=_KINDS.get(blob.name, "stub"),
            noun=_KINDS.get(blob.name, "stub"),
            version=self.version,
        )
        if not blob.is_compiled:
            return found
        try:
            compiled = self.cache.compiled(blob)
        except HoleError as hole:
            return replace(found, symbol=self._why(hole), noun=hotspot.COMPILED)
        level = compiled.level
        entered = " entered in a loop" if compiled.is_entered_in_a_loop else ""
        found = replace(
            found,
            number=compiled.number,
            kind=f"{blob.name}{entered}",
            noun="compilation",
            tier=f"{'C2' if level == 4 else 'C1'}, level {level}" if level else NOT_APPLICABLE,
            state=compiled.state or NOT_APPLICABLE,
        )
        return _named(found, compiled.places[0])

    def _inside(self, found: ForeignCode, blob: Blob, pc: int) -> ForeignCode:
        """What is special about `pc` in its blob."""
        if blob.name == INTERPRETER:
            part = self.cache.codelet(pc)
            return found if part is None else replace(found, symbol=CodeSpan(*part))
        if blob.name.startswith(STUBS) and pc in (self.cache.call_stub, self.cache.call_stub - 1):
            return replace(found, function="call_stub")
        if not blob.is_compiled:
            return found
        # Places are recorded of calls, at the address after them.
        for at in (pc, pc + 1):
            places = self.cache.compiled(blob, at).places
            if places[0].bytecode is not None:
                inlined = tuple(
                    f"inlined into {one.name}{one.signature}{_line_words(one)}"
                    for one in places[1:]
                )
                if inlined:
                    outer = places[-1]
                    found = replace(found, symbol=_span(found, outer))
                    function = f"{places[0].name}{places[0].signature}"
                    return replace(found, function=function, line=_line(places[0]), notes=inlined)
                return _named(found, places[0])
        return found

    def _out_of_interpreter(self, registers: Mapping[str, int]) -> Mapping[str, int] | None:
        frame = self.words.strip(registers[_FRAME])
        try:
            if self.cache.interpreted(frame) is None:
                return None
        except HoleError:
            return None  # it has not made its frame yet
        saved, link = self.words.words(frame, 2)
        return {_FRAME: saved, "pc": link, _STACK: self.words.pointer(frame - 8)}

    def _out_of_adapter(self, registers: Mapping[str, int]) -> Mapping[str, int]:
        """It has no frame of its own, but may have made room for arguments."""
        stack, sender = self.words.strip(registers[_STACK]), registers.get(_SENDER, 0)
        if not stack <= sender < stack + _NEAR:
            sender = stack
        return {_FRAME: registers[_FRAME], "pc": registers[_LINK], _STACK: sender}

    def _out_of_compiled(
        self, blob: Blob, pc: int, registers: Mapping[str, int]
    ) -> Mapping[str, int]:
        stack = self.words.strip(registers[_STACK])
        above = stack + 8 * blob.frame_size
        saved, link = self.words.words(above - 16, 2)
        made = pc >= blob.start + blob.frame_complete
        if not made and registers.get(_LINK, link) != link:
            return {_FRAME: registers[_FRAME], "pc": registers[_LINK], _STACK: stack}
        return {_FRAME: saved, "pc": link, _STACK: above}


def _span(found: ForeignCode, place: JavaPlace) -> CodeSpan | Absent:
    if isinstance(found.block, Absent):
        return NOT_APPLICABLE
    return CodeSpan(found.block.start, found.block.end, f"{place.name}{place.signature}")


def _line(place: JavaPlace) -> SourceLine | Absent:
    return SourceLine(place.file, place.line) if place.file and place.line else NOT_APPLICABLE


def _line_words(place: JavaPlace) -> str:
    return f" at {place.file}:{place.line}" if place.file and place.line else ""


def _named(found: ForeignCode, place: JavaPlace) -> ForeignCode:
    """`found` with a method's name, and line where it is known."""
    name = f"{place.name}{place.signature}"
    if found.kind == _KINDS[INTERPRETER]:
        notes = () if place.bytecode is None else (f"interpreted, at bytecode {place.bytecode}",)
        return replace(found, function=name, line=_line(place), notes=(*found.notes, *notes))
    return replace(found, symbol=_span(found, place), function=name, line=_line(place))


def find(session: Session, mapped: MappedFile | None) -> JavaCode | Absent:
    """The code cache of the process.

    Args:
        session: the process.
        mapped: the library; None where no file has a name.
    """
    target = session.target
    if isinstance(target.symbol_address(hotspot.SYMBOL), Absent):
        if mapped is None:
            return NOT_APPLICABLE
        return without_library("HotSpot", mapped.name)
    words = Words(target, session.info.pac_mask)
    try:
        cache = hotspot.HotSpot(words, target.symbol_address)
    except HoleError as hole:
        return cannot_read("HotSpot", hole.why)
    return JavaCode(f"HotSpot {cache.release}", cache, words)
