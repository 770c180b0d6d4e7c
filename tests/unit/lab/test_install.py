"""`mtedbg install gdb|lldb`: one line, once, in the file that the debugger reads."""

import os
import resource
import signal
import stat
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
        ("set x\r\nset y\r\n", "set x\r\nset y\r\nLINE\r\n"),
        ("OLD\r\nset x\r\n", "LINE\r\nset x\r\n"),
        ("a\x0bb\x0cc\x85d\u2028e\rf\n", "a\x0bb\x0cc\x85d\u2028e\rf\nLINE\n"),
        ("set x\n\n\n", "set x\n\n\nLINE\n"),
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
    assert "mtedbg_gdb.py" in (home / "dotfiles").read_text()


def test_a_file_that_cannot_be_changed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".gdbinit").mkdir()
    assert main(["install", "gdb"]) == 1
    complaint = capsys.readouterr().err
    assert "cannot be changed" in complaint
    assert "add this line to it: source " in complaint


def test_bytes_that_are_no_text_stay(home: Path) -> None:
    (home / ".gdbinit").write_bytes(b"# gr\xfcn\r\nset x\r\n")
    assert main(["install", "gdb"]) == 0
    written = (home / ".gdbinit").read_bytes()
    assert written.startswith(b"# gr\xfcn\r\nset x\r\nsource ")
    assert written.endswith(b"mtedbg_gdb.py\r\n")


def test_mode_and_owner_stay_and_nothing_is_left_beside(home: Path) -> None:
    file = home / ".gdbinit"
    file.write_text("set x\n")
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12346)
    before = file.stat()
    assert main(["install", "gdb"]) == 0
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert [path.name for path in home.iterdir()] == [".gdbinit"]


def test_a_full_disk_leaves_the_file_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".gdbinit").write_text("set x\n")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, hard))
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert main(["install", "gdb"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (home / ".gdbinit").read_text() == "set x\n"
    assert [path.name for path in home.iterdir()] == [".gdbinit"]


@pytest.mark.parametrize("kind", ["fifo", "device", "link to a device"])
def test_what_is_not_a_regular_file_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file = home / ".gdbinit"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "device" and os.geteuid() == 0:
        os.mknod(file, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    else:
        file.symlink_to("/dev/null")
    before = file.lstat()
    assert main(["install", "gdb"]) == 1
    assert "not a regular file" in capsys.readouterr().err
    assert file.lstat() == before
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_home_with_a_name_that_would_do_something_to_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "a\x1b]0;x\x07\u202eb"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["install", "gdb"]) == 0
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
