"""Two moments of fault handling → a report of the second, with what changed marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import notes_of
from mtedbg.analysis.stepping.direction import direction_of
from mtedbg.analysis.stepping.items import COMING, coming, items
from mtedbg.analysis.stepping.phases import road
from mtedbg.analysis.tags.owner import owner
from mtedbg.decode.code.instruction import text_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.handling import Handling, Item, Position
from mtedbg.model.memop import MemopState
from mtedbg.model.phase import Direction
from mtedbg.model.runtime import Journal
from mtedbg.report import Column, Line, Report, Scalar, Span, Value, flat

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_GONE = "no longer in this memop"
_CHANGED, _SAME = "* ", "  "


def moment_report(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    thread: Thread,
    now: Handling,
    before: Sequence[Item] = (),
) -> Report:
    """Where `thread` is on the road of a fault, and what is not as it was.

    Args:
        session: a stopped process.
        command: to be named in the report.
        columns: of the report.
        thread: which.
        now: its moment.
        before: the items of an earlier moment of the same fault; none where there was none.
    """
    here = road(session, thread)
    if isinstance(here, Absent):
        return flat(command, session.info, columns, ({c.key: here for c in columns},))
    direction = direction_of(session, here)
    was = {item.key: item.text for item in before}
    found = items(session, now)
    found += [replace(item, text=_GONE) for item in before if _has_left(item, found)]
    following = coming(session, here.runtime, now)
    row = _row(session, now, direction, following)
    row["changes"] = [
        {"what": item.key, "before": was.get(item.key, NOT_APPLICABLE), "now": item.text}
        for item in found
        if _changed(item, was)
    ]
    return flat(
        command,
        session.info,
        columns,
        (row,),
        notes_of(here.runtime),
        (*_picture(found, was), _next_line(found, following)),
        _headline(now, direction),
    )


def _changed(item: Item, was: dict[str, str]) -> bool:
    """Whether it is not as it was; what is only there in the handler has not changed by that."""
    if item.key not in was:
        return bool(was) and item.key.startswith(COMING)
    return was[item.key] != item.text


def _has_left(item: Item, found: Sequence[Item]) -> bool:
    return item.key.startswith(COMING) and item.key not in {one.key for one in found}


def _row(
    session: Session, now: Handling, direction: Direction | Absent, following: str
) -> dict[str, Value]:
    state = now.memop
    memop = state if isinstance(state, Absent) else state.memop
    return {
        "place": now.position.value,
        "phase": now.phase,
        "thread": now.thread,
        "guest_thread": now.guest_thread,
        "memop": memop if isinstance(memop, Absent) else memop.id,
        "function": now.function or NOT_APPLICABLE,
        "direction": direction if isinstance(direction, Absent) else direction.value,
        "pointer_raw": now.pointer,
        "granules": [
            {"address": one.address, "tag": one.tag, "owner": _owner(session, one.tag)}
            for one in now.granules
        ],
        "instructions": [] if isinstance(state, Absent) else _instructions(state),
        "mode": memop if isinstance(memop, Absent) else memop.mode,
        "flips": memop if isinstance(memop, Absent) else memop.flips,
        "core": now.core,
        "resumes": now.resumes,
        "lock": now.lock if now.lock != 0 else NOT_APPLICABLE,
        "journal": _journal(now.journal),
        "others": [
            {"thread": one.thread, "where": one.where, "tag": one.tag, "stale": one.stale}
            for one in now.others
        ],
        "next": following,
    }


def _owner(session: Session, tag: int | Absent) -> Scalar:
    return NOT_APPLICABLE if isinstance(tag, Absent) else owner(session, tag)


def _instructions(state: MemopState) -> list[dict[str, Scalar]]:
    return [
        {
            "part": f"[{word.part}]",
            "address": word.address,
            "word": word.word,
            "text": word.word
            if isinstance(word.word, Absent)
            else text_of(word.word, word.address),
            "mode": word.mode if isinstance(word.mode, Absent) else word.mode.value,
        }
        for word in state.words
    ]


def _journal(entry: Journal | Absent) -> dict[str, Scalar] | Absent:
    if isinstance(entry, Absent):
        return entry
    return {
        "operation": entry.operation,
        "phase": entry.phase,
        "thread": entry.thread,
        "memop": entry.memop,
        "old_tag": entry.old_tag,
        "new_tag": entry.new_tag,
        "old_mode": entry.old_mode,
        "new_mode": entry.new_mode,
    }


def _headline(now: Handling, direction: Direction | Absent) -> str:
    where = {
        Position.PHASE: f"before phase {now.phase}",
        Position.SIGNAL: "a fault, before its handler",
        Position.HANDLER: "in the handler, between phases",
        Position.INSERT: "at [1]" if _at_insert(now) else "between [1] and [2]",
        Position.ACCESS: "at [2]",
        Position.ELSEWHERE: "in no memop and no handler",
    }[now.position]
    if isinstance(now.memop, Absent):
        return f"thread {now.thread}: {where}"
    memop = now.memop.memop
    what = f"memop {memop.id}, {memop.size}-byte {memop.access_words} of guest {memop.guest_rip:#x}"
    what = f"{what} in {now.function}" if now.function else what
    headline = f"thread {now.thread}: {where}: {what}"
    on_fault = now.in_handler or now.position is Position.SIGNAL
    if isinstance(direction, Direction) and on_fault:
        return f"{headline}; {direction.text}"
    return headline


def _at_insert(now: Handling) -> bool:
    return isinstance(now.memop, MemopState) and now.pc == now.memop.memop.start


def _label(item: Item) -> str:
    return item.key.partition(" 0x")[0]


def _picture(found: Sequence[Item], was: dict[str, str]) -> list[Line]:
    """A line for each item: a mark where it changed, what it is, where, before → now."""
    wide = max((len(_label(item)) for item in found), default=0)
    where = max((len(_where(item)) for item in found), default=0)
    lines: list[Line] = []
    for item in found:
        changed = _changed(item, was)
        old = was.get(item.key, "") if changed else ""
        lines.append(
            (
                Span(_CHANGED if changed else _SAME, "mark"),
                Span(f"{_label(item):<{wide}}  ", "heading"),
                Span(f"{_where(item):<{where}}  " if where else "", "address"),
                Span(f"{old} → " if old else "", "dim"),
                Span(item.text, "mark" if changed else ""),
            )
        )
    return lines


def _where(item: Item) -> str:
    return f"{item.where:#x}" if isinstance(item.where, int) else ""


def _next_line(found: Sequence[Item], following: str) -> Line:
    wide = max((len(_label(item)) for item in found), default=0)
    return (Span(f"{_SAME}{'next':<{wide}}  ", "heading"), Span(following))
