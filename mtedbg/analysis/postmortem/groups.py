"""Many deaths, grouped by their signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.triage import Read, Signature

NAMED = 64
"""Groups whose symbol is looked up: the most frequent; each costs opening a program."""

_NOT_NAMED = Absent(Reason.UNKNOWN, f"looked up for the first {NAMED} only")
_Key = tuple[bool, str]
Name = Callable[[Read], str | Absent]


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one death.

    Attributes:
        members: the oldest first, at least one.
        symbol: what the newest one's PC lies in, by its program's own files.
    """

    members: tuple[Read, ...]
    symbol: str | Absent

    @property
    def exemplar(self) -> Read:
        """The newest."""
        return self.members[-1]

    @property
    def signature(self) -> Signature | None:
        """What they have in common; None of damaged files, whose problem that is."""
        return self.exemplar.signature


def groups(reads: Iterable[Read], name: Name) -> tuple[Group, ...]:
    """The groups, the most frequent first and damaged files last.

    Args:
        reads: of as many files, in any order.
        name: gives the symbol at the PC of an exemplar.
    """
    found: dict[_Key, list[Read]] = defaultdict(list)
    for one in reads:
        made = one.signature
        found[made is None, one.problem if made is None else made.id].append(one)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    return tuple(
        _group(members, name if number < NAMED else _unnamed)
        for number, (_, members) in enumerate(ordered)
    )


def _unnamed(_: Read) -> Absent:
    return _NOT_NAMED


def _group(members: list[Read], name: Name) -> Group:
    ordered = tuple(sorted(members, key=lambda one: (one.time_s, one.path)))
    newest = ordered[-1]
    return Group(ordered, NOT_APPLICABLE if newest.signature is None else name(newest))
