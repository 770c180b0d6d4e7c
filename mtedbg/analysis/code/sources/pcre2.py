"""PCRE2's machine code: which regular expression it is of, as far as that is kept."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST
from mtedbg.analysis.code.mappings import is_anonymous, mapped_files, said_in, spans
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import pcre2
from mtedbg.decode.jits.code_pointers import MOST_LIVE, MOST_SEARCHED, CodePointers
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

FILES = re.compile(r"libpcre2-(?:8|16|32)\.so.*")
SYMBOL = "pcre2_jit_compile_8"
NAME = "regular expression"
_SAYS = re.compile(rb"\0(10\.[0-9]{2}) 20[0-9]{2}-[0-9]{2}-[0-9]{2}\0")
_MOST_SAID = 1 << 22


@dataclass(frozen=True, slots=True)
class Pcre2:
    """The regular expressions of a process.

    Attributes:
        version: name and version for people.
        code: where their code is.
    """

    version: str
    code: pcre2.RegularExpressions

    def at(self, pc: int) -> ForeignCode | None:
        """The code of an expression at `pc`; see `analysis/code/jits.py`."""
        found = self.code.at(pc)
        return None if found is None else self._of(found)

    def blocks(self) -> ForeignCodes:
        """The code of all expressions."""
        found = [*islice(self.code.all(), MOST + 1)]
        cut = self.code.searched.limit
        if self.code.is_cut:
            cut = f"code was looked for at {pcre2.MOST_PAGES} places, and no more"
        if len(found) > MOST:
            cut = f"more than {MOST} expressions"
        codes = tuple(map(self._of, found[:MOST]))
        return ForeignCodes(CodeSource.PCRE2, codes, cut, self.version)

    def _of(self, block: pcre2.Block) -> ForeignCode:
        found = self.code.expression(block)
        assert found is not None, "blocks without one are not told"
        name, notes = NAME, []
        if found.groups is None or found.mode is None:
            notes.append("the expression itself is not found")
        else:
            notes.append(f"compiled for {pcre2.MODES[found.mode]}")
            count, names = found.groups
            notes.append(f"{count} groups" if count != 1 else "1 group")
            name = f"{NAME} ({', '.join(names)})" if names else NAME
        return ForeignCode(
            CodeSource.PCRE2,
            block=CodeSpan(block.start, found.end),
            symbol=CodeSpan(block.start, found.end, name),
            notes=tuple(notes),
            kind="expression",
            noun="code",
            version=self.version,
        )


def find(session: Session, mapped: MappedFile | None) -> Pcre2 | Absent:
    """The expressions of the library that is mapped.

    Args:
        session: the process.
        mapped: the library; None where a program has it built in, and where no file has a name.

    Returns:
        `NOT_APPLICABLE` where nothing tells that the process has it, and of a second library of
        it, for wider characters: the code of all of them is found by one.
    """
    others = (one for one in mapped_files(session) if FILES.fullmatch(one.name))
    if mapped is not None and mapped.path != next(others, mapped).path:
        return NOT_APPLICABLE
    said = "" if mapped is None else said_in(session, mapped, _SAYS, _MOST_SAID)
    known = mapped is not None or not isinstance(session.target.symbol_address(SYMBOL), Absent)
    runs = spans(session, lambda one: is_anonymous(one) and _may_be(one, known))
    heaps = spans(
        session,
        lambda one: (is_anonymous(one) or one.name == "[heap]") and one.perms.startswith("rw-"),
    )
    most = MOST_SEARCHED if session.info.is_dead else MOST_LIVE
    words = Words(session.target, session.info.pac_mask)
    code = pcre2.RegularExpressions(CodePointers(words, runs, heaps, most))
    if not known and next(code.all(), None) is None:
        return NOT_APPLICABLE
    return Pcre2(f"PCRE2 {said}".rstrip(), code)


def _may_be(region: Region, known: bool) -> bool:
    """Whether its code may be in a mapping: it is written where it is executed."""
    return region.perms.startswith("rwx") or (known and bool({"x", "?"} & {*region.perms}))
