"""The litmus files: their table, and herd7's verdicts of them."""

from pathlib import Path

import pytest

from litmus import herd, table
from litmus.__main__ import main
from litmus.table import Expected
from mtedbg.errors import LabError, ToolMissingError

ROWS = {row.file.stem: row for row in table.expected()}


@pytest.mark.parametrize("name", ROWS)
def test_the_verdict_is_the_one_of_the_table(name: str) -> None:
    assert herd.verdict(ROWS[name].file) == ROWS[name].verdict


def test_every_repaired_step_has_the_broken_one_beside_it() -> None:
    """A condition that nothing can reach would be "Never" as well."""
    for step in (
        "retag",
        "bystander",
        "claim",
        "claim-in-flight",
        "pair",
        "window",
        "host",
        "split",
    ):
        verdicts = {row.verdict for name, row in ROWS.items() if name.startswith(step)}
        assert verdicts == {"Sometimes", "Never"}, step


def test_a_mistake_in_a_file_is_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "retag.litmus"
    file.write_text(ROWS["retag"].file.read_text().replace("LDAPR W4", "LDAPRR W4"))
    with pytest.raises(LabError, match=r"retag\.litmus"):
        herd.verdict(file)
    row = ROWS["retag"]
    file.write_text(row.file.read_text().replace("exists", "forall"))
    with pytest.raises(LabError, match="not a litmus file"):
        table.check_form(Expected(file, row.what, row.verdict))


def test_without_herd7_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "herd7 is not here" in said
    assert "python -m litmus --fetch" in said
    with pytest.raises(ToolMissingError):
        herd.fetch()
