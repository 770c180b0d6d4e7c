"""What Android recorded of a death: causes with the allocation they are about, abort message."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.formats.protobuf import Message
from mtedbg.formats.tombstone import MOST_CAUSES, MOST_FRAMES, call_of
from mtedbg.model.recorded import RecordedFact

_TOOLS = {0: "GWP-ASan", 1: "Scudo"}
_ERRORS = (
    "unknown error", "use after free", "double free", "invalid free", "buffer overflow",
    "buffer underflow",
)  # fmt: skip


def recorded_facts(message: Message) -> Iterator[RecordedFact]:
    """Causes first, each with where its memory was allocated and freed."""
    for cause in message.messages(15, MOST_CAUSES):
        yield RecordedFact("cause", cause.text(1))
        error = cause.message(2)
        if error is not None:
            yield from _memory_error(error)
    if abort := message.text(14):
        yield RecordedFact("abort message", abort)
    for about, number in (("build", 2), ("time", 4), ("process", 9)):
        if text := message.text(number):
            yield RecordedFact(about, text)


def _memory_error(error: Message) -> Iterator[RecordedFact]:
    tool, kind = _TOOLS.get(error.number(1), "another tool"), error.number(2)
    what = _ERRORS[kind] if kind < len(_ERRORS) else _ERRORS[0]
    heap = error.message(3)
    if heap is None:
        yield RecordedFact("memory error", f"{what}, by {tool}")
        return
    size, address = heap.number(2), heap.number(1)
    yield RecordedFact("memory error", f"{what}, by {tool}: {size} bytes at {address:#x}")
    for about, thread, calls in (("allocated", 3, 4), ("freed", 5, 6)):
        if heap.has(thread) or heap.has(calls):
            chain = tuple(call_of(one) for one in heap.messages(calls, MOST_FRAMES))
            yield RecordedFact(about, f"by thread {heap.number(thread)}", chain)
