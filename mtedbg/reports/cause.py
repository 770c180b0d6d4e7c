"""The cause of death; its headline is the first line of a post-mortem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import present
from mtedbg.model.cause import Strength
from mtedbg.report import Answer, Column, Kind, Line, Record, Row, Span

if TYPE_CHECKING:
    from mtedbg.model.cause import Cause, Hypothesis

_HEADINGS = {
    Strength.READ: "found    ",
    Strength.LIKELY: "probably ",
    Strength.POSSIBLE: "perhaps  ",
    Strength.CHANCE: "perhaps  ",
}

NAME = "cause"
COLUMNS = (
    Column("kind", Kind.TEXT, "the kind of crash"),
    Column("cause", Kind.TEXT, "the cause, in one line"),
    Column("because", Kind.LIST, "the evidence for it"),
    Column("signal", Kind.TEXT, "signal and code"),
    Column("transition", Kind.TEXT, "the patch that was in progress"),
    Column("code", Kind.TEXT, "what kind of code the thread was in"),
    Column("function", Kind.TEXT, "guest function or host symbol; else file and offset"),
    Column("memop", Kind.COUNT, "the memop that faulted or was being patched"),
    Column("relation", Kind.TEXT, "what the pointer's tag and the memory's tag stand for"),
    Column("thread", Kind.COUNT, "the thread whose fault it was"),
    Column("killed_by", Kind.TEXT, "the signal that killed, where it was another one"),
    Column("certain", Kind.FLAG, "whether the fault led to the death; else it may have"),
    Column("guesses", Kind.LIST, "what may have caused it, likeliest first: never certain"),
)


def answer(found: Cause) -> Answer:
    """The cause as one row, and as lines that say what it rests on."""
    return Answer(Record(_row(found), tuple(_lines(found))), found.words)


def _row(found: Cause) -> Row:
    return {
        "kind": found.kind.value,
        "cause": found.words,
        "because": found.reasons,
        "signal": found.signal,
        "transition": found.transition,
        "code": found.code,
        "function": found.function,
        "memop": found.memop,
        "relation": found.relation,
        "thread": found.thread,
        "killed_by": found.killed_by,
        "certain": found.certain,
        "guesses": tuple(
            {
                "guess": one.what,
                "because": _because(one),
                "likelihood": one.strength.value,
                "relation": one.relation.value,
            }
            for one in found.hypotheses
        ),
    }


def _because(hypothesis: Hypothesis) -> str:
    return "; ".join(hypothesis.reasons)


def _lines(found: Cause) -> Iterator[Line]:
    where = ", ".join(part for part in (found.function, found.code) if present(part))
    if where:
        yield (Span("in       ", "heading"), Span(where))
    for reason in found.reasons:
        yield (Span("because  ", "heading"), Span(reason))
    for one in found.hypotheses:
        yield (Span(_HEADINGS[one.strength], "heading"), Span(f"{one.what}: {_because(one)}"))
