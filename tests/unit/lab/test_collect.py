"""Core files are taken out of a folder that a hostile program can write to."""

import os
import socket
import stat
from pathlib import Path

import pytest

from mtedbg.errors import LabError
from mtedbg.lab import collect
from mtedbg.lab.collect import clear, take_cores
from tests.support.elf_core import ET_DYN, file_header

CORE = file_header(4)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    exchange, to = tmp_path / "exchange", tmp_path / "to"
    exchange.mkdir()
    to.mkdir()
    return exchange, to


def test_cores_are_taken_and_none_is_overwritten(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    for contents in (b"first", b"second", b"third"):
        (exchange / "core.x.80").write_bytes(CORE + contents)
        (core,) = take_cores(exchange, to).cores
        assert core.read_bytes() == CORE + contents
    assert sorted(p.name for p in to.iterdir()) == ["core.x.80", "core.x.80.1", "core.x.80.2"]
    assert list(exchange.iterdir()) == []


def test_holes_stay_holes(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    with (exchange / "core.x").open("wb") as file:
        file.write(CORE)
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate(1 << 40)
    (core,) = take_cores(exchange, to).cores
    assert core.stat().st_size == 1 << 40
    assert core.stat().st_blocks * 512 < 1 << 20
    with core.open("rb") as file:
        assert file.read(len(CORE)) == CORE
        file.seek(1 << 30)
        assert file.read(4) == b"end\0"


def test_a_link_of_that_name_is_not_written_through(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """The guest made the link in a folder that it can write to, then left a core of its name."""
    exchange, to = folders
    target = tmp_path / "profile"
    (to / "core.x.80").symlink_to(target)
    (exchange / "core.x.80").write_bytes(CORE)
    (core,) = take_cores(exchange, to).cores
    assert core.name == "core.x.80.1"
    assert not target.exists()
    assert (to / "core.x.80").is_symlink()


def test_modes_and_owners_are_the_users(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    (exchange / "core.x").write_bytes(CORE)
    (exchange / "core.x").chmod(0o6755)
    (core,) = take_cores(exchange, to).cores
    assert stat.S_IMODE(core.stat().st_mode) == 0o600
    assert core.stat().st_uid == os.geteuid()


def test_a_file_that_is_still_held_open_is_another(folders: tuple[Path, Path]) -> None:
    """A move would leave the VM with a file of the user's in its hands."""
    exchange, to = folders
    with (exchange / "core.x").open("wb") as held:
        held.write(CORE)
        held.flush()
        (core,) = take_cores(exchange, to).cores
        held.write(b"written later")
    assert core.read_bytes() == CORE


def test_what_is_no_core_is_removed(folders: tuple[Path, Path], tmp_path: Path) -> None:
    exchange, to = folders
    secret = tmp_path / "secret"
    secret.write_bytes(CORE)
    (exchange / "core.link").symlink_to(secret)
    (exchange / "core.link.to.folder").symlink_to(tmp_path)
    os.mkfifo(exchange / "core.pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(exchange / "core.socket"))
    if os.geteuid() == 0:
        os.mknod(exchange / "core.device", stat.S_IFCHR | 0o666, os.makedev(1, 1))
    (exchange / "core.text").write_text("text")
    (exchange / "core.empty").touch()
    (exchange / "core.shared").write_bytes(file_header(ET_DYN))
    (exchange / ".gdbinit").write_bytes(CORE)
    (exchange / "folder").mkdir()
    taken = take_cores(exchange, to)
    assert taken.cores == []
    assert taken.left_out >= 8
    assert list(to.iterdir()) == []
    assert [path.name for path in exchange.iterdir()] == ["folder"]
    assert secret.read_bytes() == CORE


def test_names_do_nothing_to_a_terminal_and_leave_room(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    names = [b"core.\x1b]0;x\x07", b"core.\xff", b"core.\n", "core.\u202e".encode()]
    names += [b"core." + b"x" * 250, b"core." + "é".encode() * 125]
    for name in names:
        (exchange / os.fsdecode(name)).write_bytes(CORE)
    (to / ("core." + "x" * 195)).touch()
    cores = take_cores(exchange, to).cores
    assert len(cores) == len(names)
    assert all(core.name.isprintable() for core in cores)
    assert max(len(os.fsencode(core.name)) for core in cores) <= 210


def test_a_hundred_thousand_files(folders: tuple[Path, Path]) -> None:
    exchange, to = folders
    (exchange / "core").write_bytes(CORE)
    for number in range(50_000):
        os.link(exchange / "core", exchange / f"core.{number}")
        (exchange / f"link.{number}").symlink_to("core")
    taken = take_cores(exchange, to)
    assert len(taken.cores) == len(list(to.iterdir())) == collect.MOST_CORES
    assert taken.left_out == 100_001 - collect.MOST_CORES
    assert list(exchange.iterdir()) == []


def test_without_a_place_they_are_dropped(folders: tuple[Path, Path]) -> None:
    exchange, _ = folders
    (exchange / "core").write_bytes(CORE)
    assert take_cores(exchange, None).cores == []
    assert list(exchange.iterdir()) == []


def test_a_place_that_takes_none(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, to = folders
    (exchange / "core").write_bytes(CORE)
    with pytest.raises(LabError, match="cannot write"):
        take_cores(exchange, to / "missing")
    monkeypatch.setattr(collect, "MAX_SAME_NAME", 1)
    (to / "core").write_bytes(b"y")
    with pytest.raises(LabError, match="too many files"):
        take_cores(exchange, to)


def test_a_folder_of_any_depth_is_removed(tmp_path: Path) -> None:
    exchange, spare = tmp_path / "exchange", tmp_path / "spare"
    exchange.mkdir()
    spare.mkdir()
    (exchange / "1").symlink_to(tmp_path)
    (exchange / "2").mkdir()
    here = os.open(exchange, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("core", os.O_CREAT, dir_fd=here))
    os.close(here)
    clear(exchange, spare)
    assert [path.name for path in tmp_path.iterdir()] == ["spare"]
    assert list(spare.iterdir()) == []
