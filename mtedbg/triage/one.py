"""Reads one file for triage: whatever it contains, the result is a row."""

from __future__ import annotations

from pathlib import Path

from mtedbg.adapters.core.kept import Kept
from mtedbg.adapters.dead import open_dead
from mtedbg.adapters.inside import container
from mtedbg.adapters.limits import watched
from mtedbg.adapters.tombstone.target import TombstoneTarget
from mtedbg.analysis.postmortem.calls import symbol_of_death
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.budget import Budget
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import MtedbgError, NotNowError, ToolMissingError
from mtedbg.model.triage import Evidence, Read, Signature, TimeSource
from mtedbg.session import Session

_NANO = 1e9


@dataclass
class Reader:
    """Reads files one after the other, those of one program quicker after the first.

    Attributes:
        sysroot: folder below which the paths in them are; empty where the user named none.
        files: whether their programs and libraries are looked for.
        kept: programs and libraries that were opened; not taken along to another process.
    """

    sysroot: str = ""
    files: bool = True
    kept: Kept = field(default_factory=Kept, repr=False)

    def __reduce__(self) -> tuple[type[Reader], tuple[str, bool]]:
        return Reader, (self.sysroot, self.files)

    def __call__(self, path: str) -> Read:
        """The result of the file at `path`.

        Args:
            path: absolute.
        """
        size, changed = _status(path)
        found: Signature | None = None
        problem, symbol, remarks, evidence = "", "", 0, Evidence()
        passing = False
        when, source = changed / _NANO, TimeSource.FILE
        try:
            budget = Budget()
            with watched(budget):
                target = open_dead(
                    path, sysroot=self.sysroot, files=self.files, kept=self.kept, budget=budget
                )
                session = Session(target, budget=budget)
                found, evidence = signature(session)
                symbol = symbol_of_death(session)
            if target.died_at is not None:
                when = target.died_at
                written = isinstance(target, TombstoneTarget)
                source = TimeSource.TOMBSTONE if written else TimeSource.NAME
            remarks = len(target.remarks)
        except MtedbgError as error:
            passing = isinstance(error, NotNowError | ToolMissingError)
            problem = error.message.removeprefix(path).lstrip(": ") or error.message
        except MemoryError:
            problem, passing = "takes more memory than a worker may use", True
        except Exception as error:  # one file must not end ten thousand: what it was is in the row
            problem = f"the reader failed: {type(error).__name__}"
        return Read(
            path, size, changed, when, source, found, problem, symbol, remarks, evidence, passing
        )


def lost(path: str, why: str) -> Read:
    """The row of a file whose reader died or was ended."""
    size, changed = _status(path)
    return Read(path, size, changed, changed / _NANO, TimeSource.FILE, None, why, passing=True)


def _status(path: str) -> tuple[int, int]:
    """Size and time of change, before the file is read: it may still be growing."""
    try:
        status = Path(container(path)).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns
