"""What the runtime's fault handler does about a tag check fault at a memop.

The handler's own table is `native/src/fault/decision.h`; this says it in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtedbg.model.memop import Mode

SEED = "Seed"
INTERPRET = "Interpret"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the handler decides by.

    Attributes:
        mode: the memop's form, local or shared.
        memory: allocation tags of the granules that the access touches.
        own: the tag of the core that the thread runs on; that of shared memory where the core
            has none of its own.
        shared: the tag of shared memory.
        policy: the runtime's, by the name it has in the schema.
        pinned: whether the memop is kept shared.
    """

    mode: Mode
    memory: Sequence[int]
    own: int
    shared: int
    policy: str
    pinned: bool = False


def patch_to(now: Situation) -> Mode | None:
    """The form that the handler will give the memop; None where it patches nothing."""
    local = now.mode is Mode.LOCAL
    mine = now.own != now.shared and all(tag == now.own for tag in now.memory)
    if now.policy == INTERPRET or (local and mine):
        return None
    if local:
        return Mode.SHARED
    weakens = mine and now.policy == SEED and not now.pinned
    return Mode.LOCAL if weakens else None


def transition(now: Situation) -> str:
    """What the handler will do, in words."""
    local = now.mode is Mode.LOCAL
    mine = now.own != now.shared and all(tag == now.own for tag in now.memory)
    all_shared = all(tag == now.shared for tag in now.memory)
    if local and mine:
        return "stays local, the core register was stale: reload it, retry"
    if not local and all_shared:
        return "stays shared, another thread was first: retry"
    if now.policy == INTERPRET:
        foreign = any(tag not in (now.shared, now.own) for tag in now.memory)
        barriers = " between barriers on every core" if foreign else ""
        return f"interpret: perform the access in the handler{barriers}, patch nothing"
    if patch_to(now) is Mode.LOCAL:
        return "shared → local: patch memop to local"
    retag = "" if all_shared else "retag memory to shared, barrier, "
    if local:
        return f"local → shared: {retag}patch memop to shared"
    return f"stays shared: {retag}retry"
