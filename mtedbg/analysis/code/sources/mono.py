"""Mono's compiled methods."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import may_be_generated, said_in
from mtedbg.analysis.code.searched import searched
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import mono
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.session import Session

_SAYS = re.compile(rb"\0([1-9][0-9]?\.[0-9]{1,2}\.[0-9]{1,3}(?:\.[0-9]{1,4})?)\0")
_MOST_SAID = 1 << 24
_IN_FILE = "the names that are missing are in the file of an assembly"
NOT_DESCRIBED = "it is of no method: it may be a trampoline"


@dataclass(frozen=True, slots=True)
class Mono:
    """The methods of a process.

    Attributes:
        version: name and version for people.
        methods: where they are.
        session: the process.
    """

    version: str
    methods: mono.Methods
    session: Session

    def at(self, pc: int) -> ForeignCode | None:
        """The method at `pc`; see `analysis/code/jits.py`."""
        if not may_be_generated(self.session, pc):
            return None
        found = self.methods.at(pc)
        if found is not None:
            return self._of(found)
        why = Absent(Reason.UNKNOWN, NOT_DESCRIBED)
        limits = tuple(filter(None, [self.methods.limit]))
        return ForeignCode(CodeSource.MONO, block=why, notes=limits, version=self.version)

    def blocks(self) -> ForeignCodes:
        """All methods that were compiled."""
        found = [*islice(self.methods.all(), MOST + 1)]
        cut = f"more than {MOST} methods" if len(found) > MOST else self.methods.limit
        codes = tuple(map(self._of, found[:MOST]))
        return ForeignCodes(CodeSource.MONO, codes, cut, self.version)

    def _of(self, found: mono.Method) -> ForeignCode:
        return ForeignCode(
            CodeSource.MONO,
            block=CodeSpan(found.start, found.end),
            symbol=CodeSpan(found.start, found.end, found.name),
            notes=(_IN_FILE,) if "?" in (found.name or "?") else (),
            kind="method",
            noun="method",
            version=self.version,
        )


def find(session: Session, mapped: MappedFile | None) -> Mono | Absent:
    """The methods of the Mono that is mapped.

    Args:
        session: the process.
        mapped: its program, or its library.
    """
    said = "" if mapped is None else said_in(session, mapped, _SAYS, _MOST_SAID)
    number = tuple(int(part) for part in said.split(".")[:2] if part)
    form = next((form for key, form in mono.FORMS.items() if key == number), None)
    version = f"Mono {said}".rstrip()
    if form is None:
        return unknown_version(version)
    words = Words(session.target, session.info.pac_mask)
    return Mono(version, mono.Methods(searched(session, words), form), session)
