"""One list says what is needed; the commands that fix it follow from this machine's sources."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from mtedbg.lab import apt, native, requirements
from mtedbg.lab.requirements import Need, Requirement


def script(folder: Path, name: str, text: str) -> None:
    """A program for PATH."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, but for the shell."""
    script(tmp_path, "dpkg", "echo")
    script(tmp_path, "apt-get", "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def bookworm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        apt, "_os_release", {"ID": "debian", "VERSION_CODENAME": "bookworm"}.__getitem__
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def uris(*suites: str) -> str:
    lines = (f"'mirror:/some/debian/dists/{suite}/InRelease' file 0 " for suite in suites)
    return "\n".join(f'echo "{line}"' for line in lines)


@pytest.mark.usefixtures("bookworm")
def test_backports_come_from_the_machines_own_mirror(tools: Path) -> None:
    script(tools, "apt-get", uris("bookworm-updates", "bookworm"))
    lines = apt.commands(["qemu-user", "cmake", "libvixl-dev:arm64"])
    add, enable, update, install, install_qemu = lines
    assert add == "dpkg --add-architecture arm64"
    assert "mirror:/some/debian bookworm-backports main" in enable
    assert enable.endswith("tee /etc/apt/sources.list.d/bookworm-backports.list")
    assert update == "apt-get update"
    assert install_qemu.endswith("-t bookworm-backports qemu-user")
    assert install.endswith("cmake libvixl-dev:arm64")


@pytest.mark.usefixtures("bookworm")
def test_what_is_enabled_is_not_enabled_again(tools: Path) -> None:
    script(tools, "apt-get", uris("bookworm-backports", "bookworm"))
    script(tools, "dpkg", "echo arm64")
    lines = apt.commands(["qemu-user", "libvixl-dev:arm64"])
    assert [line for line in lines if "tee" in line or "add-architecture" in line] == []


@pytest.mark.usefixtures("bookworm")
def test_without_root_every_command_says_sudo(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    script(tools, "apt-get", uris("bookworm"))
    for line in apt.commands(["qemu-user", "libc6:arm64"]):
        assert "sudo " in line


def test_a_newer_release_has_its_own_qemu(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "_os_release", {"VERSION_CODENAME": "trixie"}.__getitem__)
    lines = apt.commands(["qemu-user"])
    assert not any("backports" in line for line in lines)


def test_nothing_is_needed_for_nothing() -> None:
    assert apt.commands([]) == []


@pytest.mark.parametrize(
    ("version", "found"),
    [("9.0.4", None), ("7.2.17", None), ("9.1.0", "9.1.0"), ("10.0.2", "10.0.2")],
)
def test_an_old_qemu_is_as_good_as_none(tools: Path, version: str, found: str | None) -> None:
    script(tools, "qemu-aarch64", f"echo 'qemu-aarch64 version {version} (Debian 1:1.2)'")
    assert requirements.TO_RUN[0].find() == found


@pytest.mark.parametrize(
    ("command", "system", "user"),
    [
        ("sudo apt-get install", "qemu-system-arm", "qemu-user"),
        ("sudo dnf install", "qemu-system-aarch64", "qemu-user"),
        ("sudo pacman -S", "qemu-system-aarch64", "qemu-user"),
        ("sudo zypper install", "qemu-arm", "qemu-linux-user"),
        ("sudo apk add", "qemu-system-aarch64", "qemu-aarch64"),
        ("brew install", "qemu", ""),
    ],
)
def test_elsewhere_the_package_manager_that_is_there_is_named(
    tools: Path, monkeypatch: pytest.MonkeyPatch, command: str, system: str, user: str
) -> None:
    monkeypatch.setattr(apt, "_os_release", lambda field: "another")
    (tools / "apt-get").unlink()
    script(tools, command.removeprefix("sudo ").split()[0], "true")
    assert requirements.fix(requirements.TO_RUN[1]) == f"{command} {system}"
    said = f"{command} {user}" if user else "there is none for this system"
    assert requirements.fix(requirements.TO_RUN[0]) == said
    gdb = requirements.fix(requirements.TO_RUN[2])
    assert "pip install gdb-for-pwndbg" in gdb or gdb == f"{command} gdb-multiarch"
    of_debian = requirements.fix(requirements.OF_A_CHECKOUT[-1])
    assert of_debian == "on Debian 12 or 13 this is package libstd-rust-dev:arm64"


@pytest.mark.parametrize(
    ("system", "tagging", "optional"),
    [
        ("Linux", False, []),
        ("Linux", True, ["QEMU user mode 9.1", "QEMU system mode 9.1"]),
        ("Darwin", False, ["QEMU user mode 9.1"]),
    ],
)
def test_qemu_is_optional_where_the_machine_tags_memory(
    monkeypatch: pytest.MonkeyPatch, system: str, tagging: bool, optional: list[str]
) -> None:
    monkeypatch.setattr(native, "has_mte", lambda: tagging)
    monkeypatch.setattr(requirements, "_IS_LINUX", system == "Linux")
    found = [one.what for one in requirements.TO_RUN if requirements.is_optional(one)]
    assert found == optional


def test_missing_is_what_is_not_found() -> None:
    run = frozenset({Need.RUN})
    here = Requirement("a", "a", run, lambda: "1.0")
    gone = Requirement("b", "b", run, lambda: None)
    assert requirements.missing([here, gone]) == [gone]
    assert requirements.packages([here, gone, gone]) == ["a", "b"]


def test_the_demo_and_the_quick_check_need_little() -> None:
    demo = {one.what for one in requirements.needed(Need.RUN, Need.BUILD)}
    check = {one.what for one in requirements.needed(Need.CHECK)}
    heavy = {"Chromium", "Debian's own GDB", "Debian's own LLDB"}
    heavy |= {"clang 19", "lld 19", "Scudo, arm64", "Debian's own Rust", "Rust's library, arm64"}
    assert heavy <= {one.what for one in requirements.needed(Need.TEST)}
    assert heavy.isdisjoint(demo | check)
    assert {"QEMU user mode 9.1", "QEMU system mode 9.1", "VIXL"} <= demo - check
    assert {"clang-format", "doctest"} <= check - demo


def test_the_list_needs_nothing_but_the_standard_library() -> None:
    """`scripts/setup` runs it with whatever Python the machine has, before anything is there."""
    code = "import sys; from mtedbg.lab import requirements; print('elftools' in sys.modules)"
    done = subprocess.run(
        ["python3", "-I", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert done.stdout == "False\n"
