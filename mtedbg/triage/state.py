"""Results kept in a file: one line of JSON each, appended as they come.

Whoever is killed leaves at most one line unfinished, which is not believed. A file is read again
where its size or time of change is another, and everything where signatures are made otherwise.
Lines that somebody edited, or a disk damaged, are set aside and told.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from mtedbg.adapters.inside import container
from mtedbg.errors import DocumentError, UsageError
from mtedbg.model.triage import VERSION, Read, plain_of, read_of
from mtedbg.model.words import counted
from mtedbg.system import flags, home, set_mode

try:
    import fcntl
except ImportError:  # Windows: who runs two over the same files reads damaged lines again
    fcntl = None  # type: ignore[assignment]

_HEAD = {"schema": "mtedbg/triage-state/1", "signatures": VERSION, "lines": "crc32"}
_SUM = "crc32"


def usual_path(places: Iterable[str]) -> Path:
    """The default state file of triage over `places`, in the user's state folder."""
    base = (
        os.environ.get("XDG_STATE_HOME")
        or home("name a file for the results: --state FILE") / ".local/state"
    )
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
        self.remarks: list[str] = []
        self._head = {**_HEAD, "programs": programs}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _open(path)
        except OSError as error:
            raise DocumentError(
                f"{path}: {error.strerror}", "choose another file: --state FILE"
            ) from None
        try:
            if fcntl is not None:
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
        kept = [_read(line) for line in lines[1:-1]]
        if None in kept:
            self._set_aside(lines[1:-1], kept)
        return {one.path: one for one in kept if one is not None}

    def _set_aside(self, lines: list[bytes], kept: list[Read | None]) -> None:
        """Moves the damaged lines to a file of their own, and keeps the others."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        damaged = [line for line, one in zip(lines, kept, strict=True) if one is None]
        self.remarks.append(
            f"{counted(len(damaged), 'line')} of {self.path} are edited or damaged: set aside in"
            f" {aside}, their files are read again"
        )
        with _open(aside) as file:
            file.write(b"".join(line + b"\n" for line in damaged))
        self._file.truncate(0)
        self._write(self._head)
        for one in kept:
            if one is not None:
                self.add(one)

    def known(self, paths: Iterable[str]) -> Iterator[Read]:
        """The kept results of those files that have not changed since."""
        for path in paths:
            one = self._kept.get(path)
            if one is not None and _is_as_it_was(one):
                yield one

    def add(self, one: Read) -> None:
        """Keeps one result; the file is written before this returns.

        Interrupted, it is kept or it is not; it need not be added again. What may be read the next
        time, a file without permission or one that met a full disk, is not kept.
        """
        if not one.passing:
            value = plain_of(one)
            self._write({**value, _SUM: _sum(value)})
            self._file.flush()

    def _write(self, value: dict[str, Any]) -> None:
        self._file.write(_line(value))


def _open(path: Path) -> IO[bytes]:
    """A file for its owner alone: names of crashes are not for everybody."""
    how = os.O_RDWR | os.O_CREAT | os.O_APPEND | flags("O_CLOEXEC", "O_NOCTTY")
    file = os.fdopen(os.open(path, how, 0o600), "a+b")
    with contextlib.suppress(PermissionError):  # somebody else's, who lets us write
        set_mode(file.fileno(), 0o600)
    return file


def _sum(value: dict[str, Any]) -> int:
    return zlib.crc32(_line(value))


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


def _read(line: bytes) -> Read | None:
    """The line's content, or None where it is damaged."""
    value = _object(line)
    if value.pop(_SUM, None) != _sum(value):
        return None
    try:
        return read_of(value)
    except (KeyError, TypeError, ValueError):
        return None
