"""Where the selected thread stands, from several commands at once: what a front end shows.

One call, so that a front end asks its debugger once a stop. What stops one of the questions leaves
its part out; the others are answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtedbg.commands import find
from mtedbg.commands._line import ask
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent, Reason
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.report import Line, Report, Span, flat

if TYPE_CHECKING:
    from mtedbg.report import Row, flat
    from mtedbg.session import Session

SCHEMA = "mtedbg/moment/1"
AROUND = 1
"""Lines of the tag map that are shown before and after the one of the fault."""

MARK = "=>"


def moment(session: Session, *, color: bool = False) -> dict[str, Any]:
    """What is to be shown of the thread that the debugger has selected.

    Args:
        session: of a stopped process or a core.
        color: whether `context` may be in colour.

    Returns:
        JSON-ready: `target` (kind, tag_source), `thread` (number, tid, name), `pc`, `symbol`;
        `frame`, `block`, `memop`, `fault`: the row of `guest-frame`, `jit-block`, `memop`,
        `mte-fault`, or null; `context`: a few lines of text, empty where nothing is to be said.

    Raises:
        MtedbgError: there is no thread, or the program runs.
    """
    thread = session.thread()
    registers = session.target.registers(thread)
    pc = None if isinstance(registers, Absent) else registers.get("pc")
    pc = None if pc is None else session.strip(pc)
    symbol = Absent(Reason.UNKNOWN) if pc is None else session.target.symbol_at(pc)
    reports = dict(_reports(session, pc))
    return {
        "schema": SCHEMA,
        "target": {"kind": session.info.kind, "tag_source": session.info.tag_source},
        "thread": {"number": thread.number, "tid": thread.tid, "name": thread.name},
        "pc": None if pc is None else f"{pc:#x}",
        "symbol": None if isinstance(symbol, Absent) else str(symbol),
        **{key: _plain(reports.get(key)) for key in ("frame", "block", "memop", "fault")},
        "context": _context(session, reports, color=color),
    }


def _reports(session: Session, pc: int | None) -> Iterator[tuple[str, Report]]:
    """The answers that there are, by the key of `moment`."""
    fault = _ask(session, "mte-fault")
    frame = _ask(session, "guest-frame")
    block = _ask(session, f"jit-block {pc:#x}") if pc is not None else None
    at, faulted = _row(block).get("memop"), _row(fault).get("memop")
    pointer, tag = (_row(fault).get(key) for key in ("fault_address_raw", "logical_tag"))
    answers = {
        "fault": fault,
        "frame": frame,
        "block": block,
        "memop": _ask(session, f"memop {at}") if isinstance(at, int) else None,
        "faulted": _ask(session, f"memop {faulted}") if isinstance(faulted, int) else None,
        "tags": _ask(session, f"mte-tags {pointer:#x}")
        if isinstance(pointer, int) and isinstance(tag, int)
        else None,
    }
    return ((key, answer) for key, answer in answers.items() if answer)


def _ask(session: Session, line: str) -> Report | None:
    """The answer of a command, or None where it has none, as without a runtime."""
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command
    try:
        return ask(session, command, rest)[1]
    except MtedbgError:
        return None


def _row(answer: Report | None) -> Row:
    return answer.rows[0] if answer and answer.rows else {}


def _plain(answer: Report | None) -> dict[str, Any] | None:
    rows = to_object(answer)["rows"] if answer else []
    return rows[0] if rows else None


def _context(session: Session, reports: Mapping[str, Report], *, color: bool) -> str:
    """The fault, the tags around it, the memop, the block: each where there is one."""
    fault, tags = reports.get("fault"), reports.get("tags")
    lines: list[Line] = []
    if isinstance(transition := _row(fault).get("transition"), str):
        lines.append((Span(transition),))
    lines += _around(tags.answer.body.lines) if tags else []
    if memop := reports.get("memop") or reports.get("faulted"):
        lines.append((Span(memop.headline),))
    if (block := reports.get("block")) and isinstance(_row(block).get("block"), Mapping):
        lines.append((Span(block.headline),))
    headline = fault.headline if fault and tags else ""
    if not lines and not headline:
        return ""
    notes = (fault.notes if fault and tags else ()) + (tags.notes if tags else ())
    shown = flat("context", session.info, (), (), notes, tuple(lines), headline)
    return render_text(shown, color=color)


def _around(picture: Sequence[Line]) -> Sequence[Line]:
    """The marked line of a tag map and its neighbours."""
    marked = [number for number, line in enumerate(picture) if line[0].text.startswith(MARK)]
    if not marked:
        return picture[: 2 * AROUND + 1]
    return picture[max(0, marked[0] - AROUND) : marked[0] + AROUND + 1]
