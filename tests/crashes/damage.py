"""Damages cores and executables, and sees what becomes of a post-mortem of them.

Cores and their executables come from others, so what is in them must not matter: each damaged copy
is read to the end in reasonable time and memory, or is refused in words.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tests.crashes.produce import Crash

BATCH_TIMEOUT_S = 3600
LONGEST_S = 25
"""Of one post-mortem, on a busy machine; a usual one takes half a second."""
MOST_GROWTH = 300 << 20
"""Bytes of memory beyond those of the post-mortem of the same core as it was."""
_SECTIONS = (
    *(".eh_frame", ".eh_frame_hdr", ".debug_info", ".debug_line", ".debug_abbrev", ".debug_str"),
    *(".debug_loclists", ".debug_rnglists", ".debug_line_str", ".symtab", ".strtab", ".dynamic"),
    *(".dynsym", ".debug_aranges", ".debug_loc", ".debug_ranges", ".debug_addr", ".text"),
)
_WORDS = (b"\xff" * 8, b"\0" * 8, b"\xff" * 4, b"\xff" * 7 + b"\x7f", b"\x80\0\0\0\0\0\0\x80")

How = Callable[[bytearray, random.Random, int, int], None]


def flip(data: bytearray, chance: random.Random, start: int, end: int) -> None:
    """Changes some bytes between `start` and `end`."""
    for _ in range(chance.choice((1, 3, 20, 200))):
        data[chance.randrange(start, end)] = chance.randrange(256)


def overwrite(data: bytearray, chance: random.Random, start: int, end: int) -> None:
    """Writes numbers that are too large, or zero."""
    for _ in range(chance.choice((1, 2, 8))):
        at = chance.randrange(start, end)
        word = chance.choice(_WORDS)[: end - at]
        data[at : at + len(word)] = word


def swap(data: bytearray, chance: random.Random, start: int, end: int) -> None:
    """Exchanges two pieces."""
    size = min(chance.choice((4, 8, 24, 64)), (end - start) // 2 or 1)
    one, two = (chance.randrange(start, max(end - size, start + 1)) for _ in range(2))
    first, second = data[one : one + size], data[two : two + size]
    data[one : one + size], data[two : two + size] = second, first


def cut(data: bytearray, chance: random.Random, _start: int, _end: int) -> None:
    """Takes the end away."""
    del data[chance.randrange(1, len(data)) :]


HOW: tuple[How, ...] = (flip, flip, overwrite, overwrite, swap, cut)


def damage_core(data: bytearray, chance: random.Random) -> None:
    """A core's headers and notes most of all: the rest is the program's memory."""
    how = chance.choice(HOW)
    how(data, chance, 0, min(len(data), chance.choice((64, 4096, 1 << 14, 1 << 18, len(data)))))


def damage_executable(data: bytearray, chance: random.Random, spans: Sequence[range]) -> None:
    """What unwinding, names and lines are read from, or the tables of the file."""
    how = chance.choice(HOW)
    span = chance.choice((*spans, range(64), range(64, 1024), range(len(data) - 3000, len(data))))
    how(data, chance, max(0, span.start), max(span.start + 1, span.stop))


def spans_of(executable: Path) -> list[range]:
    """Where the sections that matter are."""
    with executable.open("rb") as file:
        found = [ELFFile(file).get_section_by_name(name) for name in _SECTIONS]
    places = [(each["sh_offset"], each["sh_size"]) for each in found if each is not None]
    return [range(offset, offset + size) for offset, size in places if size]


def damaged(crash: Crash, number: int, into: Path) -> Path:
    """A copy of a core and of its executable, one of them damaged in a way that `number` says."""
    chance = random.Random(f"{crash.name} {number}")
    folder = into / f"{crash.name}-{number}"
    shutil.copytree(crash.folder / "exe", folder)
    executable = crash.executable()
    assert executable is not None
    core = folder / "core"
    if chance.random() < 0.4:
        data = bytearray(core.read_bytes())
        damage_core(data, chance)
        core.write_bytes(data)
    else:
        data = bytearray(executable.read_bytes())
        damage_executable(data, chance, spans_of(executable))
        (folder / executable.name).write_bytes(data)
    return core


@dataclass(frozen=True)
class Read:
    """What became of one file.

    Args:
        core: the file.
        status: of `mtedbg core`; None where the reader did not come back from it.
        seconds: what it took.
        memory: the most that the reader had so far, in bytes.
        errors: what it wrote to standard error.
    """

    core: str
    status: int | None
    seconds: float
    memory: int
    errors: str

    def fault(self, usual: int) -> str:
        """What is wrong with that; empty where nothing is.

        Args:
            usual: the memory of the reader after an undamaged core.
        """
        if self.status is None:
            return f"the reader ended: {self.errors[-2000:]}"
        if self.status not in (0, 1):
            return f"exit status {self.status}: {self.errors[-500:]}"
        if "Traceback" in self.errors or self.errors == "said nothing":
            return self.errors[-2000:]
        if self.seconds > LONGEST_S:
            return f"{self.seconds:.1f} s"
        if self.memory > usual + MOST_GROWTH:
            return f"{self.memory >> 20} MiB of memory, {usual >> 20} usually"
        return ""


def read_all(cores: Sequence[Path]) -> list[Read]:
    """Reads them in another process, one after the other."""
    command = [sys.executable, "-m", "tests.crashes.damage_reader", str(LONGEST_S * 2)]
    done = subprocess.run(
        command,
        input="".join(f"{core}\n" for core in cores),
        capture_output=True,
        text=True,
        check=False,
        timeout=BATCH_TIMEOUT_S,
    )
    found = [Read(**json.loads(line)) for line in done.stdout.splitlines()]
    if len(found) < len(cores):
        found.append(Read(str(cores[len(found)]), None, 0, 0, done.stderr))
    return found


def faults(crashes: Sequence[Crash], count: int, into: Path) -> list[str]:
    """Reads `count` damaged copies of the cores; what is wrong, a line each.

    Args:
        crashes: they take turns.
        count: of copies.
        into: a folder for them; those that something is wrong with stay.
    """
    plain = read_all([crash.core() for crash in crashes[:3]])
    usual = max(each.memory for each in plain)
    found = [f"{each.core}: {fault}" for each in plain if (fault := each.fault(usual))]
    copies = [damaged(crashes[n % len(crashes)], n, into) for n in range(count)]
    while copies:
        reads = read_all(copies)
        for each in reads:
            if fault := each.fault(usual):
                found.append(f"{each.core}: {fault}")
            else:
                shutil.rmtree(Path(each.core).parent)
        copies = copies[len(reads) :]  # it begins again after one that it ended at
    return found
