"""What an audit of a runtime's metadata finds."""

from enum import Enum, StrEnum

from mtedbg.dataclass import dataclass


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"  # the metadata contradicts itself: answers made of it may be wrong
    WARNING = "warning"  # something is not there, or older than it could be
    INFO = "info"  # a change was going on


class Flaw(StrEnum):
    """What is wrong; the value is the word of `jit-audit`."""

    CHECKSUM = "checksum"  # of records is not the recorded one
    DAMAGED = "damaged"  # a part of the debug root
    DANGLING = "dangling"  # it refers to something that is not there
    DUPLICATE = "duplicate"  # an id is there twice
    IMPOSSIBLE = "impossible"  # no runtime would write such values
    IN_FLIGHT = "in-flight"  # a change was going on
    NOT_LOOKED_AT = "not-looked-at"  # there is more than an audit reads
    OUTSIDE = "outside"  # it is not where it says that it belongs
    OVERLAP = "overlap"  # with what is before it
    RETIRED = "retired"  # and still in the code map
    STALE = "stale"  # a table is one generation old
    STATE = "state"  # of the runtime, or of a block, is not what it should be
    UNREADABLE = "unreadable"
    UNSORTED = "unsorted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        severity: how bad it is.
        what: the kind of flaw.
        where: "block 3", "range 7 of block 3", "segments"…
        detail: one line.
    """

    severity: Severity
    what: Flaw
    where: str
    detail: str
