"""What Android says of a death: causes with the allocation that they are about, abort message."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.formats.protobuf import Message
from mtedbg.formats.tombstone import MOST_CAUSES, MOST_FRAMES, call_of
from mtedbg.model.recorded import Statement

_TOOLS = {0: "GWP-ASan", 1: "Scudo"}
_ERRORS = (
    "unknown error", "use after free", "double free", "invalid free", "buffer overflow",
    "buffer underflow",
)  # fmt: skip


def statements(message: Message) -> Iterator[Statement]:
    """Causes first, each with where its memory was allocated and freed."""
    for cause in message.messages(15, MOST_CAUSES):
        yield Statement("cause", cause.text(1))
        error = cause.message(2)
        if error is not None:
            yield from _memory_error(error)
    if abort := message.text(14):
        yield Statement("abort message", abort)
    for about, number in (("build", 2), ("time", 4), ("process", 9)):
        if text := message.text(number):
            yield Statement(about, text)


def _memory_error(error: Message) -> Iterator[Statement]:
    tool, kind = _TOOLS.get(error.number(1), "another tool"), error.number(2)
    what = _ERRORS[kind] if kind < len(_ERRORS) else _ERRORS[0]
    heap = error.message(3)
    if heap is None:
        yield Statement("memory error", f"{what}, by {tool}")
        return
    size, address = heap.number(2), heap.number(1)
    yield Statement("memory error", f"{what}, by {tool}: {size} bytes at {address:#x}")
    for about, thread, calls in (("allocated", 3, 4), ("freed", 5, 6)):
        if heap.has(thread) or heap.has(calls):
            chain = tuple(call_of(one) for one in heap.messages(calls, MOST_FRAMES))
            yield Statement(about, f"by thread {heap.number(thread)}", chain)
