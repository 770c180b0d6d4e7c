"""Reads what `--trace FILE` wrote: all that a run of the runtime did (debug/trace.h there)."""

from __future__ import annotations

import os
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

_RECORD = struct.Struct("=4I4Q")
_CHUNK = _RECORD.size * 4096

T = TypeVar("T")


class What(IntEnum):
    """Kinds of records: `TraceKind` there."""

    TURN = 1
    EVENT = 2
    BARRIER = 3
    ACCESS = 4
    TAGS = 5
    INTERPRETED = 6
    QUIESCED = 7
    FAULTED = 8
    WORD = 9
    CLEANED = 10


class Event(IntEnum):
    """Events of the flight recorder that are looked for (`MTEDBG_EVENTS` of debug_root.h)."""

    FAULT = 1
    RETAG = 3
    PATCH = 4
    MIGRATION = 5


class Record(NamedTuple):
    """A record; what its fields mean depends on its kind."""

    what: int
    thread: int
    core: int
    event: int
    memop: int
    address: int
    first: int
    second: int


def read(path: Path) -> Iterator[Record]:
    """The records of a file, or of a FIFO until its writers have gone."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield from map(Record._make, _RECORD.iter_unpack(chunk))


class Reading(Generic[T]):
    """What is made of the records of a run that is under way.

    Attributes:
        path: for `--trace`.
        result: what was made of them; after the `with` block.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result: T


@contextmanager
def followed(take: Callable[[Iterator[Record]], T]) -> Iterator[Reading[T]]:
    """Gives `take` the records of the run in the block as they come: no disk holds them all."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-trace-") as name:
        reading: Reading[T] = Reading(Path(name) / "trace")
        os.mkfifo(reading.path)

        def follow() -> None:
            reading.result = take(read(reading.path))

        reader = threading.Thread(target=follow)
        reader.start()
        try:
            yield reading
        finally:
            # Where the runtime never opened it, the reader must end all the same.
            os.close(os.open(reading.path, os.O_RDWR | os.O_NONBLOCK))
            reader.join()
