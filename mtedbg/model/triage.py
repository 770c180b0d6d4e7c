"""What triage makes of a dead process: a signature that two runs of the same crash share."""

from __future__ import annotations

from enum import StrEnum

from mtedbg.dataclass import astuple, dataclass

VERSION = 3
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
class Signature:
    """What is the same in every run of a crash: no address, id or tag that chance decides.

    Attributes:
        cause: the kind of death, "tag check fault (synchronous)".
        transition: what the runtime would have done, or was doing; empty where it has no part.
        place: the code range, or file and offset, with its callers where the signal was sent.
        function: the guest's function; empty where none is known.
        memop: the guest's access, by its place in the function; empty where it is none.
        tags: how pointer and memory tag relate; empty where it was no tag check fault.
    """

    cause: str
    transition: str = ""
    place: str = ""
    function: str = ""
    memop: str = ""
    tags: str = ""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that stand for it."""
        import hashlib  # loads a library: not for those who look at one core

        text = "\0".join(astuple(self))
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


class TimeSource(StrEnum):
    """What says when a process died."""

    FILE = "file"
    """The file's time of change."""
    TOMBSTONE = "tombstone"


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
        pc: of the thread that died, to name the place of an exemplar by; None where unknown.
        remarks: how many things are wrong with the file that could be worked around.
    """

    path: str
    size: int
    modified_ns: int
    time_s: float
    time_source: TimeSource
    signature: Signature | None
    problem: str = ""
    pc: int | None = None
    remarks: int = 0
