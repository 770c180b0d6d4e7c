"""Why a process crashed, as far as is known."""

from enum import Enum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent


class CauseKind(Enum):
    """The kinds of death; the value is what reports say."""

    PATCH = "patch-in-progress"  # a memop or its memory was being changed
    STALE_PAIR = "stale-pair"  # [1] of a memop ran before a patch, [2] after it
    SYNCHRONOUS = "tag-check-sync"
    ASYNCHRONOUS = "tag-check-async"
    FAULT = "other-fault"  # the kernel raised it: no mapping, no permission, no such instruction
    SENT = "sent-signal"  # abort(), kill(2)
    NONE = "no-signal"
    UNKNOWN = "unknown"  # the core does not say


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause: never certain.

    Attributes:
        what: a few words.
        reasons: what speaks for it, one line each.
        evident: whether the process's own state speaks for it, and not tags alone.
    """

    what: str
    reasons: tuple[str, ...]
    evident: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a process died. Nothing in it but `words` and `reasons` has an address in it.

    Attributes:
        kind: the kind of death.
        words: all of it in one line.
        reasons: what it rests on, one line each.
        signal: "SIGSEGV SEGV_MTESERR".
        transition: the patch that was in progress, "local → shared".
        code: what the PC is in: a kind of range ("Function"), "host", "unmapped memory", or
            a kind of nowhere in a segment.
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
