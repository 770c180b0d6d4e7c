"""The parts of a post-mortem that a process with a runtime has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mtedbg.analysis.code.audit import audit
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.blocks import blocks
from mtedbg.analysis.code.foreign_blocks import foreign_listing
from mtedbg.analysis.code.listing import listing
from mtedbg.analysis.code.segments import segments
from mtedbg.analysis.memops.changes import changes
from mtedbg.analysis.memops.log import log
from mtedbg.analysis.memops.memop import find_memop
from mtedbg.analysis.memops.verify import verify
from mtedbg.analysis.stacks.foreign_guest import foreign_guest
from mtedbg.analysis.stacks.guest_calls import guest_calls
from mtedbg.analysis.stacks.guest_frame import guest_on
from mtedbg.commands import (
    guest_bt,
    guest_frame,
    jit_audit,
    jit_block,
    jit_blocks,
    jit_disas,
    jit_segments,
    memop,
    memop_log,
    memop_verify,
)
from mtedbg.decode.memops.recorder import keeps_log
from mtedbg.decode.stack.guest_frame import has_guests
from mtedbg.errors import LayoutError
from mtedbg.model.absent import present
from mtedbg.reports import changes as changes_report
from mtedbg.reports import figures
from mtedbg.reports.section import Medium, Section, by_command, own

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

F = TypeVar("F")

FINDINGS = 8
EVENTS, EVENTS_IN_FILE = 16, 4096


def guest(session: Session, thread: Thread) -> Iterator[Section[Any]]:
    """The guest's state and calls; nothing where no runtime has guest threads."""
    if not any(map(has_guests, session.readable_runtimes())):
        return
    yield by_command(
        "Guest", guest_frame.COMMAND, partial(guest_on, session, thread), guest_frame.answer
    )
    yield by_command(
        "Guest calls",
        guest_bt.COMMAND,
        partial(guest_calls, session, thread),
        partial(guest_bt.answer, session, thread),
    )


def held_by(session: Session, pc: int, line: str) -> Iterator[Section[Any]]:
    """The memop and the code block at `pc`.

    Args:
        session: where.
        pc: without tag and PAC bits.
        line: the same as a user would type it.
    """
    yield by_command(
        "Memop",
        memop.COMMAND,
        partial(find_memop, session, pc, or_id=True),
        partial(memop.answer, or_id=True),
        line,
    )
    yield by_command(
        "Code block", jit_block.COMMAND, partial(code_at, session, pc), jit_block.answer, line
    )


def translated(session: Session, thread: Thread, pc: int, line: str) -> Section[Any]:
    """The translated code around `pc`; arguments as for `held_by`."""
    return by_command(
        "Code",
        jit_disas.COMMAND,
        partial(listing, session, pc, thread=thread),
        jit_disas.answer,
        line,
    )


def of_foreign(session: Session, thread: Thread, pc: int, line: str) -> Iterator[Section[Any]]:
    """The code at `pc` of a JIT without a debug root; arguments as for `held_by`."""
    yield by_command(
        "Code block", jit_block.COMMAND, partial(code_at, session, pc), jit_block.answer, line
    )
    guest = foreign_guest(session, thread)
    if present(guest):
        yield by_command("Guest", guest_frame.COMMAND, lambda: guest, guest_frame.answer_of_foreign)
    found = foreign_listing(session, pc, thread=thread)
    if found is not None:
        yield by_command(
            "Code", jit_disas.COMMAND, lambda: found, jit_disas.answer_of_foreign, line
        )


def state(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the runtime did last, and what it has."""
    last = EVENTS_IN_FILE if medium.is_file else EVENTS
    if any(map(keeps_log, session.readable_runtimes())):
        yield by_command(
            "Last events",
            memop_log.COMMAND,
            partial(log, session, last=last),
            memop_log.answer,
            f"-n {last}",
            figures.timeline,
        )
    yield from _findings(session)
    if medium.is_file:
        yield by_command(
            "Code blocks", jit_blocks.COMMAND, partial(blocks, session), jit_blocks.answer
        )
        yield by_command(
            "Code segments",
            jit_segments.COMMAND,
            partial(segments, session),
            jit_segments.answer,
            figure=partial(figures.segment_map, session),
        )


def _findings(session: Session) -> Iterator[Section[Any]]:
    """What was in flight or is wrong with the runtime; nothing where nothing is."""
    if changes(session):
        yield own(
            "Changes in progress", changes_report, partial(changes, session), changes_report.answer
        )
    audited = _or_none(partial(audit, session))
    if audited is not None and audited.findings:
        yield by_command(
            "Code map",
            jit_audit.COMMAND,
            lambda: audited,
            partial(jit_audit.answer, most=FINDINGS),
            f"-n {FINDINGS}",
        )
    verified = _or_none(partial(verify, session))
    if verified is not None and verified.findings:
        yield by_command(
            "Memops",
            memop_verify.COMMAND,
            lambda: verified,
            partial(memop_verify.answer, most=FINDINGS),
            f"-n {FINDINGS}",
        )


def _or_none(ask: Callable[[], F]) -> F | None:
    """What is asked; None where the runtime cannot be read, which other parts say."""
    try:
        return ask()
    except LayoutError:
        return None
