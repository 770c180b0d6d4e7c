"""Core files as a real kernel writes them, of programs that say themselves what is in them."""

from dataclasses import dataclass
from pathlib import Path

from mtedbg.lab.vm import LabResult, Vm
from tests.support.compile import compiled

TAGGED_HEAP = {"GLIBC_TUNABLES": "glibc.mem.tagging=3"}


@dataclass(frozen=True)
class Case:
    """How a core is provoked: a program of `programs/`, its arguments and its environment."""

    program: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


CASES = {
    "sync": Case("sync_fault"),
    "straddle": Case("sync_fault", ("straddle",)),
    "filtered": Case("sync_fault", ("filtered",)),
    "async": Case("async_fault"),
    "heap": Case("heap", environment=tuple(TAGGED_HEAP.items())),
    "abort": Case("abort"),
    "partial": Case("partial"),
    "threads": Case("threads"),
}


@dataclass(frozen=True)
class KernelCore:
    """A core and what is known about it from elsewhere.

    Args:
        core: the file.
        program: the executable that crashed.
        facts: what the program printed before: name to values.
        result: how it ended.
    """

    core: Path
    program: Path
    facts: dict[str, list[int]]
    result: LabResult

    def fact(self, name: str) -> int:
        """The only value of a fact."""
        (value,) = self.facts[name]
        return value


def parse_facts(output: bytes) -> dict[str, list[int]]:
    """Reads lines `NAME HEX…`."""
    lines = [line.split() for line in output.decode().splitlines()]
    return {words[0]: [int(word, 16) for word in words[1:]] for words in lines}


def produce(vm: Vm, case: Case, folder: Path) -> KernelCore:
    """Runs one case in `vm`; its core comes to `folder`."""
    program = compiled(case.program)
    folder.mkdir(parents=True)
    environment = {"PATH": "/usr/bin", **dict(case.environment)}
    argv = [str(program), *case.arguments]
    result = vm.run(argv, env=environment, cores_to=folder, timeout_s=60)
    assert len(result.cores) == 1, f"{case}: {result}"
    return KernelCore(result.cores[0], program, parse_facts(result.stdout), result)
