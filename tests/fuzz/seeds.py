"""What fuzzing begins with: sound inputs, and those that earlier hours have left."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from zipfile import ZipFile

import zstandard

from mtedbg.analysis.memops.profile import profile_of
from mtedbg.formats.profile import profile_text
from tests.fuzz.targets import FROZEN_JITS, HEAP
from tests.support import runtime_image
from tests.support.crash_texts import CASES
from tests.support.elf_core import PAGE, Core, ImageFile, Load, MappedFile, Tagged, ThreadNotes
from tests.support.tombstones import Dump, Frame, Mapping, Thread, Tombstone, memory_error

PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    gzip.compress,
    lzma.compress,
    bz2.compress,
    zstandard.ZstdCompressor().compress,
)
CORPUS = Path(__file__).with_name("corpus")


def seeds(name: str) -> Iterator[bytes]:
    """Sound inputs of a target to begin with."""
    core = Core(
        loads=[Load(HEAP, b"\x00\x04\x40\xf9" * 32, 2 * PAGE), Load(0x20000, b"\x7fELF\2\1\1" * 9)],
        tagged=[Tagged(HEAP, bytes([1, 2, 3, 4] * 8), 2 * PAGE // 16)],
        threads=[
            ThreadNotes(
                registers={"pc": HEAP + 8, "x0": HEAP | 5 << 56, "x29": HEAP, "sp": HEAP},
                siginfo=(11, 9, HEAP | 5 << 56), tls=4, pac_mask=0x7F << 48, control=0x7FFF3,
            ),
            ThreadNotes(101),
        ],
        files=[MappedFile(0x20000, 0x21000, 0, "/bin/\x1b[31mevil")],
        auxv={3: 0x20040, 25: HEAP, 31: HEAP},
    )  # fmt: skip
    if name in ("elf", "whole"):
        yield core.build()
    if name == "elf":
        yield from (pack(_tombstone()) for pack in PACKERS)
    elif name == "amplified":
        yield bytes(64)
        yield from (bytes((number * step) % 256 for number in range(96)) for step in range(7, 37))
    elif name == "notes":
        yield core.notes()
    elif name == "tags":
        yield bytes([3, 0, 0, 0, 0, 0x10, 0, 0, 2, 0, 0, 0, 0x40, 0, 0x20, 0]) * 2
    elif name in ("root", "slots"):
        yield bytes(64)
        yield from (place.to_bytes(3, "little") + bytes(5) for place in range(0, 4096, 256))
    elif name == "tombstone":
        yield _tombstone()[3:]
    elif name == "profile":
        yield profile_text(profile_of(runtime_image.image().session())[0]).encode()
    elif name == "guest":
        from tests.unit.analysis.memops.test_fex import program

        yield program()
    elif name == "minidump":
        from tests.support.minidumps import small

        yield small()[4:]
    elif name == "name":
        yield b"_ZNSt6vectorIiSaIiEE9push_backERKi"
        yield b"_ZZN1a1bIJiEEEvRKT_DpOT0_ENKUlvE_clEv.cold"
        yield b"_RINvCs6xxl1lAjzDf_1a7genericReKb0_Kc78_EB2_"
        yield b"_ZN60_$LT$a..B$u20$as$u20$c..D$GT$1f17he20417a5e54e67e0E"
    elif name == "text":
        yield from (case.text.encode() for case in CASES)
    elif name == "jits":
        yield from (bytes([number]) for number in range(len(FROZEN_JITS)))
        chance = Random(14)
        yield from (bytes([number % 3]) + chance.randbytes(8 * 40) for number in range(12))
    elif name == "vdso":
        yield ImageFile(symbols={"__kernel_rt_sigreturn": (HEAP + PAGE, 8)}).build()[6:]


def kept(name: str) -> Iterator[bytes]:
    """What earlier hours have left of a target: inputs that each reach something of their own.

    Finds are put there as well, once they are small (`python -m tests.fuzz.keep`).
    """
    with ZipFile(CORPUS / f"{name}.zip") as archive:
        for member in archive.namelist():
            yield archive.read(member)


def _tombstone() -> bytes:
    frames = [Frame(HEAP + 8, "evil\x1b[2J", 8)]
    dumps = [Dump("x0", HEAP, bytes(256), bytes([1, 2] * 8))]
    thread = Thread(7, "main", {"x0": HEAP | 5 << 56, "pc": HEAP + 8}, frames, dumps, 0x7FFF3)
    cause = memory_error("[MTE]: \x07", 1, (HEAP, 16), frames)
    mapping = Mapping(HEAP, HEAP + 4096, "rw", "[anon:\x1bscudo]")
    return Tombstone([thread], 7, (11, 9, HEAP | 5 << 56), [mapping], [cause], "bye").build()
