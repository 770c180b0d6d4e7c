"""Who owns tagged memory, as a picture shows it: cells of many granules each."""

from collections.abc import Mapping

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent

NOT_TAGGED = 16
"""The kind of granules that lie in no tagged memory; kinds 0 to 15 are allocation tags."""

NOT_READ = 17
"""The kind of granules whose tags are not dumped, not readable, or were not read in time."""

KINDS = 18


@dataclass(frozen=True, slots=True)
class Strip:
    """One mapping.

    Attributes:
        start: its first address.
        end: one past its last address.
        perms: as in `Region`.
        name: as in `Region`, not escaped.
        first: where the first cell begins: `start`, rounded down to a whole cell.
        cells: the kinds of granules in each cell, the most frequent first.
    """

    start: int
    end: int
    perms: str
    name: str
    first: int
    cells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class CellMap:
    """The mappings in order of address.

    Attributes:
        cell: bytes of memory that one cell stands for.
        strips: one a mapping.
        owners: whose each of the sixteen tags is: "shared" or a core id; absent without a runtime.
        granules: how many there are of each kind, in the mappings shown.
        left_out: how many mappings are not shown.
    """

    cell: int
    strips: tuple[Strip, ...]
    owners: tuple[str | int | Absent, ...]
    granules: Mapping[int, int]
    left_out: int = 0
