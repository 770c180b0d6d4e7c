"""Which rounds are run with which options, in batches, and what is said of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.soundness.judge import Violation, allowed, violations
from tests.soundness.schedules import Litmus, Round
from tests.soundness.traces import Traced, run

BATCH = 96
"""Rounds in one run: more make what the runtime keeps of its code long, fewer its start often."""
WORKERS = 2


@dataclass(frozen=True)
class Config:
    """How the runtime is run.

    Attributes:
        policy: `--policy`.
        tag: `--shared-tag`.
        start: `--memops-start`.
        claim: `--claim-threshold`.
        common: whether threads of one shape run the same instructions.
    """

    policy: str = "sticky"
    tag: int = 0
    start: str = "local"
    claim: int = 0
    common: bool = False

    def options(self) -> list[str]:
        """The words for the runtime, but for the shared tag, which schedules need as well."""
        # The cells' own states are what the rounds are about: nothing else is to change hands.
        words = ["--policy", self.policy, "--memops-start", self.start, "--data-start", "shared"]
        return [*words, *(["--claim-threshold", str(self.claim)] if self.claim else [])]

    def __str__(self) -> str:
        claim = f" claim {self.claim}" if self.claim else ""
        common = " common code" if self.common else ""
        return f"{self.policy} tag {self.tag} starts {self.start}{claim}{common}"


SOUND = (
    Config(),
    Config(tag=15, common=True),
    Config(tag=15, policy="interpret"),
    Config(start="shared", claim=1, common=True),
    Config("follow", start="shared"),
    Config("follow", tag=15, start="either", common=True),
)
"""What `make test` takes a sample of: each option that changes what the handler does, once."""

EVERY_SOUND = tuple(
    Config(policy, tag, start, claim, common)
    for policy, claim in (("sticky", 0), ("sticky", 1), ("interpret", 0))
    for tag, start, common in itertools.product((0, 15), ("local", "shared"), (False, True))
) + tuple(
    Config("follow", tag, start, common=common)
    for tag, start, common in itertools.product(
        (0, 15), ("local", "shared", "either"), (False, True)
    )
)
EVERY_SEED = tuple(
    Config("seed", tag, start, common=common)
    for tag, start, common in itertools.product((0, 15), ("local", "shared"), (False, True))
)


@dataclass(frozen=True)
class Judged:
    """What became of a test's rounds.

    Attributes:
        rounds: as they ran.
        violations: what of it x86 does not have.
    """

    rounds: tuple[Traced, ...]
    violations: tuple[Violation, ...]


def judged(config: Config, test: Litmus, rounds: Sequence[Round]) -> Judged:
    """Runs rounds and judges them.

    What the guest itself saw has to be allowed as well: lockstep runs one access after the other.
    """
    ran: list[Traced] = []
    bad: list[Violation] = []
    for traced in _run(config, test, rounds):
        ran.append(traced)
        bad += violations(test, traced)
        if traced.printed not in allowed(test.name):
            bad.append(Violation(traced, traced.printed, stale=False))
    return Judged(tuple(ran), tuple(bad))


def _run(config: Config, test: Litmus, rounds: Sequence[Round]) -> Iterator[Traced]:
    batches = [rounds[at : at + BATCH] for at in range(0, len(rounds), BATCH)]

    def one(batch: Sequence[Round]) -> list[Traced]:
        return run(test, batch, config.options(), tag=config.tag, common=config.common)

    with ThreadPoolExecutor(WORKERS) as pool:
        for batch in pool.map(one, batches):
            yield from batch
