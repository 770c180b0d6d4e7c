"""`memop-verify`: memops against their bytes, and threads inside of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, Takes
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.memops.verify import MemopFinding, Verification
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.memops.verify import verify

    return answer(verify(session), arguments.n)


def answer(found: Verification, most: int | None = None) -> Answer:
    """The findings as rows, at most `most` of them."""
    from mtedbg.analysis.memops.verify import MOST

    shown = found.findings[: MOST if most is None else max(1, min(most, MOST))]
    return Answer(
        Table(tuple(map(_row, shown))),
        _headline(found),
        (*found.notes, *_notes(found, len(shown))),
        incomplete=found.cut or found.lacks,
    )


def _row(one: MemopFinding) -> Row:
    return {"id": one.memop, "kind": one.kind.value, "detail": one.detail, "thread": one.thread}


def _notes(found: Verification, shown: int) -> Iterator[str]:
    from mtedbg.analysis.memops.verify import MOST
    from mtedbg.commands._findings import left_out

    return left_out(COMMAND.name, len(found.findings), shown, most=MOST, cut=found.cut)


def _headline(found: Verification) -> str:
    from mtedbg.analysis.memops.verify import FindingKind

    what = counted(found.memops, "memop")
    who = f"{counted(found.inside, 'thread')} between [1] and [2]"
    stale, wrong = found.count(FindingKind.STALE), found.count(FindingKind.BYTES)
    if stale:
        return f"{counted(stale, 'stale pair')}: {what}, {who}"
    if wrong:
        return f"{wrong} of {what} contradict their bytes; {who}, none with a stale pair"
    verdict = "no contradiction" if found.findings else "their bytes are as recorded"
    return f"{what}: {verdict}; {who}, none with a stale pair"


COMMAND = Command(
    name="memop-verify",
    summary="Checks every memop against its instructions, and every thread inside a memop.",
    columns=(
        Column("id", Kind.COUNT, "the memop's number"),
        Column("kind", Kind.TEXT, "bytes, stale-pair, in-flight, unreadable"),
        Column("detail", Kind.TEXT, "what was found"),
        Column("thread", Kind.COUNT, "the host thread that it concerns"),
    ),
    run=_run,
    options=(Option("-n", "maximum number of findings", "N", Takes.COUNT),),
    details=(
        "bytes: record and instruction words contradict each other, and no patch is in flight. "
        "stale-pair: a thread has executed the tag insert [1] but not the access [2], and [1] "
        "would now insert a different tag. in-flight: a patch or a tag change was in progress. "
        "unreadable: instruction words or registers that are not available."
    ),
    example="memop-verify",
)
