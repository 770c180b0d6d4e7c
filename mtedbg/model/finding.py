"""What an audit of a runtime's metadata finds."""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"  # the metadata contradicts itself: answers made of it may be wrong
    WARNING = "warning"  # something is not there, or older than it could be
    INFO = "info"  # a change was going on


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        severity: how bad it is.
        what: "overlap", "unsorted", "dangling"…
        where: "block 3", "range 7 of block 3", "segments"…
        detail: one line.
    """

    severity: Severity
    what: str
    where: str
    detail: str
