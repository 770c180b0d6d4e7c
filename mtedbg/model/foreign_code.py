"""Code of a JIT that has no debug root, as it describes it to other tools, or keeps it itself."""

from collections.abc import Mapping
from enum import StrEnum

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.source import SourceLine


class CodeSource(StrEnum):
    """Who knows which code is where; the value is the word of `jit-block`."""

    DEBUG_ROOT = "debug root"
    BOX64 = "box64"
    LUAJIT = "LuaJIT"
    SPIDERMONKEY = "SpiderMonkey"
    HOTSPOT = "HotSpot"
    V8 = "V8"
    PHP = "PHP"
    PYPY = "PyPy"
    MONO = "Mono"
    PCRE2 = "PCRE2"
    JIT_INTERFACE = "GDB JIT interface"
    OBJECT = "ELF object in memory"
    JITDUMP = "jitdump"
    PERF_MAP = "perf map"
    MAPPINGS = "mappings"

    @property
    def in_words(self) -> str:
        """As a sentence has it: "the perf map", "HotSpot"."""
        return f"the {self}" if self in _THINGS else str(self)


_THINGS = frozenset(
    (
        CodeSource.DEBUG_ROOT,
        CodeSource.JIT_INTERFACE,
        CodeSource.OBJECT,
        CodeSource.JITDUMP,
        CodeSource.PERF_MAP,
        CodeSource.MAPPINGS,
    )
)
"""Those that are no program's name."""


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """Code in [start, end), and what it is called."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ForeignCode:
    """What one source says of a PC, or of one of the pieces of code that it lists.

    Attributes:
        source: not the debug root.
        number: of what holds the PC, as the source counts: of an object in the order of the
            source, from 1; of a trace its own.
        block: the code that it has; absent where nothing holds the PC, with the reason.
        symbol: the part of it that holds the PC, and its name; does not apply where none does.
        notes: remarks for people.
        kind: what it is, in the JIT's own word: "trace", "nmethod", "baseline"; where it is empty
            the source has one for all.
        noun: what people call one: "block", "trace"; where it is empty the source has one for all.
        tier: the compiler that made it, where the JIT has several.
        state: of its life, in the JIT's own word: "not entrant".
        function: of the guest's or the script's, where that is not the symbol's name.
        guest_rip: the guest instruction that the PC came from.
        line: the line of the guest's or the script's source.
        version: whose layout was read: "box64 0.3.4"; empty where the source has one layout.
    """

    source: CodeSource
    number: int | Absent = NOT_APPLICABLE
    block: CodeSpan | Absent = NOT_APPLICABLE
    symbol: CodeSpan | Absent = NOT_APPLICABLE
    notes: tuple[str, ...] = ()
    kind: str = ""
    noun: str = ""
    tier: str | Absent = NOT_APPLICABLE
    state: str | Absent = NOT_APPLICABLE
    function: str | Absent = NOT_APPLICABLE
    guest_rip: int | Absent = NOT_APPLICABLE
    line: SourceLine | Absent = NOT_APPLICABLE
    version: str = ""


@dataclass(frozen=True, slots=True)
class ForeignCodes:
    """The code that one source has, all or as much as was listed.

    Attributes:
        source: whose.
        codes: one for each piece.
        cut: why the list ends before its end, in words; empty where it is whole.
        version: as in `ForeignCode`.
        notes: remarks for people.
    """

    source: CodeSource
    codes: tuple[ForeignCode, ...] = ()
    cut: str = ""
    version: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignGuest:
    """The state of a guest whose code a host thread runs, as a translator keeps it.

    Attributes:
        rip: the guest's instruction.
        registers: by their names in the guest.
        version: as in `ForeignCode`.
        notes: remarks for people: which registers may be older than the instruction.
    """

    rip: int | Absent = NOT_APPLICABLE
    registers: Mapping[str, int] = field(default_factory=dict)
    version: str = ""
    notes: tuple[str, ...] = ()
