"""How each thread has its memory accesses checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.decode.control import ASKED_FOR, control_of
from mtedbg.errors import NoTargetError
from mtedbg.model.absent import Absent, present
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_BOTH = ASKED_FOR[3]
_PREFERENCE = (
    f"{_BOTH}: the kernel takes what each cpu prefers, see"
    " /sys/devices/system/cpu/cpu*/mte_tcf_preferred (async where nothing is set)"
)
_HARDWARE = "this target tells the check mode alone, and not what the thread asked the kernel for"


def control(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """The tagged-address control of every thread.

    Raises:
        NoTargetError: the target has no threads.
    """
    threads = session.target.threads()
    if not threads:
        raise NoTargetError("the target has no threads", "memory and tags can still be read")
    rows = tuple(_row(thread) for thread in threads)
    notes = []
    if any(row["tcf"] == _BOTH for row in rows):
        notes.append(_PREFERENCE)
    if any(present(thread.check_mode) for thread in threads):
        notes.append(_HARDWARE)
    return flat(
        command, session.info, columns, rows, tuple(notes), headline=_headline(rows), listing=True
    )


def _row(thread: Thread) -> Row:
    found = control_of(thread)
    mask = found.include_mask
    return {
        "thread": thread.number,
        "tagged_addr": found.tagged_addr,
        "tcf": found.tcf,
        "include_mask": mask if isinstance(mask, Absent) else f"{mask:#06x}",
        "store_only": found.store_only,
    }


def _headline(rows: tuple[Row, ...]) -> str:
    """What all threads have in common; that they differ, where they do."""
    who = f"{len(rows)} threads" if len(rows) > 1 else "1 thread"
    modes = {str(row["tcf"]) for row in rows}
    if len(modes) > 1:
        return f"{who}: they are checked in different ways"
    (mode,) = modes
    if isinstance(rows[0]["tcf"], Absent):
        return f"{who}, check mode: {mode}"
    return f"{who}: {'accesses are not checked' if mode == 'none' else f'tag checks {mode}'}"
