"""What is fuzzed: each target makes a file of the bytes it is given, and asks everything of it.

Only the project's own errors may come out, and no control character may reach what is printed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from mtedbg.adapters.dead import open_dead
from mtedbg.commands import find
from mtedbg.commands._line import parse, report
from mtedbg.commands._parts import parts
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent
from mtedbg.query.signature import signature
from mtedbg.render.html import render_html
from mtedbg.render.json import render_json
from mtedbg.render.text import render_text
from mtedbg.report import Report
from mtedbg.session import Session
from tests.support import runtime_image
from tests.support.elf_core import (
    PAGE,
    Core,
    Load,
    MappedFile,
    Tagged,
    ThreadNotes,
    file_header,
    program_header,
)
from tests.support.runtime_image import BASE
from tests.support.tombstones import Dump, Frame, Mapping, Thread, Tombstone, memory_error

if TYPE_CHECKING:
    from mtedbg.adapters.dead import DeadTarget

PT_LOAD, PT_NOTE, PT_MEMTAG = 1, 4, 0x70000002
HEAP = 0x10000
CORPUS = Path(__file__).with_name("corpus")
RUNTIME_LINES = (
    *("guest-frame --all-threads", "guest-bt", "memop", "memop 1", "memops --sort flips"),
    *("memop-verify", "memop-log", "jit-block $pc", "jit-blocks", "jit-segments", "jit-audit"),
    *("jit-disas 3", "mte-fault --all-threads"),
)


def asked(line: str, session: Session) -> Report:
    """The answer to a command line."""
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return report(session, command, parse(session, command, rest))


def show(answer: Report) -> None:
    """Makes the text that a terminal would get, and looks at it."""
    text = render_text(answer)
    assert text.replace("\n", "").isprintable(), ascii(text)
    render_json(answer).encode("ascii")


def printable(error: MtedbgError) -> None:
    """What is wrong is told on a terminal as well."""
    assert error.message.isprintable()
    assert error.next_step.isprintable()


def look(target: DeadTarget) -> None:
    """What the reader alone is asked."""
    target.info()
    for thread in target.threads()[:8]:
        target.registers(thread)
        target.signal(thread)
    regions = target.regions()
    starts = [] if isinstance(regions, Absent) else [region.start for region in regions[:8]]
    for start in (HEAP, *starts):
        first = start // 16 * 16
        target.read_memory(start, 64)
        pieces = target.read_tags(first, first + 4096)
        assert (pieces[0].start, pieces[-1].end) == (first, first + 4096)
        target.symbol_at(start)
        target.module_at(start)
    target.symbol_address("main")


def opened(contents: bytes) -> DeadTarget | None:
    """The target in a file with these contents; None where it is refused."""
    descriptor = os.memfd_create("fuzz")
    try:
        os.write(descriptor, contents)
        return open_dead(f"/proc/self/fd/{descriptor}", files=False)
    except MtedbgError as error:
        printable(error)
        return None
    finally:
        os.close(descriptor)


def read(contents: bytes) -> None:
    """The reader, and what triage does."""
    target = opened(contents)
    if target is None:
        return
    look(target)
    assert all(isinstance(remark, str) for remark in target.remarks)
    try:
        signature(Session(target))
    except MtedbgError:
        return


def elf(data: bytes) -> None:
    """The bytes are the file."""
    read(data)


def minidump(data: bytes) -> None:
    """The bytes are what follows a minidump's first four."""
    read(b"MDMP" + data)


def tombstone(data: bytes) -> None:
    """The bytes are what follows a tombstone's architecture and first field's key."""
    read(b"\x08\x01\x12" + data)


def notes(data: bytes) -> None:
    """The bytes are the notes."""
    start = 64 + 56
    header = program_header(PT_NOTE, 0, start, 0, len(data), 0)
    read(file_header(4, headers=1) + header + data)


def tags(data: bytes) -> None:
    """The bytes are program headers in short: four numbers of four bytes for each segment."""
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) - 3, 4)]
    segments = list(zip(*(words[at::4] for at in range(4)), strict=False))[:64]
    headers = b""
    for kind, address, size, rest in segments:
        place, held = rest & 0xFFFF, rest >> 16
        scale = 16 if kind & 2 else 1  # granules mostly, to come further
        wide = (address << 4 if kind & 4 else address) | (kind >> 8 & 0xFF) << 44
        length = (size * scale) & (1 << 44) - 1
        headers += program_header(
            PT_MEMTAG if kind & 1 else PT_LOAD, kind >> 4 & 7, place, wide, held, length
        )
    whole = Core(tagged=[], loads=[]).notes()
    headers += program_header(PT_NOTE, 0, 64 + len(headers) + 56, 0, len(whole), 0)
    read(file_header(4, headers=len(segments) + 1) + headers + whole + data)


@cache
def _image() -> runtime_image.Image:
    return runtime_image.image()


def root(data: bytes) -> None:
    """The bytes are changes to a runtime's records: place, width and value; checksums are right."""
    image = bytearray(_image().data)
    for at in range(0, min(len(data) - 7, 8 * 64), 8):
        place = int.from_bytes(data[at : at + 3], "little") % len(image)
        width = 1 << (data[at + 3] & 3)
        value = data[at + 4 : at + 8].ljust(8, b"\xff" if data[at + 3] & 4 else b"\0")[:width]
        image[place : place + width] = value
    del image[len(_image().data) :]
    places = _image().places
    schema, start = places["schema"] - BASE, places["root"] - BASE
    length = int.from_bytes(_image().data[20:24], "little")
    image[start + 52 : start + 56] = zlib.crc32(image[schema : schema + length]).to_bytes(
        4, "little"
    )
    checked = runtime_image.ROOT_CHECKED
    sum_ = zlib.crc32(image[start : start + checked])
    image[start + checked : start + checked + 4] = sum_.to_bytes(4, "little")
    pc = places["baseline"] + 0x14
    registers = {"pc": pc, "x27": 2, "x28": places["frame2"], "sp": BASE + 64}
    thread = ThreadNotes(100, registers, siginfo=(11, 9, BASE | 3 << 56), control=0x7FFF3)
    core = Core([Load(BASE, bytes(image))], [Tagged(BASE, bytes(len(image) // 16))], [thread])
    target = opened(core.build())
    assert target is not None
    session = Session(target)
    for line in RUNTIME_LINES:
        try:
            show(asked(line, session))
        except MtedbgError as error:
            printable(error)


def whole(data: bytes) -> None:
    """The bytes are the file, and the whole post-mortem is made of it."""
    target = opened(data)
    if target is None:
        return
    made = list(parts(Session(target), whole=True))
    for part in made:
        if part.report is not None:
            show(part.report)
        elif part.error is not None:
            printable(part.error)
    page = render_html("core", made, "0")
    assert page.replace("\n", "").isprintable()
    assert page.count("<script") == 0


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (elf, notes, tags, tombstone, minidump, root, whole)
}


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
    elif name == "notes":
        yield core.notes()
    elif name == "tags":
        yield bytes([3, 0, 0, 0, 0, 0x10, 0, 0, 2, 0, 0, 0, 0x40, 0, 0x20, 0]) * 2
    elif name == "root":
        yield bytes(64)
        yield from (place.to_bytes(3, "little") + bytes(5) for place in range(0, 4096, 256))
    elif name == "tombstone":
        yield _tombstone()[3:]
    elif name == "minidump":
        from tests.support.minidumps import small

        yield small()[4:]


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
