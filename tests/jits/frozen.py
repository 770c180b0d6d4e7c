"""The frozen cores of JITs, whole or with some of their bytes changed."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import shutil
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.stacks.host_calls import HostFrame, host_calls
from mtedbg.budget import Budget
from mtedbg.decode.jits.words import Words
from mtedbg.formats import elf
from mtedbg.model.absent import Absent, present
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace
from mtedbg.model.foreign_code import CodeSpan
from mtedbg.session import Session
from tests.jits.engines import CORES, PROVENANCE
from tests.support.compile import BUILT
from tests.support.elf_core import PT_LOAD

J = TypeVar("J")

CHANGES = 200
MOST_READS, ONE_S = 20_000, 2.0
_PHOFF, _PHNUM = 0x20, 0x38


@cache
def provenance(name: str) -> dict[str, object]:
    """How a core came to be, and what its program said."""
    found = json.loads(PROVENANCE.read_text())[name]
    assert isinstance(found, dict)
    return found


@cache
def unpacked_core(name: str) -> Path:
    """The core's file, and beside it the program where one is kept; other workers read them too."""
    packed = sorted(CORES.glob(f"{name}.*gz"))
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in packed)).hexdigest()[:16]
    folder = BUILT / f"jits-{digest}"
    if not folder.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as place:
            made = Path(place) / "made"
            made.mkdir()
            for each in packed:
                contents = gzip.decompress(each.read_bytes())
                (made / each.name.removesuffix(".gz")).write_bytes(contents)
            with suppress(OSError):  # another worker was faster
                made.rename(folder)
    return folder / f"{name}.core"


def session_of(name: str, sysroot: Path | None = None, budget: Budget | None = None) -> Session:
    """A session of a core as it was left; `budget`: None for that of one report."""
    return session_of_core(unpacked_core(name), sysroot, budget)


def session_of_core(
    core: Path, sysroot: Path | None = None, budget: Budget | None = None
) -> Session:
    """The same of a core that has been changed."""
    program = core.with_suffix(".program")
    executable = str(program) if program.exists() else ""
    nowhere = core.parent / "nothing"
    return Session(CoreTarget(str(core), executable, str(sysroot or nowhere), budget=budget))


def with_memory(name: str, start: int, end: int, folder: Path) -> Path:
    """A core that also has memory that may be written and executed, of which it has no byte.

    Args:
        name: of the frozen core.
        start: of the memory.
        end: of the memory.
        folder: where the core is written, and what is kept with it.
    """
    whole = unpacked_core(name)
    for beside in whole.parent.iterdir():
        shutil.copy(beside, folder)
    data = bytearray(whole.read_bytes())
    header = elf.file_header(data, name)
    first, count = header.program_headers, header.program_header_count
    size = elf.PROGRAM_HEADER.size
    headers = [data[at : at + size] for at in range(first, first + count * size, size)]
    added = elf.PROGRAM_HEADER.pack(PT_LOAD, 7, 0, start, 0, 0, end - start, 1)
    struct.pack_into("<Q", data, _PHOFF, len(data))
    struct.pack_into("<H", data, _PHNUM, count + 1)
    core = folder / f"{name}.core"
    core.write_bytes(data + b"".join([*headers, added]))
    return core


TERABYTES = (0x4000_0000_0000, 0xA000_0000_0000)
"""No core of these has memory there."""


def only_jit(session: Session, kind: type[J]) -> J:
    """The JIT of a kind, of which a process has one that can be read."""
    found = [one.jit for one in jits(session)]
    (jit,) = (one for one in found if isinstance(one, kind))
    return jit


def calls_of(session: Session) -> tuple[HostFrame, ...]:
    """The calls of the thread that died, the innermost first."""
    found = host_calls(session, session.current_thread())
    assert not isinstance(found, Absent), found
    return found.frames


def pc_of(session: Session) -> int:
    """Where the thread that died stood."""
    registers = session.target.registers(session.current_thread())
    assert not isinstance(registers, Absent)
    return registers["pc"]


class Damaged:
    """A core some bytes of which are other ones; counts what is read of it.

    Args:
        target: the core.
        patches: byte by address.
    """

    def __init__(self, target: CoreTarget, patches: dict[int, int]) -> None:
        self._target = target
        self._patches = patches
        self.reads = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """As the core has it, with the changes."""
        self.reads += 1
        found = self._target.read_memory(address, length)
        if isinstance(found, Absent):
            return found
        here = [at for at in self._patches if address <= at < address + length]
        if not here:
            return found
        changed = bytearray(found)
        for at in here:
            changed[at - address] = self._patches[at]
        return bytes(changed)


def damaged(session: Session, patches: dict[int, int]) -> Session:
    """A session of the same core with changed bytes."""
    whole = session.target
    assert isinstance(whole, CoreTarget)
    return Session(Damaged(whole, patches))  # type: ignore[arg-type] - it has all methods


def random_patches(
    session: Session, seed: int, structures: dict[str, tuple[int, int]], count: int = CHANGES
) -> Iterator[tuple[str, dict[int, int]]]:
    """`count` random changes of each structure: a word of it becomes something else.

    Args:
        session: of the core as it is.
        seed: of the random numbers.
        structures: address and size of each.
        count: of changes.
    """
    chance = random.Random(seed)
    kinds: tuple[Callable[[int, int], int], ...] = (
        lambda _, size: chance.getrandbits(8 * size),
        lambda old, size: old ^ (1 << chance.randrange(8 * size)),
        lambda old, _: old + chance.choice((-8, -1, 1, 4, 8, 4096)),
        lambda _, size: (1 << 8 * size) - 1,
        lambda *_: 0,
    )
    for what, (start, size) in structures.items():
        for _ in range(count):
            width = chance.choice((1, 4, 8))
            at = start + chance.randrange(0, max(size - width, 0) + 1)
            found = session.target.read_memory(at, width)
            assert not isinstance(found, Absent), f"{what} is not in the core"
            old = int.from_bytes(found, "little")
            new = chance.choice(kinds)(old, width) % (1 << 8 * width)
            yield what, {at + i: byte for i, byte in enumerate(new.to_bytes(width, "little"))}


def answers_of(
    session: Session,
    seed: int,
    structures: dict[str, tuple[int, int]],
    ask: Callable[[Words], Iterable[str]],
    most_reads: int = MOST_READS,
) -> Counter[str]:
    """How often each answer is given where structures are changed at random: "code none".

    Args:
        session: of the core as it is.
        seed: of the random numbers.
        structures: address and size of each.
        ask: gives answers, of memory that was changed; it neither reads nor lasts too long.
        most_reads: that it may read.
    """
    found: Counter[str] = Counter()
    for what, patches in random_patches(session, seed, structures):
        other = damaged(session, patches).target
        began = time.monotonic()
        found.update(f"{what} {answer}" for answer in ask(Words(other)))
        assert other.reads < most_reads, what  # type: ignore[attr-defined]
        assert time.monotonic() - began < ONE_S, what
    return found


def answer_of(one: CodeSpan | None, pc: int, is_right: Callable[[], bool]) -> str:
    """An answer: whether code that holds `pc` is right, or that there is none.

    Args:
        one: what was found; anything with a start and an end.
        pc: that it has to hold.
        is_right: whether the rest of it is.
    """
    if one is None:
        return "none"
    assert one.start <= pc < one.end
    return str(is_right())


def from_both_ends(session: Session, one: Absent | CodeSpan) -> CodePlace:
    """The place of the last instruction of code; it and that of the first are of this code."""
    assert present(one)
    for pc in (one.start, one.end - 4):
        place = code_at(session, pc)
        assert place.outcome is Outcome.RANGE
        assert present(place.block)
        assert (place.block.start, place.block.end) == (one.start, one.end)
    return place


def processor_time(question: Callable[[], object], times: int = 3) -> float:
    """Seconds of the processor that `question` takes, the best of some: others may be busy."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        question()
        taken.append(time.process_time() - began)
    return min(taken)


def oracle_stack(name: str) -> list[tuple[str, int, int]]:
    """The wasm frames that the program's own `Error().stack` had: name, function, bytecode."""
    said = str(provenance(name)["said"])
    (line,) = re.findall(r"^stack (.*)$", said, re.M)
    found = re.findall(r"^([\w.]+)@.*wasm-function\[(\d+)\]:(0x[0-9a-f]+)$", json.loads(line), re.M)
    return [(function, int(number), int(place, 16)) for function, number, place in found]
