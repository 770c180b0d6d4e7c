"""Crashes of a text, explained: a row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.crash_text import NOT_IN_TEXT
from mtedbg.model.pointer import logical_tag
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.report import Answer, Column, Kind, Record, Report, Row, Table
from mtedbg.reports.crash_words import headline, notes, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.analysis.postmortem.crash_text import ExplainedCrash
    from mtedbg.model.crash_text import TextFrame
    from mtedbg.report import Scalar

T = TypeVar("T")

NAME = "explain"
MOST_FRAMES = 64
"""Of one backtrace, in JSON too."""
SHOWN_NOTES = 12
"""Crashes whose notes are said one by one; of more, the JSON has each row."""
COLUMNS = (
    Column("line", Kind.COUNT, "the line of the text where it begins"),
    Column("file", Kind.TEXT, "the file, where several were given"),
    Column("time", Kind.TEXT, "when, as the log has it"),
    Column("source", Kind.TEXT, "what wrote the text"),
    Column(
        "verdict", Kind.TEXT,
        "tag check fault, not a tag check fault, cannot tell, not a crash",
    ),
    Column("signal", Kind.TEXT, "the signal"),
    Column("code", Kind.COUNT, "si_code", shown=False),
    Column("code_name", Kind.TEXT, "its name"),
    Column("tag_check", Kind.TEXT, "synchronous or asynchronous, if it is a tag check fault"),
    Column("fault_address_raw", Kind.RAW, "the fault address as written", shown=False),
    Column("address", Kind.ADDRESS, "the same without its tag"),
    Column(
        "logical_tag", Kind.TAG,
        "the pointer's tag: written out, or bits 59:56 of the address or of its base register",
    ),
    Column(
        "allocation_tag", Kind.TAG, "the memory's tag, if the text has it; KASAN's and HWASan's"
        " have 8 bits",
    ),
    Column("access", Kind.TEXT, "load or store, if the text has it"),
    Column("size", Kind.SIZE, "bytes of the access, if the text has it", shown=False),
    Column("exception", Kind.TEXT, "what the kernel's ESR says", shown=False),
    Column("check_mode", Kind.TEXT, "what checks were asked for", shown=False),
    Column("pid", Kind.COUNT, "process id"),
    Column("tid", Kind.COUNT, "thread id", shown=False),
    Column("process", Kind.TEXT, "name of the program"),
    Column("thread", Kind.TEXT, "name of the thread or the program"),
    Column("cause", Kind.TEXT, "the cause that the text gives"),
    Column("message", Kind.TEXT, "what the process said last", shown=False),
    Column("function", Kind.TEXT, "the innermost frame that the text has"),
    Column("registers", Kind.LIST, "registers that point near the fault address", shown=False),
    Column("frames", Kind.LIST, "the backtrace, the innermost first", shown=False),
    Column("causes", Kind.LIST, "all causes that the text gives, with their stacks", shown=False),
    Column("facts", Kind.LIST, "what else the text tells", shown=False),
)  # fmt: skip


def report(
    found: Sequence[ExplainedCrash], files: Sequence[str] = (), said: Sequence[str] = ()
) -> Report:
    """What the text says, and what that means.

    Args:
        found: the crashes, at least one.
        files: where each is from, if there are several files.
        said: what is to be said of the reading itself.
    """
    names = files or [""] * len(found)
    if len(found) == 1:
        answer = Answer(
            Record(_row(found[0], names[0])), headline(found[0]), (*notes(found[0]), *said)
        )
    else:
        rows = tuple(_row(one, name) for one, name in zip(found, names, strict=True))
        lines = [
            f"line {one.text.line}{f' of {name}' if name else ''}: {words}"
            for one, name in list(zip(found, names, strict=True))[:SHOWN_NOTES]
            for words in (headline(one),)
        ]
        if len(found) > SHOWN_NOTES:
            lines.append(f"{len(found) - SHOWN_NOTES} more crashes: see the rows")
        answer = Answer(Table(rows), summary(found), (*lines, *said))
    return Report(
        "explain", TargetInfo(TargetKind.TEXT, TagSource.NONE, NOT_APPLICABLE), COLUMNS, answer
    )


def _row(found: ExplainedCrash, file: str) -> Row:
    text = found.text
    return {
        "line": text.line,
        "file": file or NOT_APPLICABLE,
        "time": text.time or NOT_APPLICABLE,
        "source": text.source or NOT_APPLICABLE,
        "verdict": found.verdict.value,
        "signal": text.signal_name or NOT_APPLICABLE,
        "code": text.code if text.signal_name or isinstance(text.code, int) else NOT_APPLICABLE,
        "code_name": text.code_name or NOT_APPLICABLE,
        "tag_check": found.tag_check.value if found.tag_check else NOT_APPLICABLE,
        "fault_address_raw": found.raw_address,
        "address": found.address,
        "logical_tag": found.pointer_tag,
        "allocation_tag": found.memory_tag,
        "access": found.access or NOT_APPLICABLE,
        "size": _if_told(text.size),
        "exception": _if_told(then(text.syndrome, lambda syndrome: syndrome.words)),
        "check_mode": found.check_mode or NOT_APPLICABLE,
        "pid": _if_told(text.pid),
        "tid": _if_told(text.tid),
        "process": text.process or NOT_APPLICABLE,
        "thread": text.thread or text.process or NOT_APPLICABLE,
        "cause": text.causes[0].words if text.causes and text.causes[0].words else NOT_APPLICABLE,
        "message": text.message or NOT_APPLICABLE,
        "function": str(text.frames[0]) if text.frames else NOT_APPLICABLE,
        **_lists(found),
    }


def _lists(found: ExplainedCrash) -> Row:
    text = found.text
    near = tuple(
        {
            "register": name,
            "value_raw": value,
            "tag": logical_tag(value) if not value >> 60 else NOT_APPLICABLE,
        }
        for name, value in found.near
    )
    frames = tuple(
        {"level": level, **_frame(frame)} for level, frame in enumerate(text.frames[:MOST_FRAMES])
    )
    facts = tuple({"about": about, "text": told} for about, told in text.facts)
    return {
        "registers": near or NOT_APPLICABLE,
        "frames": frames or NOT_APPLICABLE,
        "causes": tuple(_causes(found)) or NOT_APPLICABLE,
        "facts": facts or NOT_APPLICABLE,
    }


def _causes(found: ExplainedCrash) -> list[Mapping[str, Scalar]]:
    """The causes, likeliest first, each followed by its stacks."""
    rows: list[Mapping[str, Scalar]] = []
    for rank, cause in enumerate(found.text.causes, 1):
        empty = {"about": NOT_APPLICABLE, "level": NOT_APPLICABLE, "function": NOT_APPLICABLE}
        empty["file"] = NOT_APPLICABLE
        rows.append({"rank": rank, "cause": cause.words, **empty})
        for stack in cause.stacks:
            for level, frame in enumerate(stack.frames[:MOST_FRAMES]):
                made = _frame(frame)
                rows.append(
                    {
                        "rank": rank, "cause": NOT_APPLICABLE, "about": stack.about, "level": level,
                        "function": made["function"], "file": made["file"],
                    }
                )  # fmt: skip
    return rows


def _frame(frame: TextFrame) -> Mapping[str, Scalar]:
    return {
        "function": str(frame),
        "file": frame.file or NOT_APPLICABLE,
        "source": frame.source or NOT_APPLICABLE,
        "build_id": frame.build_id or NOT_APPLICABLE,
    }


def _if_told(value: T | Absent) -> T | Absent:
    """What such texts mostly do not have leaves no hole."""
    return NOT_APPLICABLE if value is NOT_IN_TEXT else value
