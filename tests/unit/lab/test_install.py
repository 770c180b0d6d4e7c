"""`mtedbg install gdb`: one line, once, in the file that GDB reads."""

from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.cli.install import with_line

LINE = "source /somewhere/gdbinit/mtedbg.gdb"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{LINE}\n"),
        ("set pagination off", f"set pagination off\n{LINE}\n"),
        (f"{LINE}\nset x\n", f"{LINE}\nset x\n"),
        ("source /old/gdbinit/mtedbg.gdb\nset x\n", f"{LINE}\nset x\n"),
        (f"source /old/gdbinit/mtedbg.gdb\n{LINE}\n", f"{LINE}\n"),
        ("# source /old/gdbinit/mtedbg.gdb\n", f"# source /old/gdbinit/mtedbg.gdb\n{LINE}\n"),
    ],
)
def test_the_line_is_there_once(before: str, after: str) -> None:
    assert with_line(before, LINE) == after
    assert with_line(after, LINE) == after


def test_it_makes_a_file_and_does_nothing_the_second_time(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "gdb"]) == 0
    first = (home / ".gdbinit").read_text()
    assert "was made" in capsys.readouterr().out
    assert main(["install", "gdb"]) == 0
    assert "already has" in capsys.readouterr().out
    assert (home / ".gdbinit").read_text() == first
    assert Path(first.removeprefix("source ").strip()).is_file()


def test_the_file_in_the_configuration_folder_goes_first(home: Path) -> None:
    file = home / ".config/gdb/gdbinit"
    file.parent.mkdir(parents=True)
    file.write_text("set pagination off\n")
    assert main(["install", "gdb"]) == 0
    assert file.read_text().startswith("set pagination off\nsource ")
    assert not (home / ".gdbinit").exists()


def test_a_link_stays_a_link(home: Path) -> None:
    (home / "dotfiles").write_text("set x\n")
    (home / ".gdbinit").symlink_to(home / "dotfiles")
    assert main(["install", "gdb"]) == 0
    assert (home / ".gdbinit").is_symlink()
    assert "mtedbg.gdb" in (home / "dotfiles").read_text()


def test_a_file_that_cannot_be_changed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".gdbinit").mkdir()
    assert main(["install", "gdb"]) == 1
    complaint = capsys.readouterr().err
    assert "cannot be changed" in complaint
    assert "add to it: source " in complaint
