"""Whether the first line of a post-mortem is true."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.crashes.cells import Cause


class Verdict(Enum):
    """Of one first line."""

    RIGHT = "right"
    CANNOT_TELL = "cannot tell"
    WRONG = "wrong"


@dataclass(frozen=True)
class Judged:
    """A verdict, and why."""

    verdict: Verdict
    why: str = ""


CLAIMS = {
    Cause.USE_AFTER_RETURN: r"use after return",
    Cause.USE_AFTER_SCOPE: r"use after scope",
    Cause.USE_AFTER_FREE: r"use after free",
    Cause.DOUBLE_FREE: r"double free|freed twice|free of memory that was freed",
    Cause.INVALID_FREE: r"invalid (free|pointer)|free of (what|memory that (?!was)|an address)",
    Cause.OVERFLOW: r"out of bounds|(?<!stack )overflow|beyond|behind the end|past the end",
    Cause.UNDERFLOW: r"underflow|out of bounds: .*before|bytes before",
    Cause.NULL_CALL: r"(call|jump|branch) (of|to|through) (a |the )?null",
    Cause.NULL: r"null pointer",
    Cause.STACK_EXHAUSTED: r"stack (is )?(exhausted|overflow|used up)|ran out of stack",
}
"""Words by which a first line claims a cause."""

BY_TAGS = {
    *(Cause.USE_AFTER_FREE, Cause.OVERFLOW, Cause.UNDERFLOW, Cause.UNTAGGED),
    *(Cause.STACK_OVERFLOW, Cause.STACK_UNDERFLOW, Cause.USE_AFTER_RETURN),
    *(Cause.USE_AFTER_SCOPE, Cause.TAG_MISMATCH),
}
"""Causes that show as tag check faults."""

LARGE = 1 << 16
PAGE = 4096
BEFORE = 128
"""Bytes by which the programs miss an object at most, and Scudo's header in front of it."""
ROUNDED = 32
"""Bytes by which an allocator may make an object larger than it was asked for."""
WIDEST = 64
"""Bytes of the widest access: the programs say where the wrong byte is, not where it begins."""
MOPS_BYTES = 64
"""That such an instruction has before it; its registers say how far it came."""

_SAME = {
    Cause.STACK_OVERFLOW: Cause.OVERFLOW,
    Cause.STACK_UNDERFLOW: Cause.UNDERFLOW,
}
_ADDRESS = (1 << 56) - 1


def claims(line: str) -> set[Cause]:
    """The causes that a first line speaks of, certain or not."""
    line = line.lower()
    found = {cause for cause, words in CLAIMS.items() if re.search(words, line)}
    if Cause.UNDERFLOW in found:
        found.discard(Cause.OVERFLOW)
    if Cause.NULL_CALL in found:
        found.discard(Cause.NULL)
    return found


def judge(line: str, row: dict[str, Any], truth: dict[str, Any], *, files: bool = True) -> Judged:
    """Holds a first line against what is true.

    Args:
        line: the first line.
        row: the cause as JSON has it.
        truth: of the core.
        files: whether the program and its libraries were there.
    """
    cause = Cause(truth["cause"])
    facts = truth["facts"]
    if "recovered" in facts:
        return _of_recovered(line, row)
    if wrong := _false_numbers(line, truth):
        return Judged(Verdict.WRONG, wrong)
    said = claims(line)
    true = _SAME.get(cause, cause)
    if cause is Cause.TAG_MISMATCH:
        return _of_form(line, said, truth)
    if true in said and len(said) == 2 and re.search(r"\bor\b", line):
        return Judged(Verdict.RIGHT, "one of two")  # what the memory cannot tell apart
    if cause is Cause.DOUBLE_FREE and (truth["allocator"] == "own" or not files):
        said -= {Cause.USE_AFTER_FREE}  # what it is, where nothing says which function releases
    if said - {true}:
        also = sorted(each.value for each in said - {true})
        return Judged(Verdict.WRONG, f"says {', '.join(also)}; is {cause.value}")
    by_tags = cause in BY_TAGS and not _by_guard_page(line, truth)
    if by_tags and re.search(r"not a tag check fault", line):
        return Judged(Verdict.WRONG, "it is a tag check fault")
    if cause not in (*BY_TAGS, Cause.DOUBLE_FREE, Cause.INVALID_FREE) and _says_tags(line):
        return Judged(Verdict.WRONG, f"no tag check fault: {cause.value}")
    if true in said or _right_otherwise(line, cause, truth):
        return Judged(Verdict.RIGHT)
    return Judged(Verdict.CANNOT_TELL)


def _by_guard_page(line: str, truth: dict[str, Any]) -> bool:
    """Scudo maps large objects singly, between inaccessible pages, and takes them away at once.

    Before the first object of a region there is no memory either.
    """
    size = int(truth["facts"].get("size", ["0"])[0], 16)
    no_memory = re.search(r"SEGV_ACCERR at (0x[0-9a-f]+)", line)
    end_of_page = no_memory is not None and -int(no_memory[1], 16) % PAGE <= BEFORE
    before_region = Cause(truth["cause"]) is Cause.UNDERFLOW and end_of_page
    return truth["allocator"] == "scudo" and (size >= LARGE or before_region)


def _says_tags(line: str) -> bool:
    return bool(re.search(r"(?<!not a )tag check fault", line))


def _right_otherwise(line: str, cause: Cause, truth: dict[str, Any]) -> bool:
    if cause is Cause.ABORT:
        return bool(re.search(r"abort|SIGABRT", line))
    if cause is Cause.GARBAGE:
        return bool(
            re.search(r"garbage|not a valid address|0x4141|non-canonical|noncanonical", line)
        )
    if cause is Cause.UNTAGGED:
        return bool(re.search(r"pointer tag 0|has no tag|lost its tag|untagged pointer", line))
    if truth["more"][-1:] == ["async"]:
        return "asynchronous" in line
    return False


def _of_recovered(line: str, row: dict[str, Any]) -> Judged:
    """The program got over its fault, and died of something else much later."""
    if _says_tags(line) and row["certain"] and not re.match(r"SIGABRT|abort", line):
        return Judged(Verdict.WRONG, "the program got over this fault")
    first = re.split(r"[;,:]", line)[0]
    if _says_tags(first) and not re.search(r"perhaps|may|possibly", line):
        return Judged(Verdict.WRONG, "the program got over this fault")
    return Judged(Verdict.RIGHT if "ABRT" in line or "abort" in line else Verdict.CANNOT_TELL)


def _of_form(line: str, said: set[Cause], truth: dict[str, Any]) -> Judged:
    """One instruction of known address and no bug behind it but other tags."""
    if said - {Cause.OVERFLOW}:  # memory with the pointer's tag ends where the access is
        return Judged(Verdict.WRONG, f"there is no {', '.join(each.value for each in said)}")
    if re.search(r"not a tag check fault|does not access|0 registers mismatch", line):
        return Judged(Verdict.WRONG, "the instruction faulted for its tags")
    if not _says_tags(line):
        return Judged(Verdict.CANNOT_TELL)
    start = int(truth["facts"]["access"][0], 16) & _ADDRESS
    begins = {start}
    if truth["bug"] == "dc_zva":
        begins = {start & -block for block in (64, 512)}
    elif truth["bug"].startswith("mops_"):
        begins = set(range(start, start + MOPS_BYTES))
    if any(f"{each:#x}" in line for each in begins):
        return Judged(Verdict.RIGHT)
    return Judged(Verdict.CANNOT_TELL, f"begins at {start:#x}")


_OBJECT = re.compile(
    r"(?:(?P<into>\d+) bytes? into|(?P<begin>at the beginning of)|(?P<after>right after)"
    r"|(?P<past>\d+) bytes? past the end of|(?P<before>\d+) bytes? before)"
    r" (?:an? )?(?:freed )?(?:chunk of|object of|slot of|\w+,) (?P<size>\d+) bytes"
)
"""Where an access is said to be beside or in an object of a size that was read."""


def _false_numbers(line: str, truth: dict[str, Any]) -> str:
    """What an object's size or place, or the access's, is said to be and is not."""
    facts = {name: int(values[0], 16) for name, values in truth["facts"].items() if name != "at"}
    access = re.search(r"tag check fault [^;]*? at (0x[0-9a-f]+)", line)
    if not access or not facts.get("size") or truth["allocator"] == "own":
        return ""
    at = int(access[1], 16)
    if "access" in facts and abs(at - (facts["access"] & _ADDRESS)) > WIDEST:
        return f"the access is at {facts['access'] & _ADDRESS:#x}"
    found = _OBJECT.search(line)
    if not found:
        return ""
    start, size = facts["object"] & _ADDRESS, facts["size"]
    said = int(found["size"])
    if not size <= said <= size + ROUNDED:
        return f"the object has {size} bytes"
    if Cause(truth["cause"]) in (Cause.DOUBLE_FREE, Cause.INVALID_FREE):
        return ""  # said is where the pointer is, not what the allocator read for it
    places = {
        "into": at - start,
        "begin": at - start,
        "after": at - start - said,
        "past": at - start - said,
        "before": start - at,
    }
    (kind,) = (name for name in places if found[name] is not None)
    distance = int(found[kind]) if found[kind].isdigit() else 0
    return "" if distance == places[kind] else f"the object is at {start:#x}"
