"""Files whose names strangers chose: regular ones, below what the user named, and no others."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.core.below import RefusedError, open_below
from mtedbg.adapters.core.places import Places
from mtedbg.model.absent import Absent
from tests.support.elf_core import PAGE, ImageFile
from tests.unit.adapters.test_core_images import BASE, IMAGE, SYMBOLS, core_of

ANONYMOUS = ImageFile(symbols=SYMBOLS, text=bytes(range(256)), build_id=b"")
"""A program without a build id."""


def read(root: Path, name: str, *, as_root: bool = True) -> bytes:
    with os.fdopen(open_below(str(root), name, as_root=as_root), "rb") as file:
        return file.read()


def watch(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The name and flags of each file that is opened from now on."""
    opened: list[tuple[str, int]] = []
    real = os.open

    def watched(name: str | bytes, flags: int, **rest: int) -> int:
        opened.append((os.fsdecode(name), flags))
        return real(name, flags, **rest)

    monkeypatch.setattr(os, "open", watched)
    return opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file in it, and a secret next to it."""
    folder = tmp_path / "root"
    (folder / "opt/deep").mkdir(parents=True)
    (folder / "opt/file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    return folder


@pytest.mark.parametrize(
    ("link", "inside"),
    [
        ("file", b"inside"),
        ("deep/../file", b"inside"),
        ("/opt/file", b"inside"),
        ("//opt//.//file", b"inside"),
        ("../../../../opt/file", b"inside"),
        ("../../secret", None),
        ("/../../secret", None),
    ],
)
def test_links_are_followed_as_below_a_root(root: Path, link: str, inside: bytes | None) -> None:
    (root / "opt/link").symlink_to(link)
    if inside is not None:
        assert read(root, "opt/link") == inside
        return
    with pytest.raises(FileNotFoundError):
        read(root, "opt/link")


def test_a_link_to_a_folder_outside(root: Path, tmp_path: Path) -> None:
    (root / "usr").symlink_to(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(root, "usr/secret")
    with pytest.raises(RefusedError, match="leads out"):
        read(root, "usr/secret", as_root=False)


@pytest.mark.parametrize("link", ["/opt/file", "../../secret", "deep/../../../secret"])
def test_links_out_of_a_folder_are_refused(root: Path, link: str) -> None:
    (root / "opt/link").symlink_to(link)
    with pytest.raises(RefusedError, match="leads out of the folder"):
        read(root, "opt/link", as_root=False)
    (root / "opt/good").symlink_to("../opt/file")
    assert read(root, "opt/good", as_root=False) == b"inside"


def test_links_without_an_end(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        read(root, "a")


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device", "link to a fifo"])
def test_what_is_no_regular_file_is_not_opened(
    root: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "special"
    if kind == "folder":
        path.mkdir()
    elif kind == "device":
        root, path = Path("/dev"), Path("/dev/null")
    elif kind == "socket":
        monkeypatch.chdir(root)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("special")
    else:
        os.mkfifo(root / "fifo")
        path.symlink_to("fifo")
    opened = watch(monkeypatch)
    with pytest.raises(RefusedError, match="is not a"):
        read(root, path.name)
    assert opened, "nothing was looked at"
    assert all(flags & os.O_PATH for _, flags in opened), "nothing may be opened for reading"


@pytest.mark.parametrize("name", ["proc/self/mem", "proc/version", "proc/self/root/etc/passwd"])
def test_files_of_the_kernel_are_not_entered(name: str) -> None:
    with pytest.raises(RefusedError, match="is not a file of a disk"):
        read(Path("/"), name)


@pytest.mark.parametrize("name", ["a/" * 2100, "x" * 5000, "x" * 300, "\udcff" * 10, "opt/file/x"])
def test_long_and_strange_names(root: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"too long|No such|Not a directory"):
        read(root, name)
    with pytest.raises(ValueError, match="null"):
        read(root, "a\0b")


STRANGE = [
    "//etc/passwd",
    "///",
    "//",
    "/",
    "/.",
    "/dev/tty",
    "/proc/self/mem",
    "/sys/kernel/notes",
    "/" + "a/" * 40_000,
    "/" + "x" * 4_000_000,
    "/a\nb\x1b]0;t\x07",
    "/\udc80\udcff",
    "relative",
    " (deleted)",
    "/ (deleted)",
    "//..//..//etc/passwd",
    "/../etc/shadow",
]


@pytest.mark.parametrize("number", range(len(STRANGE)))
@pytest.mark.parametrize("sysroot", ["", "/", "empty"])
def test_any_name_in_a_core_gives_an_answer(tmp_path: Path, number: int, sysroot: str) -> None:
    core = core_of(Path("/replaced"))
    for file in core.files:
        file.name = STRANGE[number]
    core.write(tmp_path)
    target = CoreTarget(tmp_path / "core", sysroot=str(tmp_path / sysroot) if sysroot else "")
    assert isinstance(target.symbol_address("start"), Absent)
    for image in target.images():
        assert image.file == ""


def test_this_machines_files_are_used_by_build_id_alone(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "cores").mkdir()
    program = IMAGE.write(tmp_path / "host")
    core = core_of(program).write(tmp_path / "cores")
    assert CoreTarget(core).symbol_address("start") == BASE + PAGE
    without = ANONYMOUS.write(tmp_path / "host", "anonymous")
    core = core_of(without, ANONYMOUS).write(tmp_path / "cores", "core.2")
    target = CoreTarget(core)
    assert isinstance(target.symbol_address("start"), Absent)
    (image,) = target.images()
    assert "--sysroot /" in image.remark
    assert CoreTarget(core, sysroot="/").symbol_address("start") == BASE + PAGE
    assert CoreTarget(core, str(without)).symbol_address("start") == BASE + PAGE


def test_a_name_without_build_id_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "cores").mkdir()
    program = ANONYMOUS.write(tmp_path / "host")
    core = core_of(program, ANONYMOUS, head=False).write(tmp_path / "cores")
    opened = watch(monkeypatch)
    CoreTarget(core).symbol_address("start")
    assert str(core) in [name for name, _ in opened]
    assert not [name for name, _ in opened if "host" in name]


def test_a_link_beside_the_core_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cores").mkdir()
    IMAGE.write(tmp_path / "elsewhere", "app")
    (tmp_path / "cores/app").symlink_to("../elsewhere/app")
    core = core_of(Path("/gone/app")).write(tmp_path / "cores")
    target = CoreTarget(core)
    assert isinstance(target.symbol_address("start"), Absent)
    assert any("leads out of the folder" in remark for remark in target.remarks)
    IMAGE.write(tmp_path / "cores", "real")
    (tmp_path / "cores/app").unlink()
    (tmp_path / "cores/app").symlink_to("real")
    assert CoreTarget(core).symbol_address("start") == BASE + PAGE


def test_a_link_below_a_sysroot_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "root/opt").mkdir(parents=True)
    (tmp_path / "cores").mkdir()
    IMAGE.write(tmp_path, "app")
    (tmp_path / "root/opt/app").symlink_to(tmp_path / "app")
    core = core_of(Path("/opt/app")).write(tmp_path / "cores")
    target = CoreTarget(core, sysroot=str(tmp_path / "root"))
    assert isinstance(target.symbol_address("start"), Absent)
    (tmp_path / "root/lib").mkdir()
    IMAGE.write(tmp_path / "root/lib", "app")
    (tmp_path / "root/opt/app").unlink()
    (tmp_path / "root/opt/app").symlink_to("/lib/app")  # as the machine itself had it
    assert CoreTarget(core, sysroot=str(tmp_path / "root")).symbol_address("start") == BASE + PAGE


def test_places_with_two_leading_slashes(tmp_path: Path) -> None:
    places = Places(str(tmp_path / "core"), str(tmp_path / "root"))
    (below, beside) = places.of("//opt/app")
    assert below.path == str(tmp_path / "root/opt/app")
    assert beside.path == str(tmp_path / "app")
