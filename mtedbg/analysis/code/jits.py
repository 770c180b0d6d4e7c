"""JITs whose own structures are read: which of them are in a process, and what they know of a PC.

How to add one:
 1. `decode/jits/NAME.py`: bytes → structure. A table of layouts by version, the check of the
    structure against itself that confirms one, a bound on every search. Pointers that are followed
    are stripped first (`Jit` below says of what).
 2. `analysis/code/sources/NAME.py` with `find(session, mapped)`, which makes a `Jit` of it.
 3. A `CodeSource`, and a row in `READERS`: the module, and the files or symbols that tell that the
    JIT is in a process.
 4. Tests with the JIT as its users have it, against its own word; 200 random changes.
 5. A row in `docs/jits.md`.

What `find` and a `Jit` ask of the target is memory, mappings and addresses of symbols, and nothing
else: a debugger asks them in the middle of unwinding, where there are no frames and no registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mtedbg.analysis.code.mappings import MappedFile, mapped_files, with_build_id
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present
from mtedbg.model.foreign_code import CodeSource, ForeignCode, ForeignCodes, ForeignGuest
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.finding import Finding
    from mtedbg.session import Session

MOST = 1 << 16
"""Pieces of code that are listed of one JIT at most."""


class Jit(Protocol):
    """A JIT in a process, whose layout is known and was confirmed."""

    @property
    def version(self) -> str:
        """Name and version for people: "box64 0.3.4"."""

    def at(self, pc: int) -> ForeignCode | None:
        """What it has at `pc`; None where it has nothing.

        Where it may have something and cannot tell, `ForeignCode.block` is absent with the reason;
        what a bounded search has left out stands in `ForeignCode.notes`.

        Args:
            pc: without tag and PAC bits.
        """

    def blocks(self) -> ForeignCodes:
        """Its pieces of code, at most `MOST`; says where it leaves some out."""


@runtime_checkable
class Unwinder(Protocol):
    """A JIT whose frames are left by what it knows: others keep the ABI's frame records."""

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | Absent | None:
        """The registers of whoever called the code at `pc`.

        Args:
            pc: in its code, without tag and PAC bits.
            registers: of the frame: sp, and those of x0 to x30 that are known.

        Returns:
            At least pc, sp and x29; x19 to x28 where they can be told. None where the frame has a
            frame record like any other; absent, with the reason, where the frames end here.
        """


@runtime_checkable
class GuestKeeper(Protocol):
    """A translator, which keeps a guest's registers in those of the host."""

    def guest(self, pc: int, registers: Mapping[str, int]) -> ForeignGuest | Absent:
        """The guest's state where the host's PC is in translated code.

        Args:
            pc: in its code, without tag and PAC bits.
            registers: of the innermost frame.
        """


@runtime_checkable
class FrameReader(Protocol):
    """A JIT with an interpreter: what a frame of it runs stands in the frame, not at its PC."""

    def in_frame(self, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
        """What a frame runs, more than `at` tells of its PC; None where the frame does not tell.

        Args:
            pc: in its code, without tag and PAC bits; of a call, an address of it.
            registers: of the frame, those of x19 to x30 and sp that are known.
        """


@runtime_checkable
class Auditor(Protocol):
    """A JIT whose structures say the same in several places: `jit-audit` compares them."""

    def findings(self) -> Iterator[Finding]:
        """What contradicts itself, as it is found; a JIT that is in order has none."""


@runtime_checkable
class Namer(Protocol):
    """A JIT whose blocks have several functions each: `blocks` does not list these."""

    def named(self, name: str) -> Iterator[ForeignCode]:
        """The code of the function that is called `name`, as `at` has it."""


@runtime_checkable
class HostCaller(Protocol):
    """A translator whose guests call the host's functions by code that it makes for them."""

    def bridge(self, address: int) -> str | None:
        """What the guest's code at `address` leads to.

        Args:
            address: the guest's.

        Returns:
            The host's function; empty where the code is the way back into the host; None where it
            is an ordinary program's.
        """


@dataclass(frozen=True, slots=True)
class Reader:
    """One JIT that can be read.

    Attributes:
        source: how it is named.
        module: in `analysis/code/sources`, with `find(session, mapped) -> Jit | Absent`. It is
            imported where the JIT is in the process. `find` gives `NOT_APPLICABLE` where the
            process turns out not to run it, and `unknown_version` where it cannot read this one.
            `mapped` is None where something else than a file told it.
        files: a pattern for the whole name, without folder, of a file that is mapped where it is.
        symbol: one that it exports; asked where no file tells, as of a program that has it built
            in. Empty where there is none.
        searches: whether `find` can tell by the memory alone, in little time. It is asked where no
            file of the process has a name, as in a core of QEMU's user mode.
    """

    source: CodeSource
    module: str
    files: str
    symbol: str = ""
    searches: bool = False


READERS: tuple[Reader, ...] = (
    Reader(CodeSource.BOX64, "box64", r"box64", symbol="arm64_prolog", searches=True),
    Reader(
        CodeSource.LUAJIT, "luajit", r"luajit.*|libluajit-.*\.so.*", "luaJIT_setmode", searches=True
    ),
    Reader(CodeSource.V8, "v8", r"libnode\.so\.[0-9]+|node(?:js)?", "v8dbg_SmiShiftSize"),
    Reader(CodeSource.HOTSPOT, "hotspot", r"libjvm\.so", "gHotSpotVMStructs"),
    Reader(CodeSource.PHP, "php", r"opcache\.so"),
    Reader(CodeSource.SPIDERMONKEY, "spidermonkey", r"libmozjs-[0-9]+\.so.*"),
    Reader(CodeSource.PYPY, "pypy", r"libpypy[0-9.]*-c\.so"),
    Reader(CodeSource.MONO, "mono", r"mono(?:-sgen)?|libmono(?:sgen)?-2\.0\.so.*"),
    Reader(
        CodeSource.PCRE2,
        "pcre2",
        r"libpcre2-(?:8|16|32)\.so.*",
        "pcre2_jit_compile_8",
        searches=True,
    ),
)
"""In the order in which they are asked; a PC is in code of one of them."""


@dataclass(frozen=True, slots=True)
class FoundJit:
    """A JIT that is in the process.

    Attributes:
        source: how it is named.
        mapped: the file that tells so; None where a symbol did.
        jit: what can be asked; or why it cannot be read.
    """

    source: CodeSource
    mapped: MappedFile | None
    jit: Jit | Absent


def unknown_version(name: str) -> Absent:
    """What a reader says of a version that it has no layout for.

    Args:
        name: with the version as far as it is known: "box64 0.5.1".
    """
    return Absent(Reason.UNKNOWN_VERSION, f"{name}: layout not known")


def cannot_read(name: str, why: Absent) -> Absent:
    """What a reader says that cannot go on.

    Args:
        name: with the version as far as it is known: "V8 of libnode 115".
        why: what it lacks.
    """
    return Absent(why.reason, f"{name}: {why.detail}")


def without_library(name: str, library: str) -> Absent:
    """What a reader says where the library is not here whose symbols tell the layout.

    Args:
        name: as of `cannot_read`.
        library: its file.
    """
    needed = f"{library}, which has the layout of its structures, is not here"
    return cannot_read(name, Absent(Reason.NOT_DUMPED, needed))


@once
def jits(session: Session) -> tuple[FoundJit, ...]:
    """The JITs in the process that there is a reader for."""
    return tuple(found for reader in READERS for found in _found(session, reader))


def _found(session: Session, reader: Reader) -> Iterator[FoundJit]:
    pattern = re.compile(reader.files)
    marks: list[MappedFile | None] = [
        one for one in mapped_files(session) if pattern.fullmatch(one.name)
    ]
    if not marks and reader.searches and not _tells(session):
        marks = [None]
    if not marks and reader.symbol and present(session.target.symbol_address(reader.symbol)):
        marks = [None]
    for mark in marks:
        mapped = None if mark is None else with_build_id(session, mark)
        module = import_module(f"mtedbg.analysis.code.sources.{reader.module}")
        jit: Jit | Absent = module.find(session, mapped)
        if not isinstance(jit, Absent) or jit.is_hole:
            yield FoundJit(reader.source, mapped, jit)


@once
def _tells(session: Session) -> bool:
    """Whether the process tells which files are mapped where code may be made.

    A core of QEMU's user mode has no names at all, and of its images the program's at most: every
    reader has to look for itself.
    """
    if any(path.startswith("/") for path in session.file_starts) or isinstance(
        session.target.regions(), Absent
    ):
        return True
    regions = or_else(session.target.regions(), ())
    return not any(region.perms.startswith("rwx") or region.perms == "r-x" for region in regions)


def foreign_at(session: Session, pc: int) -> tuple[FoundJit, ForeignCode] | None:
    """The JIT that has code at `pc`, and what; else one that may have; None where none may.

    Args:
        session: the process.
        pc: without tag and PAC bits.
    """
    unread = None
    for found in jits(session):
        jit = found.jit
        if isinstance(jit, Absent):
            unread = unread or (found, ForeignCode(found.source, block=jit))
            continue
        code = jit.at(pc)
        if code is None:
            continue
        if present(code.block):
            return found, code
        if code.block != NOT_APPLICABLE:
            unread = unread or (found, code)
    return unread


def unwound(
    session: Session, pc: int, registers: Mapping[str, int]
) -> Mapping[str, int] | Absent | None:
    """The registers of the caller of JIT code at `pc`; None where it keeps frame records."""
    found = foreign_at(session, pc)
    if found is None or not isinstance(found[0].jit, Unwinder):
        return None
    return found[0].jit.unwind(pc, registers)


def in_frame(session: Session, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
    """What a frame of JIT code runs, where the frame tells more than its PC does; else None."""
    for found in jits(session):
        if isinstance(found.jit, FrameReader):
            code = found.jit.in_frame(pc, registers)
            if code is not None:
                return code
    return None


def guest_of(session: Session, pc: int, registers: Mapping[str, int]) -> ForeignGuest | Absent:
    """The state of a guest, where `pc` is in code of a translator that has one."""
    found = foreign_at(session, pc)
    if found is None or not isinstance(found[0].jit, GuestKeeper):
        return NOT_APPLICABLE
    return found[0].jit.guest(pc, registers)


def bridge_at(session: Session, address: int) -> str | None:
    """The host's function that a guest's code leads to; see `HostCaller`."""
    for found in jits(session):
        if isinstance(found.jit, HostCaller):
            bridge = found.jit.bridge(address)
            if bridge is not None:
                return bridge
    return None
