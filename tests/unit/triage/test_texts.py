"""Triage of texts, archives and folders with anything in them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.triage.files import find
from mtedbg.triage.one import Reader
from tests.support import crash_texts
from tests.support.tombstone_text import as_text
from tests.unit.adapters.test_tombstone_text import made

WRITERS = ("android-sync", "graphene-sync", "hwasan-write", "hs-err-sync", "stackwalk-rust")


def text(name: str) -> str:
    return (crash_texts.FOLDER / f"{name}.txt").read_text()


def bugreport(path: Path) -> Path:
    """An archive with 20 crashes of 6 writers: 4 of each text, and tombstones in both forms."""
    one = made()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("FS/data/tombstones/tombstone_00.pb", one.build())
        archive.writestr("FS/data/tombstones/tombstone_00", as_text(one))
        archive.writestr("version.txt", "2.0\n")
        for number in range(1, 4):
            other = text("android-sync").replace("3307", f"{4000 + number}")
            archive.writestr(f"FS/data/tombstones/tombstone_{number:02}", other)
        for name in WRITERS[1:]:
            for number in range(4):
                changed = text(name).replace("tid=417", f"tid={500 + number}")
                changed = changed.replace("tid: 5001", f"tid: {600 + number}")
                changed = changed.replace("==811==", f"=={700 + number}==")
                archive.writestr(f"FS/data/anr/{name}-{number}.txt", changed)
    return path


def triage(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> dict[str, object]:
    state = ("--state", str(tmp_path / "state"), "--workers", "1", "--json")
    assert main(["triage", *words, *state]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def test_a_bugreport_of_20_crashes_of_6_writers_is_6_groups(tmp_path, capsys):
    path = bugreport(tmp_path / "bugreport.zip")
    answer = triage(capsys, tmp_path, str(path), "--html", str(tmp_path / "out.html"))
    rows = answer["rows"]
    assert sum(row["count"] for row in rows) == 20
    assert len(rows) == 6
    assert not any(row["damaged"] for row in rows)
    kinds = sorted({row["cause"] for row in rows})
    assert kinds == ["software tag check fault (synchronous)", "tag check fault (synchronous)"]
    assert all(row["exemplar"].startswith(f"{path}:") for row in rows)
    again = triage(capsys, tmp_path, str(path))  # from what was kept
    assert [row["signature"] for row in again["rows"]] == [row["signature"] for row in rows]


def test_a_mixed_folder(tmp_path):
    folder = tmp_path / "all"
    (folder / "sub").mkdir(parents=True)
    one = made()
    (folder / "tombstone_00.pb").write_bytes(one.build())
    (folder / "tombstone_00").write_text(as_text(one))
    (folder / "sub" / "log.txt").write_text(
        text("android-logcat-async") + "noise\n" * 300 + text("bionic-line")
    )
    (folder / "sub" / "readme.txt").write_text("nothing of the kind\n")
    (folder / "sub" / "code.c").write_text("signal 11 (SIGSEGV), code 9 (SEGV_MTESERR)\n")
    bugreport(folder / "report.zip")
    with zipfile.ZipFile(folder / "outer.zip", "w") as outer:
        outer.write(folder / "report.zip", "inner/report.zip")
    found = find([str(folder)])
    names = [path.removeprefix(f"{folder}/") for path in found.paths]
    assert names[0].startswith("outer.zip:inner/report.zip:")
    assert sum(name.startswith("outer.zip:") for name in names) == 20
    assert sum(name.startswith("report.zip:") for name in names) == 20
    assert names[-3:] == ["tombstone_00.pb", "sub/log.txt:1", "sub/log.txt:307"]
    assert found.skipped == 3
    reader = Reader(files=False)
    reads = [reader(path) for path in found.paths]
    assert all(one.signature is not None for one in reads), [one.problem for one in reads]


def test_a_damaged_archive_is_a_row(tmp_path, capsys):
    path = tmp_path / "bad.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    rows = triage(capsys, tmp_path, str(path))["rows"]
    assert [row["damaged"] for row in rows] == [True]
