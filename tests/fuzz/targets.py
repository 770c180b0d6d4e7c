"""What is fuzzed: each target makes a file of the bytes it is given, and asks everything of it.

Only the project's own errors may come out, and no control character may reach what is printed.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, cast

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.dead import open_dead
from mtedbg.analysis.memops.fex import fex_text
from mtedbg.analysis.memops.profile import profile_of
from mtedbg.analysis.memops.profiles import merge
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.budget import USUAL, Budget
from mtedbg.commands import find
from mtedbg.commands._line import parse, report
from mtedbg.decode import demangle
from mtedbg.errors import MtedbgError
from mtedbg.formats.guest_elf import guest_image
from mtedbg.formats.profile import profile_text, read_profile
from mtedbg.formats.vdso import in_place
from mtedbg.model.absent import Absent
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    Profile,
    ProfileAccess,
    ProfileMode,
    ProgramProfile,
)
from mtedbg.render.html import render_html
from mtedbg.render.json import render_json
from mtedbg.render.text import render_text
from mtedbg.report import Report
from mtedbg.reports import profiles
from mtedbg.reports.postmortem import parts
from mtedbg.reports.section import Medium
from mtedbg.session import Session
from tests.fuzz.amplify import built
from tests.jits.frozen import Damaged, unpacked_core
from tests.support import runtime_image
from tests.support.elf_core import (
    Core,
    Load,
    Tagged,
    ThreadNotes,
    file_header,
    program_header,
)
from tests.support.fex import read as read_metadata
from tests.support.runtime_image import BASE

if TYPE_CHECKING:
    from mtedbg.adapters.dead import DeadTarget

MOST_TEXT, MOST_S, A_SECOND = 20 << 20, 10.0, 32 << 20
"""What a report of a small file may write, and take of processor time, instrumented as well."""
AMPLIFIED_LINES = ("mte-regions --all", "mte-fault --all-threads", "mte-tags $sp 4096")
PT_LOAD, PT_NOTE, PT_MEMTAG = 1, 4, 0x70000002
FROZEN_JITS = ("spidermonkey-140", "spidermonkey-128", "box64-0.4.3")
"""Those that are read without a library's file."""
HEAP = 0x10000
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


def root(data: bytes) -> None:
    """The bytes are changes to a runtime's records: place, width and value; checksums are right."""
    _changed(runtime_image.image(), data)


def slots(data: bytes) -> None:
    """The same where the code map and the functions stand in slots."""
    _changed(runtime_image.image(form="slots"), data)


def _changed(made: runtime_image.Image, data: bytes) -> None:
    image = bytearray(made.data)
    for at in range(0, min(len(data) - 7, 8 * 64), 8):
        place = int.from_bytes(data[at : at + 3], "little") % len(image)
        width = 1 << (data[at + 3] & 3)
        value = data[at + 4 : at + 8].ljust(8, b"\xff" if data[at + 3] & 4 else b"\0")[:width]
        image[place : place + width] = value
    del image[len(made.data) :]
    places = made.places
    schema, start = places["schema"] - BASE, places["root"] - BASE
    length = int.from_bytes(made.data[20:24], "little")
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
    try:
        learned, said = profile_of(session)
    except MtedbgError as error:
        printable(error)
        return
    assert read_profile(profile_text(learned).encode(), "profile") == learned
    show(profiles.programs(learned, said))


def whole(data: bytes) -> None:
    """The bytes are the file, and the whole post-mortem is made of it."""
    target = opened(data)
    if target is None:
        return
    made = list(parts(Session(target), Medium.PAGE))
    for part in made:
        if part.report is not None:
            show(part.report)
        elif part.error is not None:
            printable(part.error)
    page = render_html("core", made, "0")
    assert page.replace("\n", "").isprintable()
    assert page.count("<script") == 0


def profile(data: bytes) -> None:
    """The bytes are a profile; what it is read as is written, added up and shown."""
    try:
        found = read_profile(data, "profile")
    except MtedbgError as error:
        printable(error)
        return
    assert read_profile(profile_text(found).encode(), "profile") == found
    merged, said = merge([("one", found), ("other", found)])
    for answer in (profiles.programs(merged, said), profiles.memops(merged, 9, said)):
        show(answer)


def guest(data: bytes) -> None:
    """The bytes are a guest program, of which a profile knows some instructions."""
    try:
        image = guest_image(data, "guest")
        rips = [at for one in image.segments[:4] for at in (one.address, one.end - 1)]
        facts = MemopFacts(ProfileAccess.LOAD, 8, ProfileMode.SHARED)
        memops = {MemopKey(at, 0): facts for at in (*rips, *image.functions[:8])}
        text, _ = fex_text(Profile((ProgramProfile("guest", image.identity, memops),)), [image])
        read_metadata(text)
    except MtedbgError as error:
        printable(error)


def name(data: bytes) -> None:
    """The bytes are the name of a function."""
    text = data.decode("utf-8", "surrogateescape")
    found = demangle.demangled(text)
    assert found == text or len(found) <= 2 * demangle.MOST_OUTPUT


def text(data: bytes) -> None:
    """The bytes are a log, and a tombstone in its form for people."""
    from mtedbg.adapters.crash_texts import crashes_in_stream
    from mtedbg.analysis.postmortem.crash_text import explained
    from mtedbg.formats.texts.as_tombstone import as_tombstone
    from mtedbg.formats.tombstone_text import from_text
    from mtedbg.reports.crash_text import report as crash_report

    found = list(explained(crashes_in_stream(BytesIO(data))))
    if found:
        printable_text(render_text(crash_report(found)))
        render_json(crash_report(found))
    for one in found:
        as_tombstone(one.text)
    try:
        from_text(data.decode("utf-8", "replace"), "a text")
    except MtedbgError as error:
        printable(error)


def printable_text(written: str) -> None:
    """What is written has no control characters."""
    assert all(letter.isprintable() or letter == "\n" for letter in written)


def vdso(data: bytes) -> None:
    """The bytes are an image in memory, from its file's version on."""
    image = b"\x7fELF\2\1" + data
    try:
        assert len(in_place(image, HEAP)) == len(image)
    except MtedbgError as error:
        printable(error)


def amplified(data: bytes) -> None:
    """The bytes choose parts that name the same bytes again: shared, overlapping, nested, long."""
    begin = time.process_time()
    contents = built(data)
    target = opened(contents)
    if target is None:
        return
    session = Session(target, budget=target.budget if isinstance(target, CoreTarget) else None)
    written = 0
    for line in AMPLIFIED_LINES:
        session.forget_answers()
        try:
            answer = asked(line, session)
            assert len(render_text(answer)) < MOST_TEXT
            assert len(render_json(answer)) < 2 * MOST_TEXT
        except MtedbgError as error:
            printable(error)
    session.forget_answers()
    for part in parts(session, Medium.TERMINAL):
        if part.report is not None:
            written += len(render_text(part.report))
    assert written < MOST_TEXT
    assert time.process_time() - begin < MOST_S + len(contents) / A_SECOND


@cache
def _frozen(name: str) -> tuple[CoreTarget, tuple[tuple[int, int], ...]]:
    """A frozen core, for as many reports as there are inputs, and the spans of its memory."""
    path = unpacked_core(name)
    target = CoreTarget(path, sysroot=str(path.parent / "none"), budget=Budget(USUAL.scaled(1e6)))
    regions = target.regions()
    assert not isinstance(regions, Absent)
    spans = [target.written(one.start, one.end) for one in regions if one.dumped]
    return target, tuple(span for each in spans for span in each)


def jits(data: bytes) -> None:
    """The bytes choose a frozen core of a JIT, and change its memory: place, width and value."""
    target, spans = _frozen(FROZEN_JITS[(data[0] if data else 0) % len(FROZEN_JITS)])
    total = sum(end - start for start, end in spans)
    patches: dict[int, int] = {}
    for at in range(1, min(len(data) - 7, 8 * 64), 8):
        place = int.from_bytes(data[at : at + 3], "little") * 8 % total
        for start, end in spans:
            if place < end - start:
                width = 1 << (data[at + 3] & 3)
                value = data[at + 4 : at + 8].ljust(8, b"\xff" if data[at + 3] & 4 else b"\0")
                into = data[at + 3] >> 4 & 7
                patches.update(
                    (start + place + into + n, byte) for n, byte in enumerate(value[:width])
                )
                break
            place -= end - start
    session = Session(cast(CoreTarget, Damaged(target, patches)))
    begin = time.process_time()
    for line in ("jit-block $pc", "jit-blocks", "jit-disas $pc -n 4", "jit-audit", "guest-bt"):
        try:
            show(asked(line, session))
        except MtedbgError as error:
            printable(error)
    calls = host_calls(session, session.current_thread())
    assert isinstance(calls, Absent) or all(frame.function.isprintable() for frame in calls.frames)
    assert time.process_time() - begin < MOST_S


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        amplified,
        elf,
        notes,
        tags,
        tombstone,
        minidump,
        root,
        slots,
        whole,
        profile,
        guest,
        name,
        text,
        vdso,
        jits,
    )
}
