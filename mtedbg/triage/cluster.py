"""Reads files with the workers of a dask.distributed cluster, which see them by the same paths.

The scheduler gives the work of a worker that is gone to another one, and a result arrives once. A
file that several workers died of is a row like any other damaged one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from mtedbg.errors import ConnectionLostError, ToolMissingError
from mtedbg.model.triage import Read
from mtedbg.triage.one import Reader, lost

if TYPE_CHECKING:
    from types import ModuleType

_BATCH = 16
CONNECT_S = 10


def read_several(reader: Reader, paths: Sequence[str]) -> list[Read]:
    """What a worker does: a few files, one after the other."""
    return [reader(path) for path in paths]


def read_all(
    paths: Sequence[str], address: str, reader: Reader | None = None
) -> Generator[Read, None, None]:
    """The result of each file, in any order, each once.

    Args:
        paths: absolute; the workers must see the same files there.
        address: of the scheduler, "tcp://HOST:PORT".
        reader: reads one.

    Raises:
        ToolMissingError: dask.distributed is not installed.
        ConnectionLostError: the scheduler is not there, or went away.
    """
    distributed = _library()
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionLostError(
            f"no scheduler answers at {address}: {type(error).__name__}",
            "start one: dask scheduler; and workers: dask worker ADDRESS",
        ) from None
    with client:
        yield from _results(distributed, client, partial(read_several, reader or Reader()), paths)


def _library() -> ModuleType:
    try:
        import distributed
    except ImportError:
        raise ToolMissingError(
            "dask.distributed is not installed", "run: pip install 'mtedbg[cluster]'"
        ) from None
    found: ModuleType = distributed
    return found


def _results(
    distributed: Any, client: Any, work: Callable[[Sequence[str]], list[Read]], paths: Sequence[str]
) -> Iterator[Read]:
    batches = [list(paths[at : at + _BATCH]) for at in range(0, len(paths), _BATCH)]
    # Not pure: the same path may be another file by the next time.
    futures = client.map(work, batches, pure=False)
    given = dict(zip(futures, batches, strict=True))
    done = distributed.as_completed(futures, loop=client.loop)
    for future in done:
        batch = given.pop(future)
        error = future.exception()
        if error is None:
            yield from future.result()
        elif len(batch) == 1 and isinstance(error, distributed.KilledWorker):
            yield lost(batch[0], "every worker that read it died")
        elif isinstance(error, distributed.KilledWorker):  # one of these: each alone
            for path in batch:
                again = client.submit(work, [path], pure=False)
                given[again] = [path]
                done.add(again)
        else:
            raise ConnectionLostError(
                f"the cluster failed: {type(error).__name__}: {error}",
                "results so far are kept: run the same command again to continue",
            )
        future.release()
