"""Files found by build id, in local folders alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.core.places import Place, Places
from mtedbg.model.absent import Absent
from tests.support.elf_core import PAGE, ImageFile
from tests.unit.adapters.test_core_images import BASE, IMAGE, SYMBOLS, core_of

BUILD_ID = "11" * 20
STRIPPED = ImageFile(text=bytes(range(256)))
GONE = Path("/nowhere/gone")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """debuginfod's cache, empty."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(folder))
    return folder


def opened(tmp_path: Path, program: Path = GONE) -> CoreTarget:
    return CoreTarget(core_of(program).write(tmp_path), sysroot=str(tmp_path / "empty"))


def test_a_file_of_another_name_beside_the_core(tmp_path: Path) -> None:
    other = ImageFile(build_id=b"\x22" * 20, symbols=SYMBOLS).write(tmp_path, "a-wrong-one")
    renamed = IMAGE.write(tmp_path, "renamed")
    target = opened(tmp_path)
    assert target.symbol_address("start") == BASE + PAGE
    (image,) = target.images()
    assert (image.name, image.build_id, image.file) == (str(GONE), BUILD_ID, str(renamed))
    assert other.name not in image.remark


@pytest.mark.parametrize(
    "place",
    [
        f".build-id/11/{BUILD_ID[2:]}",
        f"debug/.build-id/11/{BUILD_ID[2:]}",
        f"cache/{BUILD_ID}/executable",
    ],
)
def test_a_file_by_its_build_id(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    IMAGE.write(path.parent, path.name)
    target = opened(tmp_path)
    assert target.read_memory(BASE + PAGE, 4) == b"\0\1\2\3"
    assert target.symbol_address("start") == BASE + PAGE
    assert target.images()[0].file == str(path)


@pytest.mark.parametrize(
    "place", [f".build-id/11/{BUILD_ID[2:]}.debug", f"cache/{BUILD_ID}/debuginfo", "program.debug"]
)
def test_symbols_from_a_file_of_their_own(tmp_path: Path, place: str) -> None:
    program = STRIPPED.write(tmp_path)
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write(path.parent, path.name)
    for target in (opened(tmp_path, program), CoreTarget(tmp_path / "core", str(program))):
        assert target.symbol_address("start") == BASE + PAGE
        assert target.images()[0].debug_file == str(path)


def test_symbols_of_another_build_are_not_used_and_that_is_said(tmp_path: Path) -> None:
    program = STRIPPED.write(tmp_path)
    ImageFile(build_id=b"\x22" * 20, symbols=SYMBOLS).write(tmp_path, "program.debug")
    target = opened(tmp_path, program)
    assert isinstance(target.symbol_address("start"), Absent)
    (remark,) = target.remarks
    assert remark.endswith(
        f"program.debug has build id {'22' * 20}, the core has {BUILD_ID}: not used"
    )


def test_a_cache_that_is_where_it_is_by_default() -> None:
    home = Places("/cores/core", "/", environment={"HOME": "/h"})
    cache = Place(f"/h/.cache/debuginfod_client/{BUILD_ID}/executable")
    assert cache in home.of("", BUILD_ID)
    older = Place(f"/h/.debuginfod_client_cache/{BUILD_ID}/debuginfo")
    assert older in home.debug_of("", BUILD_ID)
    other = Places("/cores/core", "/", environment={"HOME": "/h", "XDG_CACHE_HOME": "/x"})
    assert Place(f"/x/debuginfod_client/{BUILD_ID}/executable") in other.of("", BUILD_ID)
    assert Places("/cores/core", "/", environment={}).of("", "11") == []


def test_nothing_is_looked_for_where_that_is_not_wanted(tmp_path: Path) -> None:
    program = IMAGE.write(tmp_path)
    target = CoreTarget(core_of(program).write(tmp_path), files=False)
    assert target.read_memory(BASE + PAGE, 4) != b"\0\1\2\3"
    assert target.images()[0].file == ""


def test_a_folder_that_is_not_there() -> None:
    assert Places("/nonexistent/core", "/nonexistent", environment={}).of("", BUILD_ID)
