"""V8's functions: by what frames hold, and of compiled code by its address.

V8 keeps no list of its code that a stopped process could be asked for: code objects are found by
their shape. Its interpreter is code of the library itself, so there a frame tells what it runs, and
a PC alone does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, cannot_read, unknown_version, without_library
from mtedbg.analysis.code.mappings import (
    is_anonymous,
    mapped_files,
    mapping_of,
    may_be_generated,
    spans,
)
from mtedbg.analysis.code.searched import searched
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.jits import v8, v8_builtins, v8_code, v8_lines, v8_wasm
from mtedbg.decode.jits.code_pointers import MOST_LIVE, MOST_SEARCHED
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

_NAME = re.compile(r"libnode\.so\.([0-9]{1,4})")
_FRAME = "x29"
_TIERS = ("baseline", "maglev", "turbofan")
NAMELESS = "(anonymous function)"


@dataclass(frozen=True, slots=True)
class JavaScript:
    """The functions of a process.

    Attributes:
        version: name and version for people.
        functions: what frames are asked.
        session: the process.
        path: of the library, whose code the interpreter is; empty where no file has a name.
        code: its compiled code; None of a version whose code objects are not known.
        lines: where in scripts that is; None likewise.
        wasm: its code of WebAssembly; None likewise.
    """

    version: str
    functions: v8.V8
    session: Session
    path: str
    code: v8_code.V8Code | None
    lines: v8_lines.V8Lines | None = None
    wasm: v8_wasm.V8Wasm | None = None

    def at(self, pc: int) -> ForeignCode | None:
        """The code at `pc`, else that V8 may have made what is there; see `jits.py`."""
        if not may_be_generated(self.session, pc):
            return self._built_in(pc)
        found = None if self.code is None else self.code.at(pc)
        if found is not None:
            return self._inside(self._of(found), found, pc, self._shared(found))
        compiled = None if self.wasm is None else self.wasm.at(pc)
        if compiled is not None:
            return self._of_wasm(compiled, pc)
        why = Absent(Reason.UNKNOWN, "neither a code object nor code of WebAssembly is known there")
        if self.code is None:  # its frames may be known all the same
            why = unknown_version(f"code objects of {self.version}")
        limits = () if self.wasm is None else tuple(filter(None, [self.wasm.limit]))
        return ForeignCode(CodeSource.V8, block=why, notes=limits, version=self.version)

    def _built_in(self, pc: int) -> ForeignCode | None:
        """The function of V8's own library at `pc`, of those that have no symbols."""
        if not self._is_of_library(pc):
            return None
        found = _built_ins(self.session, self.path)
        one = None if isinstance(found, Absent) else found.at(pc)
        if one is None:
            return None
        span = CodeSpan(one.start, one.end, one.name)
        return ForeignCode(
            CodeSource.V8,
            block=span,
            symbol=span,
            kind="function",
            noun="built-in code",
            version=self.version,
        )

    def _of_wasm(self, found: v8_wasm.WasmCode, pc: int | None = None) -> ForeignCode:
        places = [] if self.wasm is None or pc is None else self.wasm.places(found, pc)
        names = [found.module.function_name(index) for index, _ in places]
        outer = zip(names[1:], places[1:], strict=True)
        return ForeignCode(
            CodeSource.V8,
            block=CodeSpan(found.start, found.end),
            symbol=CodeSpan(found.start, found.end, found.name),
            notes=tuple(f"inlined into {name} at {place:#x}" for name, (_, place) in outer),
            kind=f"wasm {found.kind}" if found.kind == "function" else found.kind,
            noun="code of WebAssembly",
            tier=found.tier or NOT_APPLICABLE,
            function=names[0] if names else NOT_APPLICABLE,
            guest_rip=places[0][1] if places else NOT_APPLICABLE,
            version=self.version,
        )

    def blocks(self) -> ForeignCodes:
        """Its code objects."""
        if self.code is None:
            cut = "the layout of its code objects is not known"
            return ForeignCodes(CodeSource.V8, (), cut, self.version)
        found = [*islice(self.code.all(), MOST + 1)]
        # Whose each one is takes a search of its own: only where one is asked for.
        codes = tuple(self._of(one, named=False) for one in found[:MOST])
        if self.wasm is not None and len(found) <= MOST:
            codes += tuple(map(self._of_wasm, islice(self.wasm.all(), MOST + 1 - len(codes))))
        cut = "" if self.wasm is None else self.wasm.limit
        if self.code.is_cut:
            cut = f"{v8_code.MOST_CODE >> 20} MiB of executable memory were searched, and no more"
        if max(len(found), len(codes)) > MOST:
            cut = f"more than {MOST} pieces of code"
        codes = codes[:MOST]
        notes = ("`jit-block ADDRESS` tells the function of one",) if codes else ()
        return ForeignCodes(CodeSource.V8, codes, cut, self.version, notes)

    def _of(self, found: v8_code.CodeObject, *, named: bool = True) -> ForeignCode:
        owner = v8_code.Owner(None)
        if named and self.code is not None:
            owner = self.code.owner(found)
        notes = [owner.note] if owner.note else []
        function: str | Absent = NOT_APPLICABLE
        line: SourceLine | Absent = NOT_APPLICABLE
        if owner.function is not None:
            function = owner.function.name or NAMELESS
            line, more = _line(owner.function)
            notes += more
        return ForeignCode(
            CodeSource.V8,
            block=CodeSpan(found.start, found.end),
            symbol=CodeSpan(found.start, found.end, or_else(function, "")),
            notes=tuple(notes),
            kind=found.kind,
            noun="code object",
            tier=found.kind if found.kind in _TIERS else NOT_APPLICABLE,
            function=function,
            line=line,
            version=self.version,
        )

    def _shared(self, found: v8_code.CodeObject) -> int | None:
        return None if self.code is None else self.code.owner(found).shared

    def _inside(
        self, code: ForeignCode, found: v8_code.CodeObject, pc: int, shared: int | None
    ) -> ForeignCode:
        """The code with the line of an instruction, and what was inlined there."""
        places = [] if self.lines is None else self.lines.at(found, pc, shared)
        if not places:
            return code
        inlined = [f"inlined into {one.name or NAMELESS}{_line_words(one)}" for one in places[1:]]
        line, notes = _line(places[0])
        name = places[0].name or NAMELESS
        return replace(code, function=name, line=line, notes=(*notes, *inlined))

    def in_frame(self, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
        """The function whose frame it is, with script and line; None of other frames."""
        if not registers.get(_FRAME) or not self._is_code(pc):
            return None
        frame = self.functions.words.strip(registers[_FRAME])
        shared = self.functions.shared_in(frame)
        if shared is None:
            named = self.session.target.symbol_at(pc)
            return self._built_in(pc) if isinstance(named, Absent) else None
        found = self.functions.described(shared, frame)
        line, notes = _line(found)
        compiled = None if self.code is None else self.code.at(pc)
        if compiled is not None:
            # The frame tells the function; to look for it by its code would take longer.
            code = self._of(compiled, named=False)
            code = replace(code, function=found.name or NAMELESS, line=line, notes=tuple(notes))
            return self._inside(code, compiled, pc, shared)
        return ForeignCode(
            CodeSource.V8,
            block=Absent(Reason.UNKNOWN, "the interpreter's code is the library's"),
            function=found.name or NAMELESS,
            line=line,
            notes=tuple(notes),
            kind="function",
            version=self.version,
        )

    def _is_code(self, pc: int) -> bool:
        """Whether V8 may run JavaScript there: its own code, and what is built in."""
        return may_be_generated(self.session, pc) or self._is_of_library(pc)

    def _is_of_library(self, pc: int) -> bool:
        region = mapping_of(self.session, pc)
        return not isinstance(region, Absent) and region.name == self.path and "x" in region.perms


@once
def _built_ins(session: Session, path: str) -> v8_builtins.BuiltIns | Absent:
    """What the library at `path` has built in."""

    def is_its_own(one: Region) -> bool:
        return bool(path) and one.name == path

    code = spans(session, lambda one: is_its_own(one) and "x" in one.perms)
    kept = spans(session, lambda one: is_its_own(one) and one.perms.startswith(("r--", "r-x")))
    changed = spans(session, lambda one: is_its_own(one) and one.perms.startswith("rw"))
    ends = {end for _, end in changed}
    # Its variables that begin as zeros follow, in memory that is no file's.
    changed += spans(
        session,
        lambda one: is_anonymous(one) and one.start in ends and one.perms.startswith("rw"),
    )
    words = Words(session.target, session.info.pac_mask)
    return v8_builtins.built_ins(words, code, kept, changed)


def _line(found: v8.JsFunction) -> tuple[SourceLine | Absent, list[str]]:
    """The line, and what is said where only that of the function's begin is known."""
    if not found.script:
        return NOT_APPLICABLE, []
    where = []
    if not found.line and found.start_line:
        where.append(f"the function begins at {found.script}:{found.start_line}")
    return SourceLine(found.script, found.line), where


def _line_words(found: v8.JsFunction) -> str:
    return f" at {SourceLine(found.script, found.line)}" if found.script else ""


def _compiled(
    session: Session, functions: v8.V8, number: tuple[int, int] | None
) -> tuple[v8_code.V8Code | None, v8_wasm.V8Wasm | None]:
    """The compiled code, of a version whose code objects are known; WebAssembly's likewise."""
    memory = searched(session, functions.words)
    code = wasm = None
    form = v8_code.CODE_FORMS.get(number) if number is not None else None
    if form is not None and all(key in functions.known for key in v8.CODE):
        code = v8_code.V8Code(functions, form, memory)
    compiled = v8_wasm.FORMS.get(number) if number is not None else None
    if compiled is not None:
        wasm = v8_wasm.V8Wasm(memory, compiled)
    return code, wasm


def find(session: Session, mapped: MappedFile | None) -> JavaScript | Absent:
    """The functions of the library that is mapped.

    Args:
        session: the process.
        mapped: the library; None where no file has a name.
    """
    target = session.target
    named = None if mapped is None else _NAME.fullmatch(mapped.name)
    version = "V8" if named is None else f"V8 of libnode {named[1]}"
    if isinstance(target.symbol_address(v8.SYMBOL), Absent):
        if named is None:  # a program called node is not always one
            return NOT_APPLICABLE
        return without_library(version, named[0])
    if named is None and any(_NAME.fullmatch(one.name) for one in mapped_files(session)):
        return NOT_APPLICABLE  # the program is small, and the library has V8
    words = Words(target, session.info.pac_mask)
    number = v8.version_of(words, target.symbol_address)
    if number is None and named is not None:  # a core may lack that page
        number = v8.LIBRARIES.get(int(named[1]))
    form = v8.FORMS.get(number) if number is not None else None
    if number is not None and (named is None or form is None):
        version = version.replace("V8", f"V8 {number[0]}.{number[1]}")
    if form is not None:
        version = f"{version} ({form.name})"
    try:
        functions = v8.V8(words, target.symbol_address, form)
    except HoleError as hole:
        return cannot_read(version, hole.why)
    path = "" if mapped is None else mapped.path
    code, wasm = _compiled(session, functions, number)
    lines = None
    if code is not None and mapped is not None:
        most = MOST_SEARCHED if session.info.is_dead else MOST_LIVE
        tables = spans(session, lambda one: one.name == path and "w" not in one.perms)
        lines = v8_lines.V8Lines(functions, code, tables, most)
    return JavaScript(version, functions, session, path, code, lines, wasm)
