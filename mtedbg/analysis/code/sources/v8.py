"""V8's functions, by what its frames hold: which function, which script, which line.

V8 keeps no list of its code that a stopped process could be asked for, and its interpreter is code
of the library itself. So a frame tells what it runs, and a PC alone does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import cannot_read, without_library
from mtedbg.analysis.code.mappings import mapping_of, may_be_generated
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import v8
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.session import Session

_NAME = re.compile(r"libnode\.so\.([0-9]{1,4})")
_FRAME = "x29"
NAMELESS = "(anonymous function)"


@dataclass(frozen=True, slots=True)
class JavaScript:
    """The functions of a process.

    Attributes:
        version: name and version for people.
        functions: what frames are asked.
        session: the process.
        path: of the library, whose code the interpreter is; empty where no file has a name.
    """

    version: str
    functions: v8.V8
    session: Session
    path: str

    def at(self, pc: int) -> ForeignCode | None:
        """That V8 may have made the code; see `analysis/code/jits.py`."""
        if not may_be_generated(self.session, pc):
            return None
        why = Absent(Reason.UNKNOWN, "its frames tell what they run, its code does not")
        return ForeignCode(CodeSource.V8, block=why, version=self.version)

    def blocks(self) -> ForeignCodes:
        """None: V8 keeps no list of them."""
        return ForeignCodes(CodeSource.V8, (), "V8 has no list of its code", self.version)

    def in_frame(self, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
        """The function whose frame it is, with script and line; None of other frames."""
        if not registers.get(_FRAME) or not self._is_code(pc):
            return None
        found = self.functions.function_in(self.functions.words.strip(registers[_FRAME]))
        if found is None:
            return None
        notes = []
        line: SourceLine | Absent = NOT_APPLICABLE
        if found.script:
            line = SourceLine(found.script, found.line)
            if not found.line and found.start_line:
                notes.append(f"the function begins at {found.script}:{found.start_line}")
        return ForeignCode(
            CodeSource.V8,
            block=Absent(Reason.UNKNOWN, "V8 does not tell where its code is"),
            function=found.name or NAMELESS,
            line=line,
            notes=tuple(notes),
            kind="function",
            version=self.version,
        )

    def _is_code(self, pc: int) -> bool:
        """Whether V8 may run JavaScript there: its own code, and what is built in."""
        if may_be_generated(self.session, pc):
            return True
        region = mapping_of(self.session, pc)
        return not isinstance(region, Absent) and region.name == self.path and "x" in region.perms


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
        if mapped is None:
            return NOT_APPLICABLE
        return without_library(version, mapped.name)
    form = v8.FORMS.get(int(named[1])) if named is not None else None
    if form is not None:
        version = f"{version} ({form.name})"
    words = Words(target, session.info.pac_mask)
    try:
        functions = v8.V8(words, target.symbol_address, form)
    except HoleError as hole:
        return cannot_read(version, hole.why)
    return JavaScript(version, functions, session, "" if mapped is None else mapped.path)
