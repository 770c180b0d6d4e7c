"""Files that are wrong: each has its own line, none a traceback, a hang or memory without bound."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent
from tests.support.elf_core import (
    ET_DYN,
    PAGE,
    PHDR_SIZE,
    Core,
    ImageFile,
    Load,
    MappedFile,
    R,
    Tagged,
    ThreadNotes,
    X,
    patched,
    with_header,
)

BASE = 0x10000
AGAIN = "copy it again, completely"


def small() -> Core:
    """A little of everything."""
    head = ImageFile().build()[:PAGE]
    return Core(
        loads=[Load(BASE, head, flags=R | X), Load(BASE + 2 * PAGE, b"d" * 64, PAGE)],
        tagged=[Tagged(BASE + 2 * PAGE, bytes(range(16)) * 16)],
        threads=[
            ThreadNotes(100, {"pc": BASE + 0x40, "x0": BASE}, siginfo=(11, 9, BASE + 2 * PAGE)),
            ThreadNotes(101, tls=1, pac_mask=0x7F << 48, control=0x7FFF3),
        ],
        files=[MappedFile(BASE, BASE + PAGE, 0, "/nowhere/guilty")],
        auxv={3: BASE + 64, 25: BASE + 2 * PAGE, 33: BASE},
    )


SMALL = small().build()


def exercise(path: Path) -> CoreTarget:
    """Asks everything that can be asked."""
    target = CoreTarget(path)
    target.info()
    for thread in target.threads():
        target.registers(thread)
        target.signal(thread)
    regions = target.regions()
    assert not isinstance(regions, Absent)
    for start in (BASE, BASE + 2 * PAGE, *(region.start for region in regions[:8])):
        target.read_memory(start, 64)
        first = start // 16 * 16
        pieces = target.read_tags(first, first + 4096)
        assert pieces[0].start == first
        assert pieces[-1].end == first + 4096
        assert all(before.end == after.start for before, after in pairwise(pieces))
        target.symbol_at(start)
    target.symbol_address("main")
    assert all("\n" not in remark for remark in target.remarks)
    return target


def exercise_if_possible(path: Path) -> CoreTarget | str:
    """The target, or the error's line where there is nothing to open."""
    try:
        return exercise(path)
    except FileFormatError as error:
        return error.message


def error_of(path: Path) -> tuple[str, str]:
    with pytest.raises(FileFormatError) as raised:
        CoreTarget(path)
    return raised.value.message.replace(str(path), "FILE"), raised.value.next_step


GIVE_A_CORE = "give an ELF core file of AArch64 Linux"
GIVE_ANY = "        give a core file, a minidump, a tombstone, or a text about a crash"


@pytest.mark.parametrize(
    ("contents", "message", "step"),
    [
        (b"", "FILE is empty", AGAIN),
        (b"hello", "FILE is not an ELF file", GIVE_A_CORE),
        (SMALL[:40], "FILE ends within its ELF header", AGAIN),
        (SMALL[:64], "FILE ends before its program headers", AGAIN),
        (SMALL[:100], "FILE ends before its program headers", AGAIN),
        (b"\x1f\x8b\x08" + bytes(99), "FILE is damaged gzip data", AGAIN),
        (b"\x28\xb5\x2f\xfd" + bytes(99), "FILE is damaged zstd data", AGAIN),
        (b"\xfd7zXZ\0" + bytes(99), "FILE is damaged xz data", AGAIN),
        (b"BZh9" + bytes(99), "FILE is damaged bzip2 data", AGAIN),
        (
            with_header(SMALL, machine=62),
            "FILE is a core file of x86-64, not of AArch64",
            "use a debugger for that machine",
        ),
        (
            with_header(SMALL, machine=9999),
            "FILE is a core file of machine 9999, not of AArch64",
            "use a debugger for that machine",
        ),
        (
            with_header(SMALL, type=ET_DYN),
            "FILE is an executable or library, not a core file",
            "give the core file; its program goes to --exe",
        ),
        (
            SMALL[:4] + b"\x01" + SMALL[5:],
            "FILE has a 32-bit ELF header",
            "AArch64 Linux uses 64-bit little-endian files",
        ),
        (
            SMALL[:5] + b"\x02" + SMALL[6:],
            "FILE has a big-endian ELF header",
            "AArch64 Linux uses 64-bit little-endian files",
        ),
        (with_header(SMALL, phnum=0), "FILE has no program headers", AGAIN),
        (
            with_header(SMALL, phentsize=32),
            "FILE has program headers of 32 bytes, not 56",
            "its ELF header is damaged: copy it again",
        ),
        (with_header(SMALL, phoff=1 << 63), "FILE ends before its program headers", AGAIN),
    ],
)
def test_no_core_at_all(tmp_path: Path, contents: bytes, message: str, step: str) -> None:
    path = tmp_path / "core"
    path.write_bytes(contents)
    assert error_of(path) == (message, step)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    give = "give the path of a file"
    assert error_of(tmp_path / "gone") == ("FILE: No such file or directory", give)
    assert error_of(tmp_path) == ("FILE is not a regular file", give)
    os.mkfifo(tmp_path / "pipe")
    assert error_of(tmp_path / "pipe") == ("FILE is not a regular file", give)


def test_more_program_headers_than_can_be(tmp_path: Path) -> None:
    """The true count of more than 65534 is in the first section header."""
    path = tmp_path / "core"
    section = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 1 << 31, 0, 0)
    path.write_bytes(with_header(SMALL, phnum=0xFFFF, shoff=len(SMALL)) + section)
    assert error_of(path) == (
        f"FILE says it has {1 << 31} program headers",
        "at most 1048576 are supported",
    )


def test_many_program_headers(tmp_path: Path) -> None:
    path = tmp_path / "core"
    loads = [Load(BASE + n * 2 * PAGE, b"", PAGE) for n in range(70000)]
    path.write_bytes(Core(loads, threads=[], process=None).build())
    target = CoreTarget(path)
    regions = target.regions()
    assert not isinstance(regions, Absent)
    assert len(regions) == 70000


def test_fewer_program_headers_than_said(tmp_path: Path) -> None:
    path = tmp_path / "core"
    core = Core([Load(BASE, b"a" * 16)], threads=[], process=None).build()
    path.write_bytes(with_header(core, phnum=9))
    target = CoreTarget(path)
    assert target.remarks[0] == "the file is truncated: it has 1 of 9 program headers"


def test_truncated_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "core"
    offsets = {*range(64 + 5 * PHDR_SIZE), *range(0, len(SMALL), 11)}
    for size in sorted(offsets):
        path.write_bytes(SMALL[:size])
        found = exercise_if_possible(path)
        if isinstance(found, str):
            assert size < 64 + PHDR_SIZE, found
        else:
            assert found.remarks, size


def test_notes_that_lie_about_their_size(tmp_path: Path) -> None:
    path = tmp_path / "core"
    place = SMALL.index(b"CORE\0") - 12
    for field in (0, 4):
        lied = bytearray(SMALL)
        struct.pack_into("<I", lied, place + field, 0xFFFFFFFF)
        path.write_bytes(lied)
        target = exercise(path)
        assert target.threads() == []
        assert "the notes end early or are damaged: some threads may be missing" in target.remarks


def test_a_list_of_files_that_lies(tmp_path: Path) -> None:
    path = tmp_path / "core"
    place = SMALL.index(struct.pack("<QQ", 1, PAGE))
    lied = bytearray(SMALL)
    struct.pack_into("<Q", lied, place, 1 << 60)
    path.write_bytes(lied)
    assert (
        "the list of mapped files (NT_FILE) is damaged: some are missing" in exercise(path).remarks
    )


def test_every_single_byte(tmp_path: Path) -> None:
    """Headers and notes: each byte replaced by what is likeliest to hurt."""
    path = tmp_path / "core"
    end = 64 + 5 * PHDR_SIZE
    for place in [*range(16, end), *range(end, len(SMALL) - PAGE, 3)]:
        for value in (0xFF, 0x80):
            path.write_bytes(SMALL[:place] + bytes([value]) + SMALL[place + 1 :])
            found = exercise_if_possible(path)
            assert not isinstance(found, str) or "\n" not in found


EDGES = st.sampled_from([0, 1, 8, 15, 16, PAGE, 1 << 31, 1 << 47, 1 << 52, 1 << 63, (1 << 64) - 1])
FIELDS = st.dictionaries(
    st.sampled_from(["offset", "address", "file_size", "memory_size"]),
    EDGES | st.integers(0, (1 << 64) - 1),
)


@settings(max_examples=400, deadline=2000, suppress_health_check=list(HealthCheck))
@given(
    damage=st.lists(st.tuples(st.integers(0, 3), FIELDS), min_size=1, max_size=4),
    kinds=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 4, 0x70000002])), max_size=2),
    cut=st.integers(0, len(SMALL)) | st.just(0),
)
def test_structured_damage(
    tmp_path_factory: pytest.TempPathFactory,
    damage: list[tuple[int, dict[str, int]]],
    kinds: list[tuple[int, int]],
    cut: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    core = SMALL
    for index, fields in damage:
        core = patched(core, index, **fields)
    for index, kind in kinds:
        core = patched(core, index, type=kind)
    path.write_bytes(core[: len(core) - cut])
    found = exercise_if_possible(path)
    assert not isinstance(found, str) or "\n" not in found


def test_damage_takes_no_memory(tmp_path: Path) -> None:
    """Sizes of 2^51 are numbers, never buffers."""
    path = tmp_path / "core"
    core = SMALL
    for index in range(4):
        core = patched(core, index, memory_size=1 << 51, file_size=1 << 62)
    path.write_bytes(core)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    exercise(path)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 16 << 10


def command(path: Path, *words: str) -> list[str]:
    return ["core", str(path), *words]


@pytest.mark.parametrize(
    ("contents", "lines"),
    [
        (b"\x01hello", ["mtedbg: FILE is not an ELF file", f"        {GIVE_A_CORE}"]),
        (
            b"hello",
            ["mtedbg: FILE is text that does not say why a process crashed", GIVE_ANY],
        ),
        (SMALL[:64], ["mtedbg: FILE ends before its program headers", f"        {AGAIN}"]),
    ],
)
def test_two_lines_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], contents: bytes, lines: list[str]
) -> None:
    path = tmp_path / "core"
    path.write_bytes(contents)
    assert main(command(path)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.replace(str(path), "FILE").splitlines() == lines


Capture = pytest.CaptureFixture[str]


def test_one_wrong_command_does_not_stop_the_others(tmp_path: Path, capsys: Capture) -> None:
    path = small().write(tmp_path)
    lines = ["-x", "mte-tags nope", "-x", f"mte-tags {BASE + 2 * PAGE:#x} 16 --runs"]
    assert main(command(path, *lines)) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:2] == [
        "(mtedbg) mte-tags nope",
        f"(mtedbg) mte-tags {BASE + 2 * PAGE:#x} 16 --runs",
    ]
    assert "memory tag 0, pointer tag 0: match" in captured.out
    assert captured.err.startswith("mtedbg: no symbol or variable 'nope' here")


@pytest.mark.parametrize(
    "line", ["nonsense", "mte-tags", "mte-tags 1 2 3", "mte-tags 1 --what", "mte-tags '", ""]
)
def test_wrong_usage_is_2(tmp_path: Path, capsys: Capture, line: str) -> None:
    path = small().write(tmp_path)
    assert main(command(path, "-x", line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len([text for text in captured.err.splitlines() if "note:" not in text]) == 2


def test_wrong_options_are_2(capsys: Capture) -> None:
    for words in (["core"], ["core", "a", "b"], ["core", "--nope", "a"]):
        with pytest.raises(SystemExit) as raised:
            main(words)
        assert raised.value.code == 2
    assert "usage: mtedbg core" in capsys.readouterr().err


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    core = small()
    core.files[0].name = "/nowhere/\x1b[2Jguilty\n"
    core.loads[0].size = 2 * PAGE
    core.process = (100, "\x1b]0;x\x07")
    main(command(core.write(tmp_path)))
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\\x1b[2Jguilty\\x0a" in captured.out


ADDRESSES: list[tuple[int, str]] = [
    (0x90000, "0x90000: not mapped"),
    (BASE, "0x10000: not tagged memory"),
    (BASE + 4 * PAGE, "0x14000: not dumped in this core"),
]


@pytest.mark.parametrize(("address", "headline"), ADDRESSES)
def test_addresses_without_tags(
    tmp_path: Path, capsys: Capture, address: int, headline: str
) -> None:
    core = small()
    core.loads.append(Load(BASE + 4 * PAGE, b"", PAGE))
    core.tagged.append(Tagged(BASE + 4 * PAGE, None, 256))
    path = core.write(tmp_path)
    assert main(command(path, "-x", f"mte-tags {address:#x} 16")) == 0
    assert capsys.readouterr().out.splitlines()[0] == headline


@pytest.mark.parametrize("damage", [lambda core: core, lambda core: core[: len(core) - 300]])
def test_the_post_mortem_of_what_is_left(
    tmp_path: Path, capsys: Capture, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "core"
    path.write_bytes(damage(SMALL))
    assert main(command(path)) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].startswith("tag check fault (synchronous): access at 0x12000")
    assert "Not in this core" in printed


def test_the_post_mortem_without_notes(tmp_path: Path, capsys: Capture) -> None:
    core = small()
    core.threads, core.process, core.files, core.auxv = [], None, [], {}
    assert main(command(core.write(tmp_path))) == 0
    captured = capsys.readouterr()
    assert "Not in this core" in captured.out
    assert captured.err == (
        "mtedbg: note: the core has no thread notes: registers and the signal are not known\n"
    )


@pytest.mark.parametrize("option", ["", " --all-threads"])
def test_no_thread_is_an_error_of_the_commands_that_need_one(
    option: str, tmp_path: Path, capsys: Capture
) -> None:
    core = small()
    core.threads = []
    assert main(command(core.write(tmp_path), "-x", f"mte-fault{option}")) == 1
    assert "mtedbg: the target has no threads" in capsys.readouterr().err
