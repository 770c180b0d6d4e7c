"""A table of a runtime that is listed whole: its records, and what is wrong with it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, then

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from mtedbg.layout import Runtime

T = TypeVar("T", bound="DataclassInstance")

MOST = 1 << 16
"""Records that are listed of a table at most."""


@dataclass(frozen=True)
class Listed(Generic[T]):
    """The records of one table.

    Attributes:
        name: of the table in the debug root.
        rows: the records, at most `MOST` and one; or why they cannot be read.
        stale: whether the newest table is torn, and this is one generation older.
        damage: which records are lost, "2 of 40 records of Block"; empty where none is.
    """

    name: str
    rows: tuple[T, ...] | Absent
    stale: bool = False
    damage: str = ""


def listed(runtime: Runtime, name: str, model: type[T]) -> Listed[T]:
    """The records of the table called `name`.

    Raises:
        LayoutError: the schema lacks what reading it takes.
    """
    table = runtime.table(name, model, whole=True)
    if isinstance(table, Absent):
        return Listed(name, table)
    rows = then(table.records.all(), lambda found: tuple(islice(found, MOST + 1)))
    return Listed(name, rows, table.stale, table.damage)
