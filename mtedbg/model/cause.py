"""Why a process crashed, as far as is known."""

from enum import Enum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memory_object import MemoryObject


class CauseKind(Enum):
    """The kinds of death; the value is what reports say."""

    PATCH = "patch-in-progress"  # a memop or its memory was being changed
    STALE_PAIR = "stale-pair"  # [1] of a memop ran before a patch, [2] after it
    SYNCHRONOUS = "tag-check-sync"
    ASYNCHRONOUS = "tag-check-async"
    FAULT = "other-fault"  # the kernel raised it: no mapping, no permission, no such instruction
    SENT = "sent-signal"  # abort(), kill(2)
    GUEST = "guest-signal"  # a translated program's own, which its runtime carried out
    NONE = "no-signal"
    UNKNOWN = "unknown"  # the core does not say


class Relation(Enum):
    """How an access was wrong; the value is stable, for programs and signatures."""

    OVERFLOW = "overflow"  # beyond the end of an object
    UNDERFLOW = "underflow"  # before its beginning
    USE_AFTER_FREE = "use-after-free"
    DOUBLE_FREE = "double-free"
    INVALID_FREE = "invalid-free"  # of what no allocator gave out
    USE_AFTER_RETURN = "use-after-return"
    USE_AFTER_SCOPE = "use-after-scope"
    LOST_TAG = "lost-tag"
    BAD_POINTER = "bad-pointer"  # uninitialised, overwritten, no pointer at all
    UNKNOWN = "unknown"


class Strength(Enum):
    """How much speaks for a hypothesis; the value is what reports say."""

    READ = "read"  # records of the process say it, and nothing speaks for another one
    LIKELY = "likely"  # something beside a matching tag speaks for it
    POSSIBLE = "possible"  # nothing speaks against it
    CHANCE = "may be chance"  # tags match, as one in fifteen does


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause: never certain.

    Attributes:
        what: a few words.
        reasons: what speaks for it, one line each.
        evident: whether the process's own state speaks for it, and not tags alone.
        relation: how the access was wrong.
        strength: how much speaks for it.
        object: the memory that the pointer was meant for, or that was freed; None where unknown.
        offset: bytes from the object's beginning to the access; below 0 before it.
    """

    what: str
    reasons: tuple[str, ...]
    evident: bool = False
    relation: Relation = Relation.UNKNOWN
    strength: Strength = Strength.POSSIBLE
    object: MemoryObject | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a process died. Nothing in it but `words` and `reasons` has an address in it.

    Attributes:
        kind: the kind of death.
        words: all of it in one line.
        reasons: what it rests on, one line each.
        signal: "SIGSEGV SEGV_MTESERR".
        transition: the patch that was in progress, "local → shared".
        code: what the PC is in: a kind of range ("Function"), "host", "unmapped memory",
            "code of no known file", or a kind of nowhere in a segment; "guest" where the guest
            died by its own doing.
        function: guest function or host symbol; else file and offset in it.
        memop: id of the memop that faulted, or was being patched.
        relation: pointer's tag and memory's by what they stand for, "pointer shared, memory core".
        hypotheses: likeliest first.
        thread: number of the thread whose fault it was.
        killed_by: the signal that killed, where that was another one: "SIGABRT SI_TKILL".
        certain: whether that fault led to the death; else it is a hypothesis.
    """

    kind: CauseKind
    words: str
    reasons: tuple[str, ...] = ()
    signal: str | Absent = NOT_APPLICABLE
    transition: str | Absent = NOT_APPLICABLE
    code: str | Absent = NOT_APPLICABLE
    function: str | Absent = NOT_APPLICABLE
    memop: int | Absent = NOT_APPLICABLE
    relation: str | Absent = NOT_APPLICABLE
    hypotheses: tuple[Hypothesis, ...] = ()
    thread: int | Absent = NOT_APPLICABLE
    killed_by: str | Absent = NOT_APPLICABLE
    certain: bool = True
