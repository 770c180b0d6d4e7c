"""Reads one file for triage: whatever it contains, the result is a row."""

from __future__ import annotations

from pathlib import Path

from mtedbg.adapters.dead import open_dead
from mtedbg.adapters.tombstone.target import TombstoneTarget
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import or_else
from mtedbg.model.triage import Read, Signature, TimeSource
from mtedbg.session import Session

_NANO = 1e9


def read(path: str) -> Read:
    """The result of the file at `path`. Its program and libraries are not opened.

    Args:
        path: absolute.
    """
    size, changed = _status(path)
    found: Signature | None = None
    problem, pc, remarks = "", None, 0
    when, source = changed / _NANO, TimeSource.FILE
    try:
        target = open_dead(path, files=False)
        if isinstance(target, TombstoneTarget) and target.died_at is not None:
            when, source = target.died_at, TimeSource.TOMBSTONE
        session = Session(target)
        found = signature(session)
        raw = or_else(target.registers(session.current_thread()), {}).get("pc")
        pc = None if raw is None else session.strip(raw)
        remarks = len(target.remarks)
    except MtedbgError as error:
        problem = error.message.removeprefix(path).lstrip(": ") or error.message
    except MemoryError:
        problem = "takes more memory than a worker may use"
    except Exception as error:  # one file must not end ten thousand: what it was is in the row
        problem = f"the reader failed: {type(error).__name__}"
    return Read(path, size, changed, when, source, found, problem, pc, remarks)


def lost(path: str, why: str) -> Read:
    """The row of a file whose reader died or was ended."""
    size, changed = _status(path)
    return Read(path, size, changed, changed / _NANO, TimeSource.FILE, None, why)


def _status(path: str) -> tuple[int, int]:
    """Size and time of change, before the file is read: it may still be growing."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns
