"""Processes stopped at one instruction, for unit tests of what is said about them."""

from __future__ import annotations

from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

HEAP = 0xFFFF_8A2B_0000
"""Two pages: one tagged, with tag 11 and from `THREES` on 3, then 5 and 0; one not tagged."""

PAGE = 4096
THREES = HEAP + 0x640
TAGS = bytes([11] * 100 + [3] * 40 + [5] * 16 + [0] * 100)
CODE = 0x40_0000
BEFORE = 16
"""Instructions before the one that the thread stopped at."""

NOP = 0xD503201F

SIGSEGV, SYNC = 11, 9

OWN, OTHER = 2, 7
"""Of `runtime_at`: the tag of the core that thread 1 is on, and a core's that nobody is on."""


def tagged(address: int, tag: int) -> int:
    return address | tag << 56


def target_at(
    word: int = NOP,
    registers: dict[str, int] | None = None,
    signal: SignalInfo | None = None,
    before: list[int] | None = None,
) -> FakeTarget:
    """A process with one thread that stopped at `word`, with the instructions `before` it."""
    earlier = [NOP] * (BEFORE - len(before or [])) + (before or [])
    code = b"".join(one.to_bytes(4, "little") for one in [*earlier, word])
    return FakeTarget(
        memory={HEAP: bytes(2 * PAGE), CODE: code},
        tags={HEAP: TAGS},
        mappings=[
            Region(CODE, CODE + PAGE, "r-x", "/bin/fake", tagged=False),
            Region(HEAP, HEAP + PAGE, "rw-", "[anon:heap]", tagged=True),
            Region(HEAP + PAGE, HEAP + 2 * PAGE, "rw-", "", tagged=False),
        ],
        register_sets={1: {"pc": CODE + 4 * BEFORE, **(registers or {})}},
        signals={1: signal} if signal else {},
    )


def session_at(
    word: int = NOP,
    registers: dict[str, int] | None = None,
    signal: SignalInfo | None = None,
    before: list[int] | None = None,
) -> Session:
    return Session(target_at(word, registers, signal, before))


def runtime_at(tag: int, memory: int) -> Session:
    """Thread 1 faulted at the access of memop 1, with `tag` in its pointer."""
    target = image().target()
    target.signals[1] = SignalInfo(SIGSEGV, SYNC, tagged(HEAP, tag))
    target.register_sets[1]["x16"] = tagged(HEAP, tag)
    target.tags[HEAP] = bytes([memory])
    assert isinstance(target.mappings, list)
    target.mappings.append(Region(HEAP, HEAP + PAGE, "rw-", "", tagged=True))
    return Session(target)
