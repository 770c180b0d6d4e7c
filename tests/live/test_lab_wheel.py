"""The wheels: enough to run the runtime where nothing for arm64 is installed; made reproducibly."""

import hashlib
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from mtedbg import __version__
from tests.golden import cases as cores
from tests.support import aarch64
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
    """The wheels of a folder as pip installs them."""
    for wheel in wheels.glob("mtedbg*-py3-none-any.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = Path(archive.extract(entry, site))
                path.chmod(entry.external_attr >> 16 & 0o777)
    return site


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make release` makes."""
    folder = tmp_path_factory.mktemp("wheel") / "dist"
    make = [sys.executable, ROOT / "scripts/release.py", folder]
    done = subprocess.run(make, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2  # twine check --strict
    return folder


@pytest.fixture(scope="module")
def unpacked(release: Path) -> Path:
    return unpack(release, release.parent / "site")


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
    assert str(unpacked / "mtedbg_lab/mtetso") in done.stdout
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
    data = unpacked / "mtedbg_lab"
    named = {
        line.split()[0]
        for folder in (data / "licences", data / "vm/licences")
        for line in (folder / "PACKAGES.txt").read_text().splitlines()
        if (folder / f"{line.split()[0]}.txt").stat().st_size > 0
    }
    assert {"libc6", "libstdc++6", "libgcc-s1", "libvixl5", "libzydis4.0", "gdbserver"} <= named
    assert any(name.startswith("linux-image-") for name in named)


def test_the_same_sources_make_the_same_bytes(release: Path, tmp_path: Path) -> None:
    """All of a release: by another user's umask, time and zone, in another folder."""
    again = tmp_path / "elsewhere"
    subprocess.run(
        [sys.executable, ROOT / "scripts/release.py", again],
        env=os.environ | {"TZ": "Pacific/Chatham"}, umask=0o077, check=True, capture_output=True,
    )  # fmt: skip
    assert (again / "SHA256SUMS").read_text() == (release / "SHA256SUMS").read_text()


def test_the_release_is_whole(release: Path) -> None:
    sums = dict(
        reversed(line.split()) for line in (release / "SHA256SUMS").read_text().splitlines()
    )
    files = {file.name: file for file in release.iterdir() if file.name != "SHA256SUMS"}
    assert sums == {
        name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()
    }
    boms = [json.loads(file.read_text()) for name, file in sorted(files.items()) if "cdx" in name]
    named = [{one["name"] for one in bom["components"]} for bom in boms]
    assert {"capstone", "rich", "pygments", "shtab"} <= named[0]
    assert {"libc6", "libvixl5", "gdbserver"} <= named[1]
    for bom, wheel in zip(boms, ("mtedbg-", "mtedbg_lab-"), strict=True):
        (digest,) = bom["metadata"]["component"]["hashes"]
        (name,) = (name for name in sums if name.startswith(wheel) and name.endswith("whl"))
        assert digest["content"] == sums[name]


def test_the_version_says_what_it_was_built_with(unpacked: Path, release: Path) -> None:
    said = python(unpacked, "-m", "mtedbg", "--version").stdout.splitlines()
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    assert said[0] == f"mtedbg {__version__}"
    assert f"mtedbg-{__version__}-py3" in "".join(file.name for file in release.iterdir())
    assert said[2].startswith(f"built from commit {commit}")
    assert "runtime built by aarch64-linux-gnu-g++" in said[3]
    assert "libvixl5" in said[4]


def test_the_package_carries_no_program(release: Path) -> None:
    """Pure Python for every machine; the rest is mtedbg-lab's."""
    (wheel,) = release.glob("mtedbg-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            assert archive.read(name)[:4] != b"\x7fELF", name
        pages = [name for name in archive.namelist() if "/share/man/man1/" in name]
    assert len(pages) == len(subcommands()) + 1


def test_a_fresh_environment_has_all_that_needs_no_lab(release: Path, tmp_path: Path) -> None:
    """`pip install WHEEL` with its dependencies, and nothing of the checkout."""
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv/bin"
    (wheel,) = release.glob("mtedbg-*.whl")
    lock = tmp_path / "lock"
    lock.write_text(aarch64.requirements())
    for words in (["--require-hashes", "-r", lock], ["--no-deps", wheel]):
        pip = [bin_ / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *words], check=True, capture_output=True)
    core = cores.unpacked("heap", tmp_path)
    (tmp_path / "log").write_text("signal 11 (SIGSEGV), fault addr 0x10\n")

    def mtedbg(*words: str) -> str:
        done = subprocess.run(
            [bin_ / "mtedbg", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), words
        return done.stdout

    assert "tag check fault (synchronous)" in mtedbg("core", core.name)
    assert "SIGSEGV" in mtedbg("explain", "log")
    assert "1 signature" in mtedbg("triage", core.name)
    line = mtedbg("install", "gdb", "--print").strip()
    assert str(tmp_path / "venv") in line
    loaded = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", "-ex", line, "-c", core, "-ex", "mte-fault"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "tag check fault (synchronous)" in loaded.stdout
    for page in ("share/man/man1/mtedbg-core.1", "share/bash-completion/completions/mtedbg"):
        assert (tmp_path / "venv" / page).is_file()


def subcommands() -> list[str]:
    return [
        file.stem for file in (ROOT / "mtedbg/cli").glob("*.py") if not file.stem.startswith("_")
    ]


def test_its_pages_come_with_their_templates(unpacked: Path, tmp_path: Path) -> None:
    core, page = cores.unpacked("async", tmp_path), tmp_path / "page.html"
    done = python(unpacked, "-m", "mtedbg", "core", str(core), "--html", str(page))
    assert (done.returncode, done.stderr) == (0, "")
    assert "asynchronous" in page.read_text("utf-8")
