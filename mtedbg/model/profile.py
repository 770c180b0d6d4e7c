"""What runs of a program have learned of its memops, to be used by better code of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mtedbg.dataclass import dataclass


class ProfileAccess(StrEnum):
    """What a memop does; the value is the word in the file, as in the enum below."""

    LOAD = "load"
    STORE = "store"
    RMW = "rmw"


class ProfileMode(StrEnum):
    """The last mode of a memop."""

    LOCAL = "local"
    SHARED = "shared"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class MemopKey:
    """A memop, whatever code was made of it.

    Attributes:
        rip: its guest instruction.
        ordinal: its place, from 0, among that instruction's accesses as they were emitted.
    """

    rip: int
    ordinal: int

    def __lt__(self, other: MemopKey) -> bool:
        return (self.rip, self.ordinal) < (other.rip, other.ordinal)


@dataclass(frozen=True, slots=True)
class MemopFacts:
    """What a memop has been through.

    Attributes:
        access: what it does.
        size: bytes accessed.
        mode: the last one.
        flips: how often it was patched.
        faults: tag check faults.
        pinned: whether it was to stay shared.
    """

    access: ProfileAccess
    size: int
    mode: ProfileMode
    flips: int = 0
    faults: int = 0
    pinned: bool = False

    @property
    def needs_order(self) -> bool:
        """Whether it was ever seen to touch memory that was not its core's alone.

        Every fault is such an access: whatever became of it, policies that interpret it or that
        patch it back leave the mode local.
        """
        ordered = self.mode is not ProfileMode.LOCAL
        return ordered or self.pinned or self.flips > 0 or self.faults > 0


@dataclass(frozen=True, slots=True)
class ProgramProfile:
    """Of one build of a program.

    Attributes:
        name: of its file, for people.
        digest: of its code: CRC-32 in the low half, length in the high one.
        memops: in order of their keys.
    """

    name: str
    digest: int
    memops: Mapping[MemopKey, MemopFacts]

    @classmethod
    def in_order(
        cls, name: str, digest: int, memops: Mapping[MemopKey, MemopFacts]
    ) -> ProgramProfile:
        """One of memops that come in any order."""
        return cls(name, digest, {key: memops[key] for key in sorted(memops)})


@dataclass(frozen=True, slots=True)
class Profile:
    """Of all programs of a run, or of several."""

    programs: tuple[ProgramProfile, ...]
