"""What triage makes of a dead process: a signature that two runs of the same crash share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mtedbg.dataclass import asdict, astuple, dataclass

VERSION = 8
"""Of signatures, whose words make their ids: what another version kept is read again."""


@dataclass(frozen=True, slots=True)
class Module:
    """The file that an address is in.

    Attributes:
        name: its path as the process had it, or a pseudo name; may be empty.
        build_id: hexadecimal; empty where it is not known.
        offset: of the address from where the file begins.
    """

    name: str
    build_id: str
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """One frame of a death, as far as it is the same in every run of a build.

    Attributes:
        module: name of the file, without its folder; empty where there is none.
        build_id: of the file, hexadecimal; empty where it is not known.
        offset: from where the file begins.
        function: without what a compiler appends to its name; empty where none is known. Of what is
            in no file, what it is in: a guest's function, "nowhere".
        into: bytes from where the function begins.
        size: bytes of stack from the frame record of the callee to its own, of a guess from the
            place of the one before; 0 where not known.
        guess: whether it is only likely that this is a call: x30 or a word on the stack has it.
    """

    module: str
    build_id: str
    offset: int
    function: str = ""
    into: int = 0
    size: int = 0
    guess: bool = False

    def __str__(self) -> str:
        """For people, and for identities: by the function, else by the place in the file."""
        return f"{self._place()}?" if self.guess else self._place()

    def _place(self) -> str:
        if not self.module:  # in no file one place is as good as another
            return self.function or "no file"
        if self.function:
            return f"{self.function}+{self.into:#x}"
        return f"{self.module}+{self.offset:#x}"


@dataclass(frozen=True, slots=True)
class Signature:
    """What is the same in every run of a crash: no address, id or tag that chance decides.

    Attributes:
        cause: the kind of death, "tag check fault (synchronous)".
        transition: what the runtime would have done, or was doing; empty where it has no part.
        place: the code range, else the innermost frame that matters.
        function: the guest's function; empty where none is known.
        memop: the guest's access, by its place in the function; empty where it is none.
        program: name of the program's file, without its folder.
        calls: the frames that tell this crash from others, the innermost first.
        message: what the program said when it ended itself, without numbers and addresses.
        relation: how the access lies to its object, where the process's records say it.
        builds: build ids of the files in which calls have no name but a place; it is another one's
            in another build.
    """

    cause: str
    transition: str = ""
    place: str = ""
    function: str = ""
    memop: str = ""
    program: str = ""
    calls: tuple[str, ...] = ()
    message: str = ""
    relation: str = ""
    builds: str = ""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that stand for it.

        The relation is not in them: where a heap cannot be read, the same crash has none.
        """
        import hashlib  # loads a library: not for those who look at one core

        words = (self.cause, self.transition, self.place, self.function, self.memop, self.program,
                 self.message, self.builds)  # fmt: skip
        text = "\0".join((*self.calls, "", *words))
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a signature was made of: enough to find the same crash in another build.

    Attributes:
        calls: the frames that matter, the innermost first.
        deciding: how many of them are in the signature.
        rooted: whether the last of them is where its thread began.
        main: whether the thread is the process's first.
        imprecise: whether the innermost frame is only where the thread happened to be.
        tags: how pointer and memory tag relate; empty where it was no tag check fault.
    """

    calls: tuple[Call, ...] = ()
    deciding: int = 0
    rooted: bool = False
    main: bool = True
    imprecise: bool = False
    tags: str = ""


class TimeSource(StrEnum):
    """What says when a process died."""

    FILE = "file"
    """The file's time of change."""
    TOMBSTONE = "tombstone"
    NAME = "name"
    """The file's name, as systemd-coredump gives it."""


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one file came to.

    Attributes:
        path: absolute.
        size: bytes.
        modified_ns: the file's time of change, nanoseconds since 1970.
        time_s: when the process died as far as that is known, seconds since 1970.
        time_source: where that is from.
        signature: absent where the file is damaged.
        problem: why there is no signature; empty where there is one.
        symbol: what the PC of the fault is in; empty where no symbol is known.
        remarks: how many things are wrong with the file that could be worked around.
        evidence: what the signature was made of.
        passing: whether the problem may be gone the next time: it is not kept.
    """

    path: str
    size: int
    modified_ns: int
    time_s: float
    time_source: TimeSource
    signature: Signature | None
    problem: str = ""
    symbol: str = ""
    remarks: int = 0
    evidence: Evidence = Evidence()
    passing: bool = False


def plain_of(one: Read) -> dict[str, Any]:
    """What JSON can hold of a `Read`, for `read_of`."""
    made = asdict(one)
    made["evidence"]["calls"] = [astuple(call) for call in one.evidence.calls]
    return made


def read_of(value: Mapping[str, Any]) -> Read:
    """A `Read` of what `plain_of` and JSON made of it.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    made, said = value["signature"], dict(value["evidence"])
    said["calls"] = tuple(Call(*one) for one in said["calls"])
    known = dict(value) | {
        "time_source": TimeSource(value["time_source"]),
        "signature": None,
        "evidence": Evidence(**said),
    }
    if made is not None:
        known["signature"] = Signature(**{**made, "calls": tuple(made["calls"])})
    return Read(**known)
