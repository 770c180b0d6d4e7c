"""Which deaths are the same: within one build of a program, and over its builds.

Within a build two deaths are the same where all that decides is: the kind of death
and the places of the frames that matter, to the byte. Two more are one crash there: instructions
next to each other in a function, called from the same places; and the same place in a function that
was called where two threads began.

A rebuilt program has its code elsewhere. Then the same bug is found by what a rebuild keeps, the
surest first:

1. functions, and how far in them;
2. functions, where each build has one crash of these;
3. of programs without symbols the shape: the sizes of the frames and the distances between the
   places of the frames in the same file;
4. how far code has moved: by the same distance for several crashes;
5. the sizes of the frames, where each build has one crash of these.

A step joins what is one crash in every build that has it. Where a build has two that look alike,
the step cannot tell which is which: it joins none of them. Two crashes of one build are never
joined over another build, nor crashes whose functions are known and differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import combinations, islice, pairwise, product

from mtedbg.dataclass import dataclass
from mtedbg.model.triage import Call, Read, Signature

NEAR = 32
"""Bytes between two accesses of one function that, called from the same place, are one crash: a
loop that reads two fields of a freed object stops at either."""
_LEAST_VOTES = 2
"""Places, and pairs of deaths, that a rebuild has moved by the same distance."""
_ONE_OF = 4
"""Of as many deaths of a build more than one have to have moved alike."""
_STRAY = 7
"""How much rarer a way is that only words on the stack tell of, to be taken for no other way."""
_MOST_PAIRS = 100_000
_LEAST_SIZES = 3
"""Frames whose sizes have to be known, and equal, before sizes alone make two deaths the same."""

_Build = tuple[tuple[str, str], ...]
_Key = Hashable
_Step = tuple[str, str, str, int]


class Joined(StrEnum):
    """By what the deaths of a group were found to be the same."""

    PLACE = "place"
    """The same places in the same build."""
    CALLER = "function"
    """The same function in the same build: at another instruction, or from another thread."""
    SYMBOLS = "symbols"
    """The same functions in several builds."""
    SHAPE = "shape"
    """Frames of the same sizes in several builds: likely, not certain."""


@dataclass
class Same:
    """Deaths that are the same.

    Attributes:
        reads: of their files; none of them damaged.
        joined: the least sure of the ways by which they were found to be.
        known: relation to an object and message, where others at the same place have others.
    """

    reads: list[Read]
    joined: Joined = Joined.PLACE
    known: tuple[str, str] = ("", "")

    @cached_property
    def sample(self) -> Read:
        """The one of which most is known: with names, and with most frames."""
        return max(self.reads, key=lambda one: (_named(one), len(one.evidence.calls)))

    @cached_property
    def builds(self) -> frozenset[_Build]:
        """The builds that they are of."""
        return frozenset(map(_build, self.reads))

    @cached_property
    def kinds(self) -> frozenset[_Key]:
        """What they all have in common beside their frames."""
        return frozenset((_kind(one), self.known) for one in self.reads)

    def take(self, other: Same, how: Joined) -> None:
        """Makes the deaths of `other` these."""
        self.reads += other.reads
        self.joined = max(self.joined, other.joined, how, key=list(Joined).index)
        for name in ("sample", "builds", "kinds"):
            self.__dict__.pop(name, None)


def same_deaths(reads: Iterable[Read]) -> list[Same]:
    """The deaths, each with all that are the same.

    Args:
        reads: of files that are not damaged.
    """
    found: dict[_Key, list[Read]] = defaultdict(list)
    for one in reads:
        found[_kind(one), _build(one), _places(one)].append(one)
    places = [same for some in found.values() for same in _by_what_is_known(some)]
    deaths = _neighbours(places)
    for how, step in _STEPS:
        deaths = _join(deaths, step, how)
    return _join(moved(deaths), _sizes, Joined.SHAPE)


def _by_what_is_known(some: list[Read]) -> list[Same]:
    """Deaths at one place: one for each relation to an object and message, where several are known.

    Of which none is known, for want of its libraries or its heap, is that of the others, where
    these have but one.
    """
    by_known: dict[tuple[str, str], list[Read]] = defaultdict(list)
    for one in some:
        by_known[_signature(one).relation, _signature(one).message].append(one)
    if all(len({*known} - {""}) < 2 for known in zip(*by_known, strict=True)):
        return [Same(some)]
    return [Same(reads, known=known) for known, reads in by_known.items()]


def _signature(one: Read) -> Signature:
    assert one.signature is not None
    return one.signature


def _kind(one: Read) -> _Key:
    made = _signature(one)
    place = "" if one.evidence.deciding else made.place
    return (made.cause, made.transition, place, made.function, made.memop,
            made.program)  # fmt: skip


def deciding(one: Read) -> tuple[Call, ...]:
    """The frames that are in its signature."""
    return one.evidence.calls[: one.evidence.deciding]


def _to_its_root(one: Read) -> bool:
    """Whether the function in which its thread began is among the frames that decide."""
    return one.evidence.rooted and one.evidence.deciding == len(one.evidence.calls)


def _build(one: Read) -> _Build:
    """Files with their builds, as far as frames that decide are in them."""
    return tuple(sorted({(call.module, call.build_id) for call in deciding(one)}))


def _places(one: Read) -> _Key:
    calls = deciding(one)
    if one.evidence.imprecise and calls:
        return (calls[0].module, calls[0].function, *map(_place, calls[1:]))
    return tuple(map(_place, calls))


def _place(call: Call) -> _Key:
    return (call.module, call.offset) if call.module else str(call)


def _named(one: Read) -> bool:
    """Whether all frames that decide have names."""
    calls = deciding(one)
    return bool(calls) and all(call.function or not call.module for call in calls)


def _join(deaths: Sequence[Same], key: Callable[[Read], _Key | None], how: Joined) -> list[Same]:
    """The deaths, those joined that have the same key and are one in every build that has it."""
    alike: dict[_Key, list[Same]] = defaultdict(list)
    rest: list[Same] = []
    for one in deaths:
        found = None if len(one.kinds) != 1 else key(one.sample)
        if found is None:
            rest.append(one)
        else:
            alike[(*one.kinds, found)].append(one)
    rule = _within_a_build if how is Joined.CALLER else _over_builds
    return [*rest, *(one for some in alike.values() for one in rule(some, how))]


def _over_builds(some: list[Same], how: Joined) -> Iterator[Same]:
    builds = [build for one in some for build in one.builds]
    if len(builds) != len(set(builds)) or (how is Joined.SHAPE and not _may_be_one(some)):
        yield from some
        return
    yield _all_of(some, how)


def _may_be_one(some: Sequence[Same]) -> bool:
    """Whether names do not say that these are different."""
    named = {_functions(one.sample) for one in some if _named(one.sample)}
    return len(named) <= 1


def _all_of(some: list[Same], how: Joined) -> Same:
    first, *others = some
    for one in others:
        first.take(one, how)
    return first


def _within_a_build(some: list[Same], how: Joined) -> Iterator[Same]:
    """One death where each way to come there is there once."""
    some = _without_strays(some)
    ways = [way for one in some for way in {_way(read) for read in _frequent(one)}]
    yield from [_all_of(some, how)] if len(ways) == len(set(ways)) else some


def _frequent(one: Same) -> list[Read]:
    """Its deaths; of what guesses alone tell apart the one of which most is known."""
    return [one.sample] if any(call.guess for call in deciding(one.sample)) else one.reads


def _without_strays(some: list[Same]) -> list[Same]:
    """The deaths; of those that guesses alone tell apart, the rare taken for the frequent one.

    A word that was left on a stack now and then is taken for a call.
    """
    first, *others = sorted(some, key=lambda one: -len(one.reads))
    if all(not call.guess for call in deciding(first.sample)):
        return some
    left = [first]
    for one in others:
        if len(one.reads) * _STRAY <= len(first.reads):
            first.take(one, Joined.CALLER)
        else:
            left.append(one)
    return left


def _way(one: Read) -> _Key:
    """How a thread came to the innermost frame."""
    calls = deciding(one)
    if any(call.guess for call in calls):  # a frequent one's strays come the same way
        return one.evidence.main
    if len(calls) == 2 and _to_its_root(one):
        return calls[1].function or one.evidence.main
    return _places(one)


def _from_other_threads(one: Read) -> _Key | None:
    """Of a function that the function in which its thread began has called, or perhaps has."""
    calls = deciding(one)
    if any(call.guess for call in calls):
        return (_build(one), _place(calls[0]))
    if len(calls) != 2 or not _to_its_root(one):
        return None
    return (_build(one), _place(calls[0]))


def _neighbours(deaths: Sequence[Same]) -> list[Same]:
    """The deaths; those in one function, at instructions next to each other, joined."""
    alike: dict[_Key, list[Same]] = defaultdict(list)
    for one in deaths:
        first, *callers = deciding(one.sample) or (Call("", "", 0),)
        place = (first.module, *map(_place, callers)) if first.module and callers else id(one)
        alike[(*one.kinds, *one.builds, place)].append(one)
    return [one for some in alike.values() for one in _runs(some)]


def _runs(some: list[Same]) -> Iterator[Same]:
    """Those that are at most `NEAR` bytes from the next joined."""
    ordered = sorted(some, key=lambda one: _innermost(one).offset)
    while ordered:
        first = ordered.pop(0)
        last = _innermost(first)
        while ordered and _is_next(last, _innermost(ordered[0])):
            last = _innermost(ordered[0])
            first.take(ordered.pop(0), Joined.CALLER)
        yield first


def _is_next(first: Call, second: Call) -> bool:
    known = bool(first.function and second.function)
    return second.offset - first.offset <= NEAR and (not known or first.function == second.function)


def _innermost(one: Same) -> Call:
    return next(iter(deciding(one.sample)), Call("", "", 0))


def _functions_and_offsets(one: Read) -> _Key | None:
    return tuple((call.function, call.into) for call in deciding(one)) if _named(one) else None


def _functions(one: Read) -> _Key | None:
    return tuple(call.function for call in deciding(one)) if _named(one) else None


def _shape(one: Read) -> _Key | None:
    """Sizes of frames, and how far apart the places in each file are."""
    calls = one.evidence.calls
    apart = tuple(
        second.offset - first.offset if first.module == second.module else second.module
        for first, second in pairwise(calls)
    )
    distances = sum(isinstance(one, int) for one in apart)
    return (_sizes_of(calls), apart) if distances > 1 else None


def _sizes(one: Read) -> _Key | None:
    calls = one.evidence.calls
    if any(call.guess for call in calls):
        return None
    return _sizes_of(calls) if sum(call.size > 0 for call in calls) >= _LEAST_SIZES else None


def _sizes_of(calls: Sequence[Call]) -> _Key:
    return tuple((call.module, call.size) for call in calls)


_STEPS: tuple[tuple[Joined, Callable[[Read], _Key | None]], ...] = (
    (Joined.CALLER, _from_other_threads),
    (Joined.SYMBOLS, _functions_and_offsets),
    (Joined.SYMBOLS, _functions),
    (Joined.SHAPE, _shape),
)


def moved(deaths: Sequence[Same]) -> list[Same]:
    """The deaths; those joined whose code a rebuild has moved by a distance that others show too.

    What was built anew differs in a few places: between them all code is moved by one distance.
    That several crashes are as far apart in two builds is no chance; that one is says nothing.
    """
    alike: dict[_Key, dict[_Build, list[Same]]] = defaultdict(lambda: defaultdict(list))
    for one in deaths:
        if len(one.kinds) == 1 and _sure(one.sample):
            modules = tuple(call.module for call in _sure(one.sample))
            for build in one.builds:
                alike[(*one.kinds, modules)][build].append(one)
    pairs = list(islice(_candidates(alike.values()), _MOST_PAIRS))
    votes = _Votes(pairs, Counter(build for one in deaths for build in one.builds))
    ranked = sorted(pairs, key=votes.of, reverse=True)
    at = {id(one): one for one in deaths}
    for pair in ranked:
        first, second = (_of(at, one) for one in (pair.first, pair.second))
        if first is second or not votes.decide(pair):
            continue
        if first.builds & second.builds or not _may_be_one((first, second)):
            continue
        first.take(second, Joined.SHAPE)
        at[id(second)] = first
    return [one for one in deaths if at[id(one)] is one]


def _of(at: dict[int, Same], one: Same) -> Same:
    """What a death has been joined with."""
    while at[id(one)] is not one:
        one = at[id(one)]
    return one


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two deaths of two builds that may be the same.

    Attributes:
        first: of one build.
        second: of the other.
        builds: those.
        moves: how far each frame that decides has moved, with its file and that file's builds; and
            where it was.
    """

    first: Same
    second: Same
    builds: tuple[_Build, _Build]
    moves: tuple[tuple[_Step, int], ...]


class _Votes:
    """How often code has moved by the same distance.

    A caller that several crashes share is one place, but each pair of them says how far it moved.
    """

    def __init__(self, pairs: Sequence[_Pair], deaths: Mapping[_Build, int]) -> None:
        self._deaths = deaths
        self._places = Counter(step for step, _ in {move for one in pairs for move in one.moves})
        self._pairs = Counter(step for one in pairs for step in {step for step, _ in one.moves})

    def decide(self, pair: _Pair) -> bool:
        """Whether so many of the deaths have moved alike that it is no chance.

        The more deaths two builds have, the more of all their pairs are as far apart by chance.
        """
        pairs, places = self.of(pair)
        deaths = min(self._deaths[build] for build in pair.builds)
        return pairs >= _LEAST_VOTES and places > max(1, -(-deaths // _ONE_OF))

    def of(self, pair: _Pair) -> tuple[int, int]:
        """In how many pairs each frame has moved as far, and at how many places the surest."""
        steps = [step for step, _ in pair.moves]
        return (
            min((self._pairs[step] for step in steps), default=0),
            max((self._places[step] for step in steps), default=0),
        )


def _candidates(alike: Iterable[Mapping[_Build, list[Same]]]) -> Iterator[_Pair]:
    for by_build in alike:
        for first, second in combinations(sorted(by_build), 2):
            for one, other in product(by_build[first], by_build[second]):
                if one is not other:
                    yield _Pair(one, other, (first, second), _moves(one, first, other, second))


def _moves(one: Same, first: _Build, other: Same, second: _Build) -> tuple[tuple[_Step, int], ...]:
    before = _sure(_read_of(one, first))
    after = _sure(_read_of(other, second))
    return tuple(
        ((old.module, old.build_id, new.build_id, new.offset - old.offset), old.offset)
        for old, new in zip(before, after, strict=False)
        if old.module
    )


def _sure(one: Read) -> tuple[Call, ...]:
    """The frames that decide and are no guesses; those where all are."""
    calls = deciding(one)
    return tuple(call for call in calls if not call.guess) or calls


def _read_of(one: Same, build: _Build) -> Read:
    return next(read for read in one.reads if _build(read) == build)
