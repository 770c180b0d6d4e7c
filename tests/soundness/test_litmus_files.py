"""The litmus files: their table, and herd7's recorded verdicts of them.

Those that run herd7 itself are marked so: `make litmus` runs them.
"""

from datetime import date
from pathlib import Path

import pytest

from litmus import herd, record, table
from litmus.__main__ import main
from litmus.table import Expected
from mtedbg.errors import LabError, ToolMissingError

ROWS = {row.file.stem: row for row in table.expected()}


def test_every_file_has_a_recorded_verdict() -> None:
    assert set(record.read().files) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_the_recorded_verdict_is_of_the_file_as_it_is_and_the_tables(name: str) -> None:
    """Where it is of another text of the file: `make litmus` asks herd7 anew."""
    said = record.read().files[name]
    assert said.sha256 == record.digest(ROWS[name].file)
    assert said.verdict == ROWS[name].verdict


def test_the_record_says_what_it_is_of() -> None:
    kept = record.read()
    assert kept.herd7.startswith("7.")
    assert kept.variant == herd.VARIANT
    assert date.fromisoformat(kept.date)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = record.read()
    record.write(kept, tmp_path / "verdicts.json")
    assert record.read(tmp_path / "verdicts.json") == kept
    assert (tmp_path / "verdicts.json").read_text() == record.FILE.read_text()


@pytest.mark.parametrize(
    "step",
    ["retag", "bystander", "claim", "claim-in-flight", "pair", "window", "host", "split", "follow"],
)
def test_every_repaired_step_has_the_broken_one_beside_it(step: str) -> None:
    """A condition that nothing can reach would be "Never" as well."""
    verdicts = {row.verdict for name, row in ROWS.items() if name.startswith(step)}
    assert verdicts == {"Sometimes", "Never"}


def test_a_file_that_is_not_as_the_table_has_it(tmp_path: Path) -> None:
    row = ROWS["retag"]
    file = tmp_path / "retag.litmus"
    file.write_text(row.file.read_text().replace("exists", "forall"))
    with pytest.raises(LabError, match="not a litmus file"):
        table.check_form(Expected(file, row.what, row.verdict))


@pytest.mark.herd7
def test_a_mistake_in_a_file_is_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "retag.litmus"
    file.write_text(ROWS["retag"].file.read_text().replace("LDAPR W4", "LDAPRR W4"))
    with pytest.raises(LabError, match=r"retag\.litmus"):
        herd.verdict(file)


def test_without_herd7_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "herd7 is not here" in said
    assert "make litmus" in said
    with pytest.raises(ToolMissingError):
        herd.fetch()


def test_a_mirror_that_does_not_answer_keeps_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An apt-get that never ends is ended, and said."""
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\nexec sleep 1000\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(herd, "FETCH_TIMEOUT_S", 0.2)
    monkeypatch.setattr(herd.apt, "mirror", lambda: "http://mirror.invalid/debian")
    with pytest.raises(LabError, match=r"apt-get update takes more than 0\.2 s"):
        herd.fetch()
    assert list((tmp_path / "cache/mtedbg").iterdir()) == []
