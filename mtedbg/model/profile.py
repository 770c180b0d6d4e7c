"""What runs of a program have learned of its memops, to be used by better code of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mtedbg.dataclass import dataclass

ANONYMOUS = "[anonymous]"
"""Name of code of no file: kAnonymous in native/src/run/program.cc."""


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


class Need(StrEnum):
    """Whether an access needs order, as far as the runs of a profile can tell."""

    NEVER_RUN = "never run"
    UNKNOWN = "unknown"
    OWNED = "owned"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class MemopKey:
    """A memop, whatever code was made of it.

    Attributes:
        rip: its guest instruction: the address in the module's file, wherever that was loaded.
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
        executions: how often control came to it; None where that was not counted.
    """

    access: ProfileAccess
    size: int
    mode: ProfileMode
    flips: int = 0
    faults: int = 0
    pinned: bool = False
    executions: int | None = None

    @property
    def need(self) -> Need:
        """As `need_of` in native/src/profile/profile.cc.

        Every fault is an access to memory that was not its owner's alone: whatever became of it,
        policies that interpret it or that patch it back leave the mode local. What goes out of
        line from the start never faults on memory of either kind, and tells nothing. Where
        executions were not counted, one that is local may never have run.
        """
        if self.executions == 0 and self.faults == 0:
            return Need.NEVER_RUN
        if self.pinned or self.flips > 0 or self.faults > 0:
            return Need.ORDER
        if self.mode is ProfileMode.SHARED:
            return Need.ORDER
        if self.mode is ProfileMode.EITHER or self.executions is None:
            return Need.UNKNOWN
        return Need.OWNED

    @property
    def needs_order(self) -> bool:
        """Whether it was seen to touch memory that was not its owner's alone."""
        return self.need is Need.ORDER


@dataclass(frozen=True, slots=True)
class ModuleIdentity:
    """Which build of a program or library it is.

    Attributes:
        digest: of its code: CRC-32 in the low half, length in the high one; 0 of code that can
            change as it runs, and is the same as no other.
        build_id: of its GNU note, in hexadecimal; empty where it has none.
    """

    digest: int
    build_id: str = ""

    def same(self, other: ModuleIdentity) -> bool:
        """Whether both are one build: by build ids, or by digests unless both have one."""
        if self.build_id and other.build_id:
            return self.build_id == other.build_id
        return self.digest != 0 and self.digest == other.digest

    @property
    def changes(self) -> bool:
        """Whether it can change as it runs, and is the same as no other."""
        return not self.build_id and self.digest == 0

    def __str__(self) -> str:
        return self.build_id or f"{self.digest:#x}"


@dataclass(frozen=True, slots=True)
class ProgramProfile:
    """Of one build of a program or library.

    Attributes:
        name: of its file, for people.
        identity: which build.
        memops: in order of their keys.
        path: of its file, where it ran; empty where that is not known.
    """

    name: str
    identity: ModuleIdentity
    memops: Mapping[MemopKey, MemopFacts]
    path: str = ""

    @classmethod
    def in_order(
        cls,
        name: str,
        identity: ModuleIdentity,
        memops: Mapping[MemopKey, MemopFacts],
        path: str = "",
    ) -> ProgramProfile:
        """One of memops that come in any order."""
        return cls(name, identity, {key: memops[key] for key in sorted(memops)}, path)

    @property
    def is_anonymous(self) -> bool:
        """Whether its code was in memory of no file: its addresses are those of one run."""
        return self.name == ANONYMOUS and not self.path


@dataclass(frozen=True, slots=True)
class Profile:
    """Of all programs of a run, or of several."""

    programs: tuple[ProgramProfile, ...]
