"""Whose memory a tag marks, by the runtime's convention."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

SHARED = "shared"
TAGS = 16


def owner_of(tag: int, shared_tag: int) -> str | int:
    """Who owns memory with `tag`: "shared", or the core id (HostCoreId), which is the tag.

    Args:
        tag: allocation tag, 0 to 15.
        shared_tag: 0 where core ids are 1 to 15, 15 where they are 0 to 14.
    """
    return SHARED if tag == shared_tag else tag


def owner(session: Session, tag: int) -> str | int | Absent:
    """Who owns memory with `tag` in this process: does not apply where there is no runtime."""
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes if runtimes.reason is Reason.DAMAGED else NOT_APPLICABLE
    conventions = {runtime.shared_tag for runtime in runtimes}
    if len(conventions) > 1:
        return Absent(Reason.UNKNOWN, "runtimes with different conventions")
    shared_tag = conventions.pop()
    return then(shared_tag, partial(owner_of, tag))


def guards(session: Session) -> frozenset[int]:
    """The tags that memory has while it changes hands: no core's, by any runtime's word."""
    found = map(guard_of, session.readable_runtimes())
    return frozenset(tag for tag in found if tag is not None)


def guard_of(runtime: Runtime) -> int | None:
    """The guard's tag; None where memory changes hands without one."""
    from mtedbg.model.runtime import Policy

    config = runtime.config
    if isinstance(config, Absent) or config.policy == Policy.SEED:
        return None
    guard = config.guard_tag
    return guard if isinstance(guard, int) and guard != config.shared_tag else None


@once
def owners(session: Session) -> tuple[str | int | Absent, ...]:
    """The owner that each of the sixteen tags stands for."""
    return tuple(owner(session, tag) for tag in range(TAGS))
