"""Places in source text, as debug information has them."""

from mtedbg.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a source file.

    Attributes:
        file: as the compiler was given it, with its folder where debug information has one.
        line: from 1; 0 where the compiler says that none is.
        last: where the code may be of several lines, the last of them; else 0.
    """

    file: str
    line: int
    last: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}-{self.last}" if self.last else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class InlinedCall:
    """A function whose code stands within another function's.

    Attributes:
        function: its name, demangled, without parameters.
        source: where in it the code is: its line, or where it calls what was inlined into it.
    """

    function: str
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """What debug information says of an address.

    Attributes:
        function: the function that was not inlined, as debug information names it; may be empty.
        source: where in that function: its line, or where it calls what was inlined.
        inlined: functions that were inlined there, the innermost first.
    """

    function: str = ""
    source: SourceLine | None = None
    inlined: tuple[InlinedCall, ...] = ()
