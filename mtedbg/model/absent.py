"""Values that are not there, each with its reason.

A question that meets a hole answers with the hole: not `None`, not zero, not an exception.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeGuard, TypeVar

from mtedbg.dataclass import dataclass

T = TypeVar("T")
U = TypeVar("U")


class Reason(Enum):
    """Why a value is absent."""

    UNMAPPED = "not mapped"
    UNREADABLE = "unreadable"
    NOT_DUMPED = "not dumped in this core"
    NOT_TAGGED = "not tagged memory"
    NOT_RECORDED = "not recorded"
    NO_RUNTIME = "no runtime here"
    UNSTABLE = "torn, and unstable after bounded reads"
    DAMAGED = "damaged"
    NOT_APPLICABLE = "does not apply"
    NOT_BELIEVED = "not believed"
    UNKNOWN = "cannot be told here"
    UNKNOWN_VERSION = "version not known"
    OVER_BUDGET = "not read: the budget of this report is used up"


@dataclass(frozen=True, slots=True)
class Absent:
    """A value that is not there.

    Attributes:
        reason: the kind of hole.
        detail: what is special about this one, a few words; may be empty.
    """

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value} ({self.detail})" if self.detail else self.reason.value

    @property
    def is_hole(self) -> bool:
        """Whether the value should be there: what does not apply leaves no hole in a report."""
        return self.reason is not Reason.NOT_APPLICABLE


NOT_APPLICABLE = Absent(Reason.NOT_APPLICABLE)


def present(value: T | Absent) -> TypeGuard[T]:
    """Whether `value` is there."""
    return not isinstance(value, Absent)


def or_else(value: T | Absent, default: U) -> T | U:
    """`value`, or `default` where it is not there."""
    return default if isinstance(value, Absent) else value


def then(value: T | Absent, function: Callable[[T], U]) -> U | Absent:
    """`function` of `value`; where that is not there, its reason."""
    return value if isinstance(value, Absent) else function(value)
