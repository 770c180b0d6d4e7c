"""What a core does not have: mappings without contents or without tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, present
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class MissingMemory:
    """A mapping that is not all there.

    Attributes:
        region: the mapping.
        contents: whether its bytes are missing.
        tags: whether its tags are missing, which it has.
    """

    region: Region
    contents: bool
    tags: bool


@once
def missing_memory(session: Session) -> tuple[MissingMemory, ...] | Absent:
    """Mappings whose contents or tags are missing, without those that allow no access."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return regions
    found = (
        MissingMemory(region, not region.dumped, _tags_missing(session, region))
        for region in regions
        if region.perms != "---"
    )
    return tuple(one for one in found if one.contents or one.tags)


def _tags_missing(session: Session, region: Region) -> bool:
    return region.tagged is True and not present(tag_at(session, region.start))
