"""Results kept in a file: one line of JSON each, appended as they come.

Whoever is killed leaves at most one line unfinished, which is not believed. A file is read again
where its size or time of change is another, and everything where signatures are made otherwise.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from mtedbg.adapters.inside import container
from mtedbg.errors import DocumentError, UsageError
from mtedbg.model.triage import VERSION, Read, plain_of, read_of

_HEAD = {"schema": "mtedbg/triage-state/1", "signatures": VERSION}


def usual_path(places: Iterable[str]) -> Path:
    """The default state file of triage over `places`, in the user's state folder."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    absolute = sorted({str(Path(place).absolute()) for place in places})
    name = hashlib.sha256("\0".join(absolute).encode("utf-8", "surrogateescape")).hexdigest()
    return Path(base) / "mtedbg" / f"triage-{name[:16]}.jsonl"


class State:
    """An open state file, locked against other processes.

    Args:
        path: of the file, which is made where it is not there.
        programs: where the files of programs were looked for: elsewhere, other names are found.

    Raises:
        DocumentError: it cannot be made or read.
        UsageError: another triage has it, or it is a file of another kind.
    """

    def __init__(self, path: Path, programs: str = "") -> None:
        self.path = path
        self._head = {**_HEAD, "programs": programs}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("a+b")
        except OSError as error:
            raise DocumentError(
                f"{path}: {error.strerror}", "choose another file: --state FILE"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise UsageError(
                f"another triage is using {path}", "wait for it, or use --state FILE"
            ) from None
        self._kept = self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _load(self) -> dict[str, Read]:
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        head = _object(lines[0])
        unfinished = len(lines) == 1 and _line(self._head).startswith(lines[0])
        if not unfinished and head.get("schema") != _HEAD["schema"]:
            self._file.close()
            raise UsageError(
                f"{self.path} is not a state file of triage", "choose another file: --state FILE"
            )
        if unfinished or head != self._head:
            self._file.truncate(0)
            self._write(self._head)
            return {}
        if lines[-1]:  # its writer was killed in the middle
            self._file.truncate(sum(len(line) + 1 for line in lines[:-1]))
        kept = (_read(_object(line)) for line in lines[1:-1])
        return {one.path: one for one in kept if one is not None}

    def known(self, paths: Iterable[str]) -> Iterator[Read]:
        """The kept results of those files that have not changed since."""
        for path in paths:
            one = self._kept.get(path)
            if one is not None and _is_as_it_was(one):
                yield one

    def add(self, one: Read) -> None:
        """Keeps one result; the file is written before this returns.

        Interrupted, it is kept or it is not; it need not be added again.
        """
        self._write(plain_of(one))
        self._file.flush()

    def _write(self, value: dict[str, Any]) -> None:
        self._file.write(_line(value))


def _line(value: dict[str, Any]) -> bytes:
    """As ASCII: a file's name may be any bytes."""
    return json.dumps(value).encode("ascii") + b"\n"


def _is_as_it_was(one: Read) -> bool:
    try:
        status = Path(container(one.path)).stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (one.size, one.modified_ns)


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line) if line else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(value: dict[str, Any]) -> Read | None:
    """The line's content, or None where it is damaged."""
    try:
        return read_of(value)
    except (KeyError, TypeError, ValueError):
        return None
