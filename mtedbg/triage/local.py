"""Reads files with several processes of this machine; a file that kills one does not end triage.

Each worker is given a few files at a time. The file that a worker dies of, or does not come back
from, becomes a row; the rest of its files go to the next.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from mtedbg.adapters.limits import limited_memory
from mtedbg.dataclass import dataclass, field
from mtedbg.model.triage import Read
from mtedbg.triage.one import Reader, lost
from mtedbg.triage.safe_path import safe_path

TIMEOUT_S = 120.0
"""Seconds that one file may take."""

ReadOne = Callable[[str], Read]

_HAS_FORKSERVER = "forkserver" in multiprocessing.get_all_start_methods()
_HOW = "forkserver" if _HAS_FORKSERVER else "spawn"
"""How workers are started: Windows has neither fork nor a server for it."""
_BATCH = 32
_LONGEST_FOLDER = 70
"""Bytes of TMPDIR: multiprocessing adds names of some 35."""


def _serve(pipe: Connection, reader: ReadOne) -> None:
    """A worker: for each list of paths as many answers, until the pipe is closed."""
    with limited_memory(), contextlib.suppress(EOFError, ConnectionError):
        while True:
            for path in pipe.recv():
                pipe.send(reader(path))


@dataclass
class _Worker:
    """A process with the files that it has not answered yet, the one being read first."""

    process: BaseProcess
    pipe: Connection
    reader: ReadOne
    paths: deque[str] = field(default_factory=deque)
    since: float = 0.0

    @classmethod
    def start(cls, reader: ReadOne) -> _Worker:
        # Not forked: libraries of the caller (a terminal's, a cluster's) may have threads.
        context: Any = multiprocessing.get_context(_HOW)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, reader), daemon=True)
        with safe_path():  # a helper that died is started again here
            process.start()
        theirs.close()
        return cls(process, ours, reader)

    def give(self, paths: Sequence[str]) -> None:
        self.paths, self.since = deque(paths), time.monotonic()
        with contextlib.suppress(OSError):  # it died just now: `take` finds out
            self.pipe.send(list(paths))

    def take(self) -> Read:
        """Its next answer.

        Raises:
            EOFError: it died.
        """
        try:
            answer = self.pipe.recv()
        except OSError:
            raise EOFError from None
        self.paths.popleft()
        self.since = time.monotonic()
        assert isinstance(answer, Read)
        return answer

    def end(self) -> None:
        self.pipe.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def _prepare() -> None:
    """Starts what workers are forked from, where Ctrl-C, which is for us, does nothing to them."""
    if not _HAS_FORKSERVER:
        return
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with safe_path(), _short_names():
            forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, ours)


@contextlib.contextmanager
def _short_names() -> Iterator[None]:
    """The helpers' socket in a folder with a short name: one of AF_UNIX has 107 bytes (unix(7))."""
    usual = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"  # noqa: S108 - multiprocessing makes a private folder there
    try:
        yield
    finally:
        tempfile.tempdir = usual


def read_all(
    paths: Sequence[str],
    workers: int,
    timeout_s: float = TIMEOUT_S,
    reader: ReadOne | None = None,
) -> Generator[Read, None, None]:
    """The result of each file, in any order, each once.

    Args:
        paths: absolute.
        workers: processes, at least one.
        timeout_s: seconds that one file may take.
        reader: reads one; what can be sent to another process.
    """
    waiting = deque(paths)
    crew: list[_Worker] = []
    _prepare()
    try:
        crew += [_Worker.start(reader or Reader()) for _ in range(max(1, min(workers, len(paths))))]
        for one in list(crew):
            _feed(one, crew, waiting)
        while any(one.paths for one in crew):
            busy = {one.pipe: one for one in crew if one.paths}
            ready = connection.wait(list(busy), timeout=1.0)
            for pipe in ready:
                assert isinstance(pipe, Connection)
                yield from _answers(busy[pipe], crew, waiting)
            yield from _overdue(crew, waiting, timeout_s)
    finally:
        for one in crew:
            one.end()


def _feed(one: _Worker, crew: list[_Worker], waiting: deque[str]) -> None:
    """Gives a worker its share; small ones when few files remain, so that all end together."""
    share = max(1, min(_BATCH, len(waiting) // (2 * len(crew))))
    paths = [waiting.popleft() for _ in range(min(share, len(waiting)))]
    if paths:
        if not one.process.is_alive():  # killed while it had nothing to do: no file is to blame
            one = _instead_of(one, crew)
        one.give(paths)


def _instead_of(one: _Worker, crew: list[_Worker]) -> _Worker:
    """Replaces a worker that died."""
    one.end()
    crew.remove(one)
    crew.append(_Worker.start(one.reader))
    return crew[-1]


def _answers(one: _Worker, crew: list[_Worker], waiting: deque[str]) -> Iterator[Read]:
    try:
        yield one.take()
    except EOFError:
        one.process.join()
        yield from _replace(
            one, crew, waiting, f"the process that read it died ({_how(one.process.exitcode)})"
        )
        return
    if not one.paths:
        _feed(one, crew, waiting)


def _how(status: int | None) -> str:
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"


def _overdue(crew: list[_Worker], waiting: deque[str], timeout_s: float) -> Iterator[Read]:
    now = time.monotonic()
    for one in list(crew):
        if one.paths and now - one.since > timeout_s and not one.pipe.poll():
            yield from _replace(one, crew, waiting, f"takes more than {timeout_s:g} s to read")


def _replace(one: _Worker, crew: list[_Worker], waiting: deque[str], why: str) -> Iterator[Read]:
    """Replaces a worker that died while it read the first of its files."""
    culprit, *rest = one.paths
    waiting.extendleft(reversed(rest))
    _feed(_instead_of(one, crew), crew, waiting)
    yield lost(culprit, why)
