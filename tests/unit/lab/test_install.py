"""`mtedbg install gdb|lldb`: one line, once, in the file that the debugger reads."""

from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.cli.install import DEBUGGERS, with_line

INIT_FILES = {"gdb": ".gdbinit", "lldb": ".lldbinit"}
# What loads another mtedbg, by debugger.
OLD = {
    "gdb": "source /old/gdbinit/mtedbg.gdb",
    "lldb": "command script import '/an old/lldbinit/mtedbg_lldb.py'",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", DEBUGGERS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "LINE\n"),
        ("set x", "set x\nLINE\n"),
        ("LINE\nset x\n", "LINE\nset x\n"),
        ("OLD\nset x\n", "LINE\nset x\n"),
        ("OLD\nLINE\n", "LINE\n"),
        ("# OLD\n", "# OLD\nLINE\n"),
    ],
)
def test_the_line_is_there_once(name: str, before: str, after: str) -> None:
    debugger = DEBUGGERS[name]
    before, after = (
        text.replace("OLD", OLD[name]).replace("LINE", debugger.line) for text in (before, after)
    )
    assert with_line(before, debugger) == after
    assert with_line(after, debugger) == after


@pytest.mark.parametrize("name", DEBUGGERS)
def test_it_makes_a_file_and_does_nothing_the_second_time(
    home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = home / INIT_FILES[name]
    assert main(["install", name]) == 0
    first = file.read_text()
    assert "was created" in capsys.readouterr().out
    assert main(["install", name]) == 0
    assert "already has" in capsys.readouterr().out
    assert file.read_text() == first
    assert Path(first.removeprefix(DEBUGGERS[name].command).strip()).is_file()


def test_lldb_reads_the_file_of_its_own_name_in_place_of_the_other(home: Path) -> None:
    own = home / ".lldbinit-lldb"
    own.touch()
    assert main(["install", "lldb"]) == 0
    assert own.read_text() == (home / ".lldbinit").read_text() != ""


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
    assert "add this line to it: source " in complaint
