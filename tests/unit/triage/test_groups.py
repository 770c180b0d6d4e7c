"""`mtedbg triage` on the frozen kernel cores and on files that are none."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from mtedbg.analysis.postmortem.groups import groups, since
from mtedbg.cli import main
from mtedbg.model.triage import Read, Signature, TimeSource
from mtedbg.reports.triage import report
from tests.golden.cases import CORES
from tests.support.elf_core import Core, ImageFile, MappedFile, ThreadNotes

Capture = pytest.CaptureFixture[str]
TIMES = {"sync": 1_000_000_000, "straddle": 1_000_000_060, "abort": 1_000_000_000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three cores packed and plain, a damaged one, and what is none."""
    place = tmp_path / "cores"
    (place / "below").mkdir(parents=True)
    for name in ("sync", "straddle"):
        shutil.copy(CORES / f"{name}.core.gz", place / "below")
    (place / "abort.core").write_bytes(gzip.decompress((CORES / "abort.core.gz").read_bytes()))
    for name, when in TIMES.items():
        for path in place.rglob(f"{name}.core*"):
            os.utime(path, (when, when))
    (place / "core.empty").touch()
    (place / "core.text").write_bytes(b"\1nothing dumped")
    (place / "README").write_text("about these")
    ImageFile().write(place, "program")
    return place


def triage(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["triage", *words, "--workers", "1", "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_groups(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    answer = triage(capsys, str(folder), "--state", str(tmp_path / "state"))
    assert answer["headline"] == "5 files, 2 signatures, 2 damaged"
    tag_fault, abort, *damaged = answer["rows"]
    assert (tag_fault["count"], tag_fault["cause"]) == (2, "tag check fault (synchronous)")
    assert (tag_fault["first"], tag_fault["last"]) == ("2001-09-09 01:46:40", "2001-09-09 01:47:40")
    assert tag_fault["time_source"] == "file"
    assert tag_fault["exemplar"] in [one["file"] for one in tag_fault["members"]]
    assert tag_fault["tags"] == "both tagged, and differ"
    assert (abort["count"], abort["cause"]) == (1, "SIGSEGV SEGV_MAPERR")
    assert [(row["count"], row["cause"]) for row in damaged] == [
        (1, "damaged: is empty"),
        (1, "damaged: is not an ELF file"),
    ]
    assert all(row["damaged"] for row in damaged)
    assert "2 files in these folders are not cores: left out" in answer["notes"]


def test_the_symbol_is_from_the_exemplars_program(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "core").write_bytes(gzip.decompress((CORES / "abort.core.gz").read_bytes()))
    (tmp_path / "abort").write_bytes(gzip.decompress((CORES / "abort.gz").read_bytes()))
    words = (str(tmp_path / "core"), "--state", str(tmp_path / "state"))
    (row,) = triage(capsys, *words)["rows"]
    assert row["symbol"].startswith("main")


def test_what_was_read_is_not_read_again(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    words = (str(folder), "--state", str(tmp_path / "state"))
    first = triage(capsys, *words)
    kept = (tmp_path / "state").read_bytes()
    assert triage(capsys, *words) == first
    assert (tmp_path / "state").read_bytes() == kept
    (folder / "core.empty").unlink()
    assert triage(capsys, *words)["headline"] == "4 files, 2 signatures, 1 damaged"
    triage(capsys, *words, "--fresh")
    assert len((tmp_path / "state").read_bytes().splitlines()) == 1 + 5 + 4


def test_names_reach_the_terminal_escaped(tmp_path: Path, capsys: Capture) -> None:
    evil = "/bin/\x1b]0;owned\x07\x1b[31m"
    core = Core(
        threads=[ThreadNotes(registers={"pc": 0x10010}, siginfo=(11, 1, 0))],
        files=[MappedFile(0x10000, 0x11000, 0, evil)],
    )
    core.write(tmp_path, "core\x1b[2J\n.1")
    words = ["triage", str(tmp_path), "--workers", "1", "--state", str(tmp_path / "state")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "\\x1b[31m+0x10" in shown
    assert "core\\x1b[2J\\x0a.1" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert len(shown.splitlines()) == 3
    page = tmp_path / "page.html"
    assert main([*words, "--html", str(page)]) == 0
    text = page.read_text()
    assert "\\x1b[31m+0x10" in text
    assert text.replace("\n", "").isprintable()
    assert "<title>1 file, 1 signature</title>" in text


def read(
    path: str,
    time_s: float,
    source: TimeSource = TimeSource.FILE,
    size: int = 1,
    cause: str = "why",
) -> Read:
    return Read(path, size, 1, time_s, source, Signature(cause))


def test_the_most_frequent_are_first() -> None:
    reads = [read(f"/core.{number}", 1.0, cause=f"cause {number % 100}") for number in range(150)]
    assert [len(group.members) for group in groups(reads)] == [2] * 50 + [1] * 50


def test_a_time_that_cannot_be_is_said_to_be_so() -> None:
    (row,) = report(groups([read("/core", 1e300)])).rows
    assert (row["first"], row["last"]) == ("impossible", "impossible")


def test_the_exemplar_is_the_smallest_and_of_those_the_newest() -> None:
    reads = [
        read("/core.3", 3.0, size=9),
        read("/core.1", 1.0, TimeSource.TOMBSTONE, size=5),
        read("/core.2", 2.0, size=5),
    ]
    (row,) = report(groups(reads)).rows
    assert row["exemplar"] == "/core.2"
    assert (row["first"], row["last"]) == ("1970-01-01 00:00:01", "1970-01-01 00:00:03")
    assert row["time_source"] == "file, tombstone"
    assert row["members"] == [
        {"file": f"/core.{at}", "time": f"1970-01-01 00:00:0{at}"} for at in (1, 2, 3)
    ]


def test_what_is_older_is_left_out_and_the_signature_stays() -> None:
    reads = [read("/core.1", 1.0), read("/core.2", 2.0), read("/core.3", 1.0, cause="other")]
    (one,) = since(groups(reads), 1.5)
    assert [member.path for member in one.members] == ["/core.2"]
    assert one.oldest.path == "/core.1"


@pytest.mark.parametrize("words", [["nowhere"], [".", "--workers", "0"]])
def test_wrong_usage(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main(["triage", *words, "--state", str(tmp_path / "state")]) == 2
    assert capsys.readouterr().err.startswith("mtedbg: ")
