"""What a process has that a word of a command's line may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS
from mtedbg.decode.memops.memop import all_memops
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import or_else, present
from mtedbg.model.code import Block, Function
from mtedbg.model.completion import Completable

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

MOST = 1000
"""How many are looked at: a person reads fewer."""


def completions(session: Session, what: Completable, start: str) -> list[str]:
    """Names or numbers that begin with `start`; none where they cannot be had."""
    try:
        found = islice(_all(session, what), MOST)
        return list(dict.fromkeys(word for word in found if word.startswith(start)))
    except MtedbgError:
        return []


def _all(session: Session, what: Completable) -> Iterator[str]:
    if what is Completable.THREAD:
        yield from (str(thread.number) for thread in session.target.threads())
        return
    for runtime in session.readable_runtimes():
        yield from _OF_RUNTIME[what](runtime)


def _memops(runtime: Runtime) -> Iterator[str]:
    return (str(one.id) for one in or_else(all_memops(runtime), ()))


def _blocks(runtime: Runtime) -> Iterator[str]:
    return (str(one.id) for one in or_else(runtime.rows(CODE_MAP, Block), ()))


def _functions(runtime: Runtime) -> Iterator[str]:
    for one in or_else(runtime.rows(FUNCTIONS, Function), ()):
        name = runtime.text(one.name, one.name_length)
        if present(name) and name.isprintable():
            yield name


def _enum(name: str) -> Callable[[Runtime], Iterator[str]]:
    return lambda runtime: iter(runtime.values(name).values())


_OF_RUNTIME: dict[Completable, Callable[[Runtime], Iterator[str]]] = {
    Completable.MEMOP: _memops,
    Completable.BLOCK: _blocks,
    Completable.BLOCK_KIND: _enum("BlockKind"),
    Completable.TIER: _enum("Tier"),
    Completable.FUNCTION: _functions,
}
