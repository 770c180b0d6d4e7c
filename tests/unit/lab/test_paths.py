"""Where things are: a checkout's build, what a wheel carries, or an error with a next step."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtedbg.errors import ToolMissingError
from mtedbg.lab import paths


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation on a machine without arm64 libraries, that carries nothing yet."""
    data = tmp_path / "site-packages/mtedbg_lab"
    monkeypatch.setattr(paths, "LOADERS", tmp_path / "site-packages/mtedbg/_data")
    monkeypatch.setattr(paths, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.setattr(paths, "DATA", data)
    monkeypatch.setattr(paths, "CARRIED_SYSROOT", data / "sysroot")
    monkeypatch.setattr(paths, "CARRIED_LIBRARIES", data / "sysroot/lib/aarch64-linux-gnu")
    monkeypatch.setattr(paths, "DEBIAN_LIBRARIES", tmp_path / "debian")
    monkeypatch.setattr(paths, "MACHINE_LIBRARIES", (tmp_path / "debian", tmp_path / "fedora"))
    return data


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    "find",
    [
        paths.runtime,
        paths.guests,
        paths.vm_image,
        paths.libraries,
        paths.sysroot,
    ],
)
def test_what_a_wheel_lacks_is_said(wheel: Path, find: Callable[[], object]) -> None:
    with pytest.raises(ToolMissingError) as caught:
        find()
    assert "pip install mtedbg-lab" in caught.value.next_step


@pytest.mark.parametrize("find", [paths.gdbinit, paths.lldbinit])
@pytest.mark.usefixtures("wheel")
def test_what_every_wheel_has_is_a_damaged_one(find: Callable[[], object]) -> None:
    with pytest.raises(ToolMissingError) as caught:
        find()
    assert "--force-reinstall mtedbg" in caught.value.next_step


def test_carried_libraries_serve_where_the_machine_has_none(wheel: Path) -> None:
    put(paths.CARRIED_LIBRARIES, paths.LOADER, "libvixl.so.5")
    assert paths.libraries() == paths.CARRIED_LIBRARIES
    assert paths.sysroot() == paths.CARRIED_SYSROOT


def test_the_machines_libraries_serve_only_if_none_is_missing(wheel: Path) -> None:
    put(paths.CARRIED_LIBRARIES, paths.LOADER, "libvixl.so.5")
    put(paths.DEBIAN_LIBRARIES, paths.LOADER)
    assert paths.libraries() == paths.CARRIED_LIBRARIES
    # A user's program was linked with them, however few they are.
    assert paths.libraries(wheel / "mtetso") == paths.CARRIED_LIBRARIES
    assert paths.libraries(wheel.parent / "prog") == paths.DEBIAN_LIBRARIES
    assert paths.sysroot(wheel.parent / "prog") is None
    put(paths.DEBIAN_LIBRARIES, "libvixl.so.5")
    assert paths.libraries() == paths.DEBIAN_LIBRARIES
    assert paths.sysroot() is None


@pytest.mark.usefixtures("wheel")
def test_a_users_program_gets_the_libraries_of_other_distributions(tmp_path: Path) -> None:
    put(paths.CARRIED_LIBRARIES, paths.LOADER)
    assert paths.libraries(tmp_path / "prog") == paths.CARRIED_LIBRARIES
    put(tmp_path / "fedora", paths.LOADER)
    assert paths.libraries(tmp_path / "prog") == tmp_path / "fedora"
