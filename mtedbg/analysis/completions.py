"""What a process has that a command can be asked about: for completion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS
from mtedbg.decode.memops.memop import all_memops
from mtedbg.errors import MtedbgError
from mtedbg.layout.memory import read_text
from mtedbg.model.absent import Absent
from mtedbg.model.code import Block, Function

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

MOST = 1000
"""How many are looked at: a person reads fewer."""


class Offer(Enum):
    """Kinds of things."""

    MEMOP = "ids of memops"
    BLOCK = "ids of code blocks"
    BLOCK_KIND = "kinds of code blocks"
    TIER = "tiers"
    FUNCTION = "names of guest functions"
    THREAD = "numbers of threads"


def offered(session: Session, what: Offer, start: str) -> list[str]:
    """Names or numbers that begin with `start`; none where they cannot be had."""
    try:
        found = islice(_all(session, what), MOST)
        return list(dict.fromkeys(word for word in found if word.startswith(start)))
    except MtedbgError:
        return []


def _all(session: Session, what: Offer) -> Iterator[str]:
    if what is Offer.THREAD:
        yield from (str(thread.number) for thread in session.target.threads())
        return
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        yield from _OF_RUNTIME[what](runtime)


def _memops(runtime: Runtime) -> Iterator[str]:
    found = all_memops(runtime)
    yield from () if isinstance(found, Absent) else (str(one.id) for one in found)


def _blocks(runtime: Runtime) -> Iterator[str]:
    table = runtime.table(CODE_MAP, Block, whole=True)
    records = table if isinstance(table, Absent) else table.records.all()
    yield from () if isinstance(records, Absent) else (str(one.id) for one in records)


def _functions(runtime: Runtime) -> Iterator[str]:
    table = runtime.table(FUNCTIONS, Function, whole=True)
    records = table if isinstance(table, Absent) else table.records.all()
    for one in () if isinstance(records, Absent) else records:
        name = read_text(runtime.target, one.name, one.name_length)
        if not isinstance(name, Absent) and name.isprintable():
            yield name


def _enum(name: str) -> Callable[[Runtime], Iterator[str]]:
    return lambda runtime: iter(runtime.layout.schema.enums.get(name, {}).values())


_OF_RUNTIME: dict[Offer, Callable[[Runtime], Iterator[str]]] = {
    Offer.MEMOP: _memops,
    Offer.BLOCK: _blocks,
    Offer.BLOCK_KIND: _enum("BlockKind"),
    Offer.TIER: _enum("Tier"),
    Offer.FUNCTION: _functions,
}
