"""What the runtime's fault handler does about a tag check fault at a memop.

The handler's own table is `native/src/fault/decision.h`; this says it in words.
"""

from __future__ import annotations

from collections.abc import Sequence

from mtedbg.dataclass import dataclass, replace
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memop import Memop, Mode
from mtedbg.model.runtime import Config, Policy


@dataclass(frozen=True, slots=True)
class Situation:
    """What the handler decides by.

    Attributes:
        mode: the memop's form.
        memory: allocation tags of the granules that the access touches.
        own: the tag of the core that the thread runs on; that of shared memory where the core
            has none of its own.
        shared: the tag of shared memory.
        policy: the runtime's: a `Policy`.
        pinned: whether the memop is kept shared.
        owns: whether memory can have the tag `own`; False on a core that has no tag of its own.
        claims: whether the memop has faulted so often that memory is taken back.
        has_out_of_line: whether the memop has an out-of-line form.
    """

    mode: Mode
    memory: Sequence[int]
    own: int
    shared: int
    policy: str
    pinned: bool = False
    owns: bool = True
    claims: bool = False
    has_out_of_line: bool = False

    @property
    def mine(self) -> bool:
        """Whether all of the memory is the core's own."""
        return self.has_own and all(tag == self.own for tag in self.memory)

    @property
    def has_own(self) -> bool:
        """Whether there can be memory of the core's own."""
        return self.owns and self.own != self.shared

    @property
    def all_shared(self) -> bool:
        """Whether all of the memory is shared."""
        return all(tag == self.shared for tag in self.memory)

    @property
    def foreign(self) -> bool:
        """Whether some of the memory is another core's."""
        known = (self.shared, self.own) if self.has_own else (self.shared,)
        return any(tag not in known for tag in self.memory)


def policy_of(config: Config) -> Policy | Absent:
    """The runtime's policy; an absence where it does not tell it, or it is not known here."""
    if isinstance(config.policy, Absent):
        return config.policy
    if config.policy not in tuple(Policy):
        return Absent(Reason.UNKNOWN_VERSION, f"policy {config.policy} is not known here")
    return Policy(config.policy)


def situation(memop: Memop, config: Config, memory: Sequence[int], own: int) -> Situation:
    """The situation of a memop that faults now, past its thresholds or not.

    Args:
        memop: it; its mode is one that is known.
        config: of its runtime; the policy must be one that is known (`policy_of`).
        memory: as in Situation.
        own: the same.
    """
    assert not isinstance(config.policy, Absent)
    pinned = memop.pinned == 1
    now = Situation(Mode(memop.mode), memory, own, config.shared_tag, config.policy, pinned)
    past = _past(config.interpret_threshold, memop.faults)
    return replace(
        now,
        policy=Policy.STICKY if now.policy == Policy.INTERPRET and past else now.policy,
        owns=config.nobody_tag != own,
        claims=not pinned and _past(config.claim_threshold, memop.faults),
        has_out_of_line=len(memop.accesses) > 1,
    )


def _past(threshold: int | Absent, faults: int | Absent) -> bool:
    if isinstance(threshold, Absent) or isinstance(faults, Absent):
        return False
    return threshold != 0 and faults >= threshold


def patch_to(now: Situation) -> Mode | None:
    """The form that the handler will give the memop; None where it patches nothing."""
    local = now.mode is Mode.LOCAL
    if _settled(now) or now.policy == Policy.INTERPRET or now.mode is Mode.EITHER:
        return None
    if local:
        return None if _claims_memory(now) else Mode.SHARED
    if now.policy == Policy.SEED:
        return Mode.LOCAL if now.has_own and not now.pinned else None
    if _goes_out_of_line(now):
        return Mode.EITHER
    return Mode.LOCAL if now.claims and now.mine else None


def _settled(now: Situation) -> bool:
    """Whether the memop's form is right for the memory as it is."""
    if now.mode is Mode.EITHER:
        return now.mine or now.all_shared
    return now.mine if now.mode is Mode.LOCAL else now.all_shared


def _goes_out_of_line(now: Situation) -> bool:
    follows = now.policy == Policy.FOLLOW and now.has_out_of_line and not now.pinned
    return follows and now.mine


def _claims_memory(now: Situation) -> bool:
    claims = now.claims and now.policy != Policy.SEED and now.has_own
    return claims and now.mode is Mode.LOCAL and not now.foreign


def transition(now: Situation) -> str:
    """What the handler will do, in words."""
    local = now.mode is Mode.LOCAL
    if local and now.mine:
        return "stays local, the core register was stale: reload it, retry"
    if now.mode is Mode.EITHER and _settled(now):
        return "stays either, the tag changed or the core register was stale: retry"
    if not local and now.all_shared:
        return "stays shared, another thread was first: retry"
    if now.policy == Policy.INTERPRET:
        barriers = " between barriers on every core" if now.foreign else ""
        return f"interpret: perform the access in the handler{barriers}, patch nothing"
    barrier = "" if now.policy == Policy.SEED else "barrier, "
    if patch_to(now) is Mode.EITHER:
        return "shared → either: patch memop to go by the memory's tag, out of line"
    if patch_to(now) is Mode.LOCAL:
        return f"shared → local: {_taken(now, barrier)}patch memop to local"
    if _claims_memory(now):
        return f"stays local: {_taken(now, barrier)}retry"
    retag = "" if now.all_shared else f"retag memory to shared, {barrier}"
    if local:
        return f"local → shared: {retag}patch memop to shared"
    return f"stays {now.mode.lower()}: {retag}retry"


def _taken(now: Situation, barrier: str) -> str:
    return "" if now.mine else f"retag memory to core {now.own}, {barrier}"
