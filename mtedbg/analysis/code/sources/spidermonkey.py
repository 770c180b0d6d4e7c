"""SpiderMonkey's wasm code, by the maps that it keeps for its own signal handler."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, cannot_read, unknown_version
from mtedbg.analysis.code.mappings import is_anonymous, may_be_generated
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import spidermonkey
from mtedbg.decode.jits.spidermonkey import WasmBlock, WasmCode
from mtedbg.decode.jits.spidermonkey_audit import audit
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.model.finding import Finding
    from mtedbg.session import Session

MEASURED = ("128.14.0", "140.17.0")
"""Whole versions that were looked at; others of the same number have the layout if it holds."""

_NAME = re.compile(r"libmozjs-([0-9]{1,4})\.so(?:\.0|\.([0-9.]{1,20}))?")
_TIERS = {"BaselineTier": "Baseline", "OptimizedTier": "Optimized"}
_OF_A_FUNCTION = frozenset(
    ("Function", "InterpEntry", "JitEntry", "ImportInterpExit", "ImportJitExit")
)


@dataclass(frozen=True, slots=True)
class SpiderMonkey:
    """The wasm code of a process.

    Attributes:
        version: name and version for people.
        code: its maps.
        session: the process.
    """

    version: str
    code: WasmCode
    session: Session

    def at(self, pc: int) -> ForeignCode | None:
        """What wasm code has at `pc`; see `analysis/code/jits.py`."""
        try:
            block = self.code.at(pc)
        except HoleError as hole:
            return ForeignCode(CodeSource.SPIDERMONKEY, block=hole.why, version=self.version)
        if block is not None:
            return self._of(block, pc)
        return self._other if may_be_generated(self.session, pc) else None

    @property
    def _other(self) -> ForeignCode:
        """Of what is not wasm: JavaScript's own code lies in the same memory."""
        why = Absent(Reason.UNKNOWN, "of its code only wasm is described")
        return ForeignCode(CodeSource.SPIDERMONKEY, block=why, version=self.version)

    def blocks(self) -> ForeignCodes:
        """All blocks of the process's map."""
        found: list[ForeignCode] = []
        cut = ""
        try:
            for block in self.code.all(MOST + 1):
                found.append(self._of(block))
        except HoleError as hole:
            cut = f"the map of wasm code: {hole.why}"
        if len(found) > MOST:
            cut = f"only the first {MOST} blocks are listed"
        return ForeignCodes(CodeSource.SPIDERMONKEY, tuple(found[:MOST]), cut, self.version)

    def named(self, name: str) -> Iterator[ForeignCode]:
        """The functions of this name, in every tier; see `analysis/code/jits.py`."""
        try:
            for block in self.code.all(MOST):
                for one in self.code.ranges(block):
                    if one.kind == spidermonkey.FUNCTION and name in (
                        self.code.function_name(block.code, one.function),
                        f"wasm-function[{one.function}]",
                    ):
                        yield self._of(block, one.start)
        except HoleError:
            return

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | Absent | None:
        """Out of the stub that C++ enters wasm by, which saves what C++ wants kept."""
        try:
            block = self.code.at(pc)
            found = None if block is None else self.code.range_at(block, pc)
            if found is None or found.kind != spidermonkey.ENTRY:
                return None
            words = self.code.words
            frame = words.strip(registers["x29"])
            record = words.words(frame, 2)
            start, count = frame + self.code.layout.saved, len(spidermonkey.SAVED)
            saved = dict(zip(spidermonkey.SAVED, words.words(start, count), strict=True))
        except (HoleError, KeyError):
            return None
        # It copies the return address and x29 into a frame record below what it saves.
        if saved["x30"] != record[1] or saved["x29"] & ~1 != record[0] & ~1:
            return None
        link = saved.pop("x30")
        return {**saved, "pc": words.strip(link), "sp": start + 8 * count + 8}

    def findings(self) -> Iterator[Finding]:
        """What the maps, the blocks and their ranges say of each other."""
        return audit(self.code)

    def _of(self, block: WasmBlock, pc: int | None = None) -> ForeignCode:
        symbol: CodeSpan | Absent = NOT_APPLICABLE
        bytecode: int | Absent = NOT_APPLICABLE
        notes: tuple[str, ...] = ()
        if pc is not None:
            try:
                symbol, notes = self._symbol(block, pc)
                bytecode = self._bytecode(block, pc)
            except HoleError as hole:
                symbol = hole.why
        return ForeignCode(
            CodeSource.SPIDERMONKEY,
            NOT_APPLICABLE if block.number is None else block.number,
            CodeSpan(block.start, block.end),
            symbol,
            notes,
            kind=block.kind,
            tier=_TIERS.get(block.kind, NOT_APPLICABLE),
            guest_rip=bytecode,
            version=self.version,
        )

    def _symbol(self, block: WasmBlock, pc: int) -> tuple[CodeSpan | Absent, tuple[str, ...]]:
        """The range that holds `pc` with its function's name, and which function of what it is."""
        found = self.code.range_at(block, pc)
        if found is None:
            return NOT_APPLICABLE, ()
        if found.kind not in _OF_A_FUNCTION:
            return CodeSpan(found.start, found.end, found.kind), ()
        notes = []
        name = None
        try:
            name = self.code.function_name(block.code, found.function)
            file = self.code.file(block.code)
            notes.append(f"wasm-function[{found.function}] of {file or 'a module without a name'}")
        except HoleError as hole:
            notes.append(f"the module's names cannot be read: {hole.why}")
        name = name or f"wasm-function[{found.function}]"
        if found.kind != spidermonkey.FUNCTION:
            name = f"{found.kind} of {name}"
        return CodeSpan(found.start, found.end, name), tuple(notes)

    def _bytecode(self, block: WasmBlock, pc: int) -> int | Absent:
        """Where in the module the call is that returns to `pc`, or to the address after it."""
        for place in (pc, pc + 1):
            found = self.code.bytecode_at(block, place)
            if found is not None:
                return found
        return NOT_APPLICABLE


def find(session: Session, mapped: MappedFile | None) -> SpiderMonkey | Absent:
    """The wasm code of the library that is mapped.

    Args:
        session: the process.
        mapped: the library; without its name nothing tells its layout.
    """
    if mapped is None:
        return NOT_APPLICABLE
    named = _NAME.fullmatch(PurePosixPath(mapped.name).name)
    if named is None:
        return NOT_APPLICABLE
    number = int(named[1])
    version = f"SpiderMonkey {named[2] or number}"
    if number not in spidermonkey.LAYOUTS:
        return unknown_version(version)
    words = Words(session.target, session.info.pac_mask)
    address = spidermonkey.find_map(words, tuple(_variables(session, mapped.path)))
    if isinstance(address, Absent):
        return cannot_read(version, address)
    code = spidermonkey.FORMS[number](words, spidermonkey.LAYOUTS[number], address)
    if named[2] not in MEASURED:
        try:
            next(code.all(1), None)
        except HoleError as hole:
            if hole.why.reason is Reason.DAMAGED:
                return unknown_version(version)
    return SpiderMonkey(version, code, session)


def _variables(session: Session, path: str) -> Iterator[tuple[int, int]]:
    """Where the library's variables are: its own writable mappings, and what follows the last."""
    end = None
    for region in or_else(session.target.regions(), ()):
        writable = region.perms.startswith("rw")
        if region.name == path:
            end = region.end
            if writable:
                yield region.start, region.end
        elif end == region.start and writable and is_anonymous(region):
            yield region.start, region.end
            end = region.end
