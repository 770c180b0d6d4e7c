"""Cores in reports of Ubuntu's apport answer as the core itself does; damage is said."""

from __future__ import annotations

import base64
import gzip
import io
import os
import time
from pathlib import Path

import pytest
import zstandard

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.dead import open_dead
from mtedbg.errors import FileFormatError
from mtedbg.formats import apport
from mtedbg.triage.files import find
from mtedbg.triage.one import Reader
from tests.support.apport import AFTER, FIELDS, blocks, report
from tests.support.elf_core import Core, Load, ThreadNotes

RANDOM = os.urandom(3 << 19)
CORE = Core([Load(0x10000, RANDOM)], threads=[ThreadNotes(7, siginfo=(11, 1, 0x1238))]).build()


def written(folder: Path, contents: bytes) -> str:
    path = folder / "_usr_bin_guilty.1000.crash"
    path.write_bytes(contents)
    return str(path)


def read_all(stream: apport.CoreDump) -> bytes:
    found = b""
    while chunk := stream.read(1000):
        found += chunk
    return found


@pytest.mark.parametrize(
    "parts",
    [
        blocks(CORE),
        blocks(CORE, 1000),
        [gzip.compress(CORE)],
        [zstandard.ZstdCompressor().compress(CORE)],
    ],
    ids=["as apport", "short lines", "one line", "zstd"],
)
def test_answers_as_the_core_itself(parts: list[bytes], tmp_path: Path) -> None:
    target = open_dead(written(tmp_path, report(*parts)))
    assert target.read_memory(0x10000, len(RANDOM)) == RANDOM
    assert target.threads()[0].tid == 7
    assert target.remarks == ()


def test_lines_of_windows_and_no_last_newline(tmp_path: Path) -> None:
    contents = report(*blocks(CORE), after=b"").replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    target = open_dead(written(tmp_path, contents))
    assert target.read_memory(0x10000, len(RANDOM)) == RANDOM
    assert target.remarks == ()


def test_triage_finds_it_by_any_name(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(report(*blocks(CORE)))
    assert find([str(tmp_path)]).paths == (str(path),)
    assert find([str(path)]).paths == (str(path),)
    row = Reader()(str(path))
    assert row.problem == ""
    assert row.signature is not None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b" QUJD*EFG\n", "a line is not base64"),
        (b" \n" * 1000, "a line of base64 is empty"),
        (b" QUJDR\n", "a line of base64 has a wrong length"),
        (b" ====\n", "a line of base64 has a wrong length"),
        (b" QUI=QUJD\n", "a line is not base64"),
        (b" QUJDR", "it ends in the midst of a line"),
    ],
)
def test_what_is_before_damage_is_read(line: bytes, problem: str, tmp_path: Path) -> None:
    whole = report(*blocks(CORE)[:-2], after=b"") + line
    target = CoreTarget(written(tmp_path, whole))
    assert target.read_memory(0x10000, 1 << 20) == RANDOM[: 1 << 20]
    assert [one.rpartition("data: ")[2] for one in target.remarks if "data: " in one] == [problem]


def test_cut_off_anywhere(tmp_path: Path) -> None:
    whole = report(*blocks(CORE), after=b"")
    for cut in range(1, 12):
        path = written(tmp_path, whole[: len(whole) - cut * 90_001])
        target = CoreTarget(path)
        assert target.read_memory(0x10000, 4096) == RANDOM[:4096]
        assert "is cut off or damaged apport data" in "".join(target.remarks)


@pytest.mark.parametrize(
    "contents",
    [
        FIELDS + AFTER,
        FIELDS + b"CoreDump: 1234\n",
        FIELDS + b"CoreDump: base64\n",
        FIELDS + b"CoreDump: base64\n QUJDREVGR0g=\n",
        FIELDS + b"CoreDump: base64\n *\n",
        b"ProblemType: Package\n",
    ],
    ids=["no field", "no base64", "empty", "not packed", "rubbish", "of something else"],
)
def test_a_report_without_a_core_is_text(contents: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, contents)
    with pytest.raises(FileFormatError, match="is text that does not say why a process crashed"):
        open_dead(path)
    assert find([str(tmp_path)]).paths == ()


def test_a_core_of_something_else_is_not_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path, report(*blocks(b"#!/bin/sh\n" * 100)))
    with pytest.raises(FileFormatError, match="of something that is not a core"):
        CoreTarget(path)


def test_a_long_line_is_not_held_whole() -> None:
    """Only so much of a line is read at a time, of the core's as of any other field's."""

    class Counted(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

    text = base64.b64encode(RANDOM)
    file = Counted(FIELDS + b"Other: " + text + b"\nCoreDump: base64\n " + text + b"\n")
    assert read_all(apport.CoreDump(file)) == RANDOM
    assert 0 < file.longest <= 1 << 17


def test_fields_before_the_core_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apport, "MOST_BEFORE", 1 << 18)
    path = tmp_path / "report"
    path.write_bytes(report(*blocks(CORE), before=FIELDS + b"Maps:\n" + b" x" * (1 << 18) + b"\n"))
    with path.open("rb") as file:
        assert apport.CoreDump(file).read(10) == b""


@pytest.mark.parametrize("around", range(-14, 3))
def test_the_field_begins_anywhere(around: int) -> None:
    """Also where what is read at a time ends in the midst of its name."""
    before = FIELDS.ljust((1 << 17) + around - 1, b"x") + b"\n"
    assert apport.CoreDump(io.BytesIO(report(b"core", before=before))).read() == b"core"


@pytest.mark.parametrize("short", range(4))
def test_a_line_ends_where_a_part_that_is_read_does(short: int) -> None:
    line = base64.b64encode(b"c" * 98300)
    spaces = b" " * ((1 << 17) - len(line) - short)
    field = b"CoreDump: base64\n" + spaces + line + b"\n " + line + b"\n"
    assert read_all(apport.CoreDump(io.BytesIO(FIELDS + field))) == b"c" * 98300 * 2


def test_as_many_lines_as_bytes_take_no_time() -> None:
    """Two bytes a line, in the fields before the core and in the core's own."""
    lines = (b"\n" * (1 << 24), b"CoreDump: base64\n" + b" \n" * (1 << 24))
    begin = time.process_time()
    for one in lines:
        assert apport.CoreDump(io.BytesIO(FIELDS + one)).peek(8) == b""
    assert time.process_time() - begin < 2
