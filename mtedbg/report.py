"""`Answer` and `Report`: facts made presentable, at the very end.

A command makes an `Answer` of facts: rows next to their columns, a headline, notes. Whoever runs it
adds what was asked: that is a `Report`. The program itself never reads a row back: what it needs
are the facts. A report knows nothing of terminals; `mtedbg.render` makes text, JSON, HTML or SVG of
it. Where the user asked for a file, the answer carries what goes into it (`Document`):
`commands/_line.py`, which every edge calls, writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass, field, replace
from mtedbg.model.absent import Absent

if TYPE_CHECKING:  # a debugger reads this file at its start
    from mtedbg.errors import MtedbgError
    from mtedbg.model.cell_map import CellMap
    from mtedbg.model.figure import Figure
    from mtedbg.model.process import TargetInfo


class Kind(Enum):
    """What a column's values are, which decides how they are written.

    In rows an ADDRESS, RAW or WORD is an int, LIST a sequence of texts, ints or mappings.
    """

    ADDRESS = "address"  # without tag and PAC bits; "0x…" in JSON
    RAW = "raw pointer"  # tag bits kept; the key ends in _raw; "0x…" in JSON
    WORD = "instruction word"  # 32 bits; "0x…" in JSON
    TAG = "tag"  # 0 to 15
    COUNT = "count"
    SIZE = "size in bytes"
    FLAG = "flag"
    TEXT = "text"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Column:
    """One key of a report's rows.

    Attributes:
        key: as in JSON: a promise, never renamed.
        kind: what its values are.
        help: its meaning, one line, for `help COMMAND`.
        heading: over the column in text; the key, spaces for underscores, where empty.
        shown: whether text shows it in a table (a record shows every key that applies).
        whole: whether a table shows all members of its values, and not only the first.
    """

    key: str
    kind: Kind
    help: str
    heading: str = ""
    shown: bool = True
    whole: bool = False

    @property
    def title(self) -> str:
        """The heading to print."""
        return self.heading or self.key.replace("_", " ")


Scalar = int | str | bool | Absent
Value = Scalar | Sequence[Scalar | Mapping[str, Scalar]] | Mapping[str, Scalar]
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text with a role (`tag-mismatch`, `mark`, `address`, `dim`…) or none."""

    text: str
    role: str = ""


Line = tuple[Span, ...]

HERE, NOT_HERE = Span("=> ", "here"), Span("   ")
"""What lines begin with of which one is where something is."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a command goes on that is called again without arguments.

    Attributes:
        pointer: the address to begin at, with the tag of the pointer that was asked about.
        length: bytes; None for as much as is shown where no length is given.
    """

    pointer: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """A file that the user asked for.

    Attributes:
        path: as the user gave it.
        content: text of the whole file.
    """

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Record:
    """One thing: text writes a line for each key that applies.

    Attributes:
        row: its values by key.
        lines: what text shows instead; none where the keys say it all.
    """

    row: Row
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Things of one kind: text writes a line for each.

    Attributes:
        rows: their values by key.
        lines: what text shows instead (a tag map, a disassembly); none for the table itself.
        here: number of the row that is the current one, marked where a format can; None for none.
    """

    rows: tuple[Row, ...] = ()
    lines: tuple[Line, ...] = ()
    here: int | None = None


def record_or_table(rows: Sequence[Row]) -> Record | Table:
    """One row as a record, several as a table."""
    return Record(rows[0]) if len(rows) == 1 else Table(tuple(rows))


def rows_of(body: Record | Table) -> tuple[Row, ...]:
    """The rows of either."""
    return (body.row,) if isinstance(body, Record) else body.rows


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about a question. Every row has all keys of its columns, or an `Absent` there.

    Attributes:
        body: the facts as rows.
        headline: one line above everything: the cause, the verdict; may be empty.
        notes: remarks for people, one line each.
        incomplete: whether rows are missing that should be here; a note says which.
        figure: what formats that can draw show next to the rows; text leaves it out.
        documents: files that the user asked for, to be written by the edge.
        continuation: where the same command goes on, in commands that can.
    """

    body: Record | Table = Table()
    headline: str = ""
    notes: tuple[str, ...] = ()
    incomplete: bool = field(default=False, kw_only=True)
    figure: CellMap | None = field(default=None, kw_only=True)
    documents: tuple[Document, ...] = field(default=(), kw_only=True)
    continuation: Continuation | None = field(default=None, kw_only=True)

    def noting(self, *notes: str) -> Answer:
        """The same answer with further notes."""
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True, slots=True)
class Report:
    """An answer, and what was asked.

    Attributes:
        command: the command that it answers, "mte-tags"; of a part of a post-mortem its name.
        target: what was asked.
        columns: keys of the rows, in order.
        answer: what is said.
    """

    command: str
    target: TargetInfo
    columns: tuple[Column, ...] = ()
    answer: Answer = Answer()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the body, one of a record."""
        return rows_of(self.answer.body)

    @property
    def headline(self) -> str:
        """The answer's headline."""
        return self.answer.headline

    @property
    def notes(self) -> tuple[str, ...]:
        """The answer's notes."""
        return self.answer.notes

    @property
    def partial(self) -> bool:
        """Whether something that should be here is not."""
        return self.answer.incomplete or any(absent.is_hole for _, _, absent in self.holes())

    def holes(self) -> list[tuple[int, str, Absent]]:
        """Every absent value: row index, key (dotted inside a list or mapping), reason."""
        return [
            (index, key, absent)
            for index, row in enumerate(self.rows)
            for name, value in row.items()
            for key, absent in _absents(name, value)
        ]

    def noting(self, *notes: str) -> Report:
        """The same report with further notes."""
        return replace(self, answer=self.answer.noting(*notes))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer that is made of several.

    Attributes:
        title: its heading.
        line: the command that answers it, as a user would type it; empty where none does.
        report: the answer; None where there is none.
        error: what stopped it.
        figure: what formats that can draw show next to the rows, or instead of them.
    """

    title: str
    line: str = ""
    report: Report | None = None
    error: MtedbgError | None = None
    figure: Figure | None = None


def _absents(key: str, value: Value) -> list[tuple[str, Absent]]:
    if isinstance(value, Absent):
        return [(key, value)]
    if isinstance(value, Mapping):
        return [pair for name, item in value.items() for pair in _absents(f"{key}.{name}", item)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [pair for n, item in enumerate(value) for pair in _absents(f"{key}[{n}]", item)]
    return []
