"""The wheel: what it carries is enough to run the runtime where nothing for arm64 is installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.golden import cases as cores
from tests.support.compile import ROOT

# Runs on the unpacked wheel alone. The VM sees no other libraries than the carried ones.
IN_THE_WHEEL = """
from mtedbg.lab import gdbserver, paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import Share

assert not paths.in_checkout()
with boot([Share(paths.DATA, "/data")], libraries=paths.CARRIED_LIBRARIES) as vm:
    guest = vm.run(["/data/mtetso", "/data/guests/counter.elf"])
    server = vm.run([gdbserver.PROGRAM, "--version"])
print(guest.exit_status, guest.stdout.decode().split()[0], server.exit_status)
"""


def unpack(wheels: Path, site: Path) -> Path:
    """The one wheel of a folder as pip installs it."""
    (wheel,) = wheels.glob("mtedbg-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, site))
            path.chmod(entry.external_attr >> 16 & 0o777)
    return site


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    make = [sys.executable, ROOT / "scripts/make_wheel.py", folder / "dist"]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    return unpack(folder / "dist", folder / "site")


def python(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python with the wheel in place of the checkout, outside of it."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=site.parent,
        env={"PATH": "/usr/bin:/bin", "HOME": str(site.parent), "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_runs_the_runtime_with_its_own_libraries(unpacked: Path) -> None:
    done = python(unpacked, "-c", IN_THE_WHEEL)
    assert done.stderr == ""
    assert done.stdout == "0 counter 0\n"


def test_its_doctor_finds_everything(unpacked: Path) -> None:
    done = python(unpacked, "-m", "mtedbg", "doctor")
    assert "MISSING" not in done.stdout
    assert str(unpacked / "mtedbg/_data/mtetso") in done.stdout
    assert done.returncode == 0


def test_gdb_loads_it_from_there(unpacked: Path) -> None:
    file = unpacked / "mtedbg/_data/gdbinit/mtedbg_gdb.py"
    where = "python import mtedbg; print(mtedbg.__file__)"
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", "-ex", f"source {file}", "-ex", where],
        cwd=unpacked.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"{unpacked / 'mtedbg/__init__.py'}\n"


def test_lldb_loads_it_from_there(unpacked: Path) -> None:
    file = unpacked / "mtedbg/_data/lldbinit/mtedbg_lldb.py"
    where = "script import mtedbg; print(mtedbg.__file__)"
    done = subprocess.run(
        ["lldb-19", "--no-lldbinit", "--batch", "-o", f"command script import {file}", "-o", where],
        cwd=unpacked.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith(f"{unpacked / 'mtedbg/__init__.py'}\n")
    assert done.stderr == ""


@pytest.mark.parametrize("debugger", ["gdb", "lldb"])
def test_a_debugger_loads_the_package_alone(tmp_path: Path, debugger: str) -> None:
    """What `pip install .` makes, without the lab: `mtedbg install` must work there too."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    site = unpack(tmp_path / "dist", tmp_path / "site")
    done = python(site, "-m", "mtedbg", "install", debugger)
    assert (done.returncode, done.stderr) == (0, "")
    line = (tmp_path / f".{debugger}init").read_text().strip()
    where = "import mtedbg; print(mtedbg.__file__)"
    words = {
        "gdb": ["gdb-multiarch", "-nx", "-batch", "-ex", line, "-ex", f"python {where}"],
        "lldb": ["lldb-19", "--no-lldbinit", "--batch", "-o", line, "-o", f"script {where}"],
    }[debugger]
    loaded = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert loaded.stdout.endswith(f"{site / 'mtedbg/__init__.py'}\n")
    assert loaded.stderr == ""


def test_every_carried_file_has_a_licence(unpacked: Path) -> None:
    data = unpacked / "mtedbg/_data"
    named = {
        line.split()[0]
        for folder in (data / "licences", data / "vm/licences")
        for line in (folder / "PACKAGES.txt").read_text().splitlines()
        if (folder / f"{line.split()[0]}.txt").stat().st_size > 0
    }
    assert {"libc6", "libstdc++6", "libgcc-s1", "libvixl5", "libzydis4.0", "gdbserver"} <= named
    assert any(name.startswith("linux-image-") for name in named)


def test_nothing_is_left_in_the_checkout(unpacked: Path) -> None:
    assert not (ROOT / "mtedbg/_data").exists()


def test_its_pages_come_with_their_templates(unpacked: Path, tmp_path: Path) -> None:
    core, page = cores.unpacked("async", tmp_path), tmp_path / "page.html"
    done = python(unpacked, "-m", "mtedbg", "core", str(core), "--html", str(page))
    assert (done.returncode, done.stderr) == (0, "")
    assert "asynchronous" in page.read_text("utf-8")
