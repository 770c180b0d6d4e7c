"""Many deaths, grouped: those of one bug together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mtedbg.analysis.postmortem.same import Joined, same_deaths
from mtedbg.dataclass import dataclass, replace
from mtedbg.model.triage import Read, Signature


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one death.

    Attributes:
        members: the oldest first, at least one.
        oldest: the first of all that were read, which may be older than any member here.
        joined: by what they were found to be the same; None of damaged files.
    """

    members: tuple[Read, ...]
    oldest: Read
    joined: Joined | None = None

    @property
    def exemplar(self) -> Read:
        """The smallest file: the quickest to copy and to read; of equal ones the newest."""
        return min(self.members, key=lambda one: (one.size, -one.time_s, one.path))

    @property
    def signature(self) -> Signature | None:
        """That of the oldest, which stays when files are added; None of damaged files."""
        return self.oldest.signature

    @property
    def relation(self) -> str:
        """How the access lies to its object, by the members of which that is known."""
        known = (one.signature.relation for one in self.members if one.signature)
        return next(filter(None, known), "")

    @property
    def best(self) -> Read:
        """The member whose calls are known best: by name, else that of the exemplar."""
        named = (one for one in self.members if all(c.function for c in one.evidence.calls[:1]))
        return self.exemplar if self.exemplar.symbol else next(named, self.exemplar)

    @property
    def signatures(self) -> tuple[str, ...]:
        """The ids of all that the members have, the oldest member's first."""
        return tuple(dict.fromkeys(one.signature.id for one in self.members if one.signature))

    @property
    def builds(self) -> int:
        """How many builds of the program's files they are of, as far as build ids tell."""
        return len({_ids(one) for one in self.members})

    @property
    def ways(self) -> int:
        """In how many ways the calls beyond those of the signature differ, in one build at most.

        One bug is reached in one way or few: many are a sign of several bugs in one group. Where
        threads began does not count.
        """
        by_build: dict[object, set[object]] = defaultdict(set)
        for one in self.members:
            calls = one.evidence.calls[:-1] if one.evidence.rooted else one.evidence.calls
            beyond = calls[one.evidence.deciding :]
            by_build[_ids(one)].add(tuple((call.module, call.offset) for call in beyond))
        return max(map(len, by_build.values()))


def _ids(one: Read) -> tuple[str, ...]:
    return tuple(sorted({call.build_id for call in one.evidence.calls if call.build_id}))


def groups(reads: Iterable[Read]) -> tuple[Group, ...]:
    """The groups, the most frequent first and damaged files last.

    Args:
        reads: of as many files, in any order.
    """
    ordered = sorted(reads, key=lambda one: (one.time_s, one.path))
    deaths = same_deaths(one for one in ordered if one.signature is not None)
    damaged: dict[str, list[Read]] = defaultdict(list)
    for one in ordered:
        if one.signature is None:
            damaged[one.problem].append(one)
    made = [_group(one.reads, one.joined) for one in deaths]
    broken = [_group(some, None) for some in damaged.values()]
    return (*sorted(made, key=_rank), *sorted(broken, key=_rank))


def since(found: Iterable[Group], time_s: float) -> tuple[Group, ...]:
    """The same groups with those of their members that are not older; without empty ones.

    Args:
        found: groups.
        time_s: seconds since 1970.
    """
    left = ((one, tuple(read for read in one.members if read.time_s >= time_s)) for one in found)
    kept = [replace(one, members=members) for one, members in left if members]
    return tuple(sorted(kept, key=lambda one: (one.signature is None, *_rank(one))))


def _group(members: Iterable[Read], joined: Joined | None) -> Group:
    ordered = tuple(sorted(members, key=lambda one: (one.time_s, one.path)))
    return Group(ordered, ordered[0], joined)


def _rank(one: Group) -> tuple[int, str]:
    made = one.signature
    return -len(one.members), one.exemplar.problem if made is None else made.id
