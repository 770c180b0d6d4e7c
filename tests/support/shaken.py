"""Programs whose threads are moved from processor to processor all the while, from outside.

Left alone, the kernel of a VM seldom moves any. `shaker.c` binds each to one that it draws, in the
middle of anything, and prints at the end how often it did.
"""

from __future__ import annotations

from tests.support.compile import compiled

PERIOD_US = 2000
"""After so long each thread is bound to another processor, or to the same."""


def words(seed: int) -> list[str]:
    """What comes before a program and its arguments in the VM, with a seed of its draws."""
    return [str(compiled("shaker", "-static")), str(seed), str(PERIOD_US)]


def bound(output: bytes) -> tuple[bytes, int]:
    """The program's own output, and how often a thread was bound; -1 where that is not said."""
    own, shaken, count = output.rpartition(b"shaken ")
    return (own, int(count)) if shaken else (output, -1)
