"""`Report`: what every query returns. Typed columns, rows, notes and, sometimes, a picture.

A report knows nothing of terminals; `mtedbg.render` makes text, JSON, HTML or SVG of it. Where the
user asked for a file, the report carries what goes into it (`Document`): `commands/_line.py`, which
every edge calls, writes it. Queries and renderers never do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent

if TYPE_CHECKING:  # a debugger reads this file at its start
    from mtedbg.errors import MtedbgError
    from mtedbg.model.cell_map import CellMap
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
    """

    key: str
    kind: Kind
    help: str
    heading: str = ""
    shown: bool = True

    @property
    def title(self) -> str:
        """The heading to print."""
        return self.heading or self.key.replace("_", " ")


Scalar = int | str | bool | Absent
Value = Scalar | Sequence[Scalar | Mapping[str, Scalar]] | Mapping[str, Scalar]
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text with a role (`tag-mismatch`, `mark`, `address`, `dim`…) or none."""

    text: str
    role: str = ""


Line = tuple[Span, ...]


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
class Report:
    """An answer.

    Attributes:
        command: the command that it answers, "mte-tags".
        target: what was asked.
        columns: keys of the rows, in order.
        rows: one mapping a row; every key of `columns` is there, absent values as `Absent`.
        notes: remarks for people, one line each.
        picture: lines drawn in text instead of the plain table (a tag map, a disassembly).
        headline: one line above everything: the cause, the verdict; may be empty.
        listing: whether the rows are a list of things, in text a table even where it is one.
        cut: whether there are more rows than these; a note says how to see them.
        lacking: whether rows are missing since they could not be read; a note says which.
        figure: what formats that can draw show beside the rows; text and JSON leave it out.
        documents: files that the user asked for, to be written by the edge.
    """

    command: str
    target: TargetInfo
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    picture: tuple[Line, ...] = field(default=())
    headline: str = ""
    listing: bool = False
    cut: bool = False
    lacking: bool = False
    figure: CellMap | None = None
    documents: tuple[Document, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether something that should be here is not."""
        return self.cut or self.lacking or any(absent.is_hole for _, _, absent in self.holes())

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
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer that is made of several.

    Attributes:
        title: its heading.
        line: the command that answers it, as a user would type it; empty where none does.
        report: the answer; None where there is none.
        error: what stopped it.
    """

    title: str
    line: str = ""
    report: Report | None = None
    error: MtedbgError | None = None


def _absents(key: str, value: Value) -> list[tuple[str, Absent]]:
    if isinstance(value, Absent):
        return [(key, value)]
    if isinstance(value, Mapping):
        return [pair for name, item in value.items() for pair in _absents(f"{key}.{name}", item)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [pair for n, item in enumerate(value) for pair in _absents(f"{key}[{n}]", item)]
    return []
