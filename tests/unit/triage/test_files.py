"""Which files of a folder are crashes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from mtedbg.adapters import unpacked
from mtedbg.adapters.dead import open_dead
from mtedbg.errors import FileFormatError, NotNowError
from mtedbg.triage.files import find
from mtedbg.triage.one import Reader
from tests.support.elf_core import Core, Load
from tests.support.minidumps import small

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": zstandard.ZstdCompressor().compress,
    "lz4": lz4.frame.compress,
}
CORE = Core(loads=[Load(0x10000, b"m" * 4096)]).build()


def backup() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("home/notes")
        info.size = 1 << 20
        archive.addfile(info, io.BytesIO(bytes(range(256)) * 4096))
    return file.getvalue()


def names(folder: Path) -> list[str]:
    return [Path(path).name for path in find([str(folder)]).paths]


def test_only_what_is_a_crash(tmp_path: Path) -> None:
    for name, contents in {
        "core.1234": CORE,
        "d0c5f8f2-1f00.dmp": b"MDMP" + small()[4:],
        "core": b"",
        "core.cut": b"\x7fELF\2\1",
        "tombstone_00": b"*** *** *** ***\n",
        "core.c": b"#include <stdio.h>\n",
        "corefile.py": b"import os\n",
        "core_notes.md": "Kärne".encode()[:1] + b"eine Datei, ein Satz",
        "notes.txt": b"nothing",
        "program": b"\x7fELF\2\1\1".ljust(16, b"\0") + b"\x03\0\xb7\0",
    }.items():
        (tmp_path / name).write_bytes(contents)
    found = names(tmp_path)
    assert found == ["core", "core.1234", "core.cut", "d0c5f8f2-1f00.dmp", "tombstone_00"]


@pytest.mark.parametrize("ending", PACKERS)
def test_what_is_packed_is_looked_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A backup is left out, and where it is named nothing of it is written."""
    pack = PACKERS[ending]
    (tmp_path / f"core.{ending}").write_bytes(pack(CORE))
    for name, inner in (("backup.tar", backup()), ("nested", pack(CORE)), ("zeros", bytes(999))):
        (tmp_path / f"{name}.{ending}").write_bytes(pack(inner))
    assert names(tmp_path) == [f"core.{ending}"]
    assert open_dead(str(tmp_path / f"core.{ending}")).read_memory(0x10000, 4) == b"mmmm"
    monkeypatch.setattr(unpacked, "copy", None)
    for name in ("backup.tar", "nested", "zeros"):
        with pytest.raises(FileFormatError, match="of something that is not a core"):
            open_dead(str(tmp_path / f"{name}.{ending}"))


def test_a_bomb_that_begins_as_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "core.zst"
    monkeypatch.setattr(unpacked, "ALWAYS", 1 << 20)
    monkeypatch.setattr(unpacked, "MOST_RATIO", 100)
    path.write_bytes(zstandard.ZstdCompressor().compress(CORE + b"\xaa" * (64 << 20)))
    with pytest.raises(FileFormatError, match="unpacks to more than 100 times its size"):
        open_dead(str(path))


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "core.gz"
    path.write_bytes(gzip.compress(CORE))
    monkeypatch.setattr(unpacked, "_FREE", 1 << 62)
    with pytest.raises(NotNowError, match="the disk is nearly full"):
        open_dead(str(path))
    assert Reader()(str(path)).passing


def test_a_window_of_gigabytes(tmp_path: Path) -> None:
    """A frame's header that claims one: refused before any of it is reserved."""
    path = tmp_path / "core.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(64))
    with pytest.raises(FileFormatError):
        open_dead(str(path))


def test_a_folder_that_cannot_be_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may look into any: the kernel's answer is put in its place."""
    import os

    scandir = os.scandir

    def refused(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", refused)
    found = find([str(tmp_path)])
    assert found.unreadable == (f"{tmp_path}/locked cannot be looked into: Permission denied",)
