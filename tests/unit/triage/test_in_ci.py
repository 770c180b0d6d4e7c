"""What continuous integration gets of triage: exit status, JUnit's XML, GitHub's annotations."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from mtedbg.cli import main
from mtedbg.cli.triage import EXIT_NEW
from mtedbg.errors import DocumentError
from mtedbg.triage.known import known_signatures
from tests.golden.cases import CORES

Capture = pytest.CaptureFixture[str]
HOSTILE = "core.\x1b[31m%,:\x01<&>\udcff"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two crashes, one of them under a name that means something to each format; one damaged."""
    place = tmp_path / "cores"
    place.mkdir()
    for name, file in (("sync", HOSTILE), ("abort", "core.2")):
        (place / file).write_bytes(gzip.decompress((CORES / f"{name}.core.gz").read_bytes()))
    (place / "core.empty").touch()
    return place


def triage(folder: Path, *words: str) -> int:
    state = folder.parent / "state"
    return main(["triage", str(folder), "--workers", "1", "--state", str(state), *words])


def rows(folder: Path, capsys: Capture, *words: str) -> list[dict[str, Any]]:
    triage(folder, "--json", *words)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rows"]
    return found


def test_a_signature_that_is_not_known_is_an_exit_status(folder: Path, capsys: Capture) -> None:
    kept = folder.parent / "known.json"
    assert triage(folder, "--json") == 0
    kept.write_text(capsys.readouterr().out)
    assert triage(folder, "--known", str(kept)) == 0
    capsys.readouterr()
    first, second, damaged = rows(folder, capsys, "--known", str(kept))
    assert (first["known"], second["known"], damaged["known"]) == (True, True, None)
    listed = folder.parent / "known.txt"
    listed.write_text(f"# of the last release\n\n{first['signature']} the parser, bug 17\n")
    assert triage(folder, "--known", str(listed)) == EXIT_NEW
    capsys.readouterr()
    assert [row["known"] for row in rows(folder, capsys, "--known", str(listed))] == [
        True, False, None,
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["not twelve digits", "{", '{"rows": [1]}', "[" * 100_000])
def test_what_is_no_list_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(content)
    with pytest.raises(DocumentError, match="is no list of signatures"):
        known_signatures(str(file))


def test_a_list_may_be_empty(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.touch()
    assert not known_signatures(str(file))
    with pytest.raises(DocumentError, match="No such file"):
        known_signatures(str(tmp_path / "none"))


def test_junit(folder: Path, capsys: Capture) -> None:
    file = folder.parent / "triage.xml"
    assert triage(folder, "--junit", str(file)) == 0
    assert f"written: {file}" in capsys.readouterr().out
    suites = Xml.parse(file).getroot()
    (suite,) = suites
    counts = {"tests": "3", "failures": "2", "errors": "1"}
    assert suites.attrib == counts
    assert suite.attrib == {"name": "triage", **counts}
    assert [case[0].tag for case in suite] == ["failure", "failure", "error"]
    text = "".join(suite.itertext())
    assert "\x1b" not in text
    assert "\\x1b[31m%,:\\x01<&>\\xff" in text


def test_known_groups_pass_in_junit(folder: Path, capsys: Capture) -> None:
    (first, *_) = rows(folder, capsys)
    listed = folder.parent / "known"
    listed.write_text(first["signature"])
    file = folder.parent / "triage.xml"
    assert triage(folder, "--junit", str(file), "--known", str(listed)) == EXIT_NEW
    assert [case[0].tag for case in Xml.parse(file).getroot()[0]] == [
        "system-out", "failure", "error",
    ]  # fmt: skip


def test_annotations_are_a_line_each(folder: Path, capsys: Capture) -> None:
    assert triage(folder, "--annotations", "github") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["::error", "::error", "::warning"]
    for line in lines:
        assert line.isprintable()
        _, title, message = line.split("::", 2)
        assert not set(":,") & set(
            title.removeprefix("error title=").removeprefix("warning title=")
        )
        assert "%0A" in message
    assert any("\\x1b[31m%25,:\\x01" in line for line in lines)
