"""Builds the two wheels: `mtedbg`, for every machine, and `mtedbg-lab`, what its lab runs.

`mtedbg` is Python alone. `mtedbg-lab` carries the runtime, the arm64 libraries that it is linked
with and their loader, the guest programs, the VM's kernel and initramfs, and the licences of all
that is not ours: only QEMU and a debugger come from elsewhere. Both are built from copies of the
sources, so that nothing that lies about in a checkout gets in, and with the time of the last commit
(SOURCE_DATE_EPOCH): the same sources and tools make the same bytes.

Usage: make_wheel.py [--core] [FOLDER]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from elftools.elf.elffile import ELFFile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout, not another's

from mtedbg import __version__
from mtedbg.errors import LabError, MtedbgError
from mtedbg.lab import debian, paths

ROOT = paths.CHECKOUT
DOCUMENTATION = Path("/usr/share/doc")
STRIP = "aarch64-linux-gnu-strip"
COMPILER = "aarch64-linux-gnu-g++"
# The VM's gdbserver needs these in addition to what the runtime needs.
FOR_GDBSERVER = ("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6")
SOURCES = ("mtedbg", "gdbinit", "lldbinit", "pyproject.toml", "README.md", "LICENSE")
SHARED = """
[tool.hatch.build.targets.wheel.shared-data]
"man" = "share/man/man1"
"completions/mtedbg.bash" = "share/bash-completion/completions/mtedbg"
"completions/_mtedbg" = "share/zsh/site-functions/_mtedbg"
"completions/mtedbg.fish" = "share/fish/vendor_completions.d/mtedbg.fish"
"""
LAB = f"""[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "mtedbg-lab"
version = "{__version__}"
description = "What mtedbg's lab runs: a runtime on memory tagging, guests, a Linux VM with MTE"
readme = "README.md"
license-files = ["LICENSE", "mtedbg_lab/licences/*", "mtedbg_lab/vm/licences/*"]
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["mtedbg_lab"]
artifacts = ["mtedbg_lab"]
"""
LAB_README = """# mtedbg-lab

What `mtedbg lab`, `run` and `demo` run: AArch64 programs and a Linux kernel, for any host machine.
Install it with mtedbg: `pip install 'mtedbg[lab]'`. It needs QEMU 9.1 or newer, except on AArch64
with MTE.

`mtedbg_lab/licences` and `mtedbg_lab/vm/licences` hold the licence of each part that is not
mtedbg's, and which Debian source package it was built from.
"""


def needed(file: Path) -> list[str]:
    """The libraries that `file` names itself."""
    with file.open("rb") as stream:
        dynamic = ELFFile(stream).get_section_by_name(".dynamic")
        return [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]


def closure(file: Path) -> Iterator[Path]:
    """The loader, and all libraries that `file` and the VM's gdbserver need in turn."""
    waiting = [paths.LOADER, *FOR_GDBSERVER, *needed(file)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        library = paths.DEBIAN_LIBRARIES / name
        if not library.exists():
            raise LabError(f"{name} is not in {paths.DEBIAN_LIBRARIES}", "run: scripts/setup")
        yield library
        waiting += needed(library)


def package_of(file: Path) -> str:
    """The Debian package, with its architecture, that `file` came in."""
    real = file.resolve()
    for path in (real, Path(str(real).removeprefix("/usr"))):
        done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        if found := re.match(r"(\S+): ", done.stdout):
            return found.group(1)
    raise LabError(f"no package owns {file}")


def keep_licence(package: str, folder: Path) -> str:
    """Puts the licence of `package` into `folder`; where its source is from, as a line."""
    name = package.split(":")[0]
    shutil.copyfile(DOCUMENTATION / name / "copyright", folder / f"{name}.txt")
    form = f"{debian.PROVENANCE}\n"
    line = said(["dpkg-query", "-W", "-f", form, package])
    with (folder / "PACKAGES.txt").open("a") as file:
        file.write(f"{line}\n")
    return line


def keep_softfloat(folder: Path) -> str:
    """The licence of the sources that the runtime is linked with: the comment they begin with."""
    (source,) = (ROOT / "native/build").glob("softfloat-*")
    text = (source / "include/softfloat.h").read_text()
    (folder / f"{source.name}.txt").write_text(text.partition("*/")[0].lstrip("/* =\n"))
    return source.name.replace("-", " ")


def said(command: list[str]) -> str:
    """What a command prints, or nothing where it cannot be run here."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def epoch() -> str:
    """SOURCE_DATE_EPOCH, if that is set, else the time of the last commit."""
    return os.environ.get("SOURCE_DATE_EPOCH") or said(["git", "log", "-1", "--format=%ct"]) or "0"


def stage_core(work: Path) -> None:
    """Copies what the wheel of the package is made from, with pages and completions."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            without = shutil.ignore_patterns("__pycache__", "_data")
            shutil.copytree(source, work / name, ignore=without)
        else:
            shutil.copyfile(source, work / name)
    with (work / "pyproject.toml").open("a") as file:
        file.write(SHARED)
    commit = said(["git", "rev-parse", "--short=12", "HEAD"]) or "unknown"
    if said(["git", "status", "--porcelain", "--", *SOURCES]):
        commit += " with changes"
    when = time.strftime("%Y-%m-%d", time.gmtime(int(epoch())))
    built = f"built from commit {commit} of {when} by hatchling {version('hatchling')}\n"
    (work / "mtedbg/built.txt").write_text(built)
    words = [sys.executable, ROOT / "scripts/make_manual.py", work / "man", work / "completions"]
    subprocess.run(words, check=True, cwd=ROOT, env=os.environ | {"SOURCE_DATE_EPOCH": epoch()})


def stage_lab(work: Path) -> None:
    """Lays out the package that carries what is run."""
    data = work / "mtedbg_lab"
    libraries = data / "sysroot/lib/aarch64-linux-gnu"
    licences = data / "licences"
    for folder in (libraries, licences):
        folder.mkdir(parents=True)
    (work / "pyproject.toml").write_text(LAB)
    (work / "README.md").write_text(LAB_README)
    shutil.copyfile(ROOT / "LICENSE", work / "LICENSE")
    (data / "__init__.py").write_text('"""What mtedbg\'s lab runs. Files alone: no code."""\n')
    runtime = data / "mtetso"
    shutil.copy(paths.runtime(), runtime)
    subprocess.run([STRIP, "--strip-debug", runtime], check=True)
    shutil.copytree(paths.guests(), data / "guests", ignore=shutil.ignore_patterns("*.o"))
    shutil.copytree(paths.vm_image().kernel.parent, data / "vm")
    found = list(closure(paths.runtime()))
    for library in found:
        shutil.copy(library, libraries / library.name)
    # For a machine that has memory tagging itself, and a C library of its own.
    (data / "libraries").mkdir()
    for library in found:
        if not package_of(library).startswith("libc6:"):
            shutil.copy(library, data / "libraries" / library.name)
    # A wheel has no links, and programs name their loader by this path.
    shutil.copy(paths.DEBIAN_LIBRARIES / paths.LOADER, data / "sysroot/lib" / paths.LOADER)
    packages = sorted({package_of(library) for library in found})
    lines = [keep_licence(package, licences) for package in packages]
    compiler = said([COMPILER, "--version"]).partition("\n")[0]
    kernel = (data / "vm/licences/PACKAGES.txt").read_text().splitlines()
    carried = [line.split(",")[0] for line in (*lines, *kernel)] + [keep_softfloat(licences)]
    (data / "built.txt").write_text(f"runtime built by {compiler}\ncarries {', '.join(carried)}\n")


def build(work: Path, folder: Path) -> Path:
    """Builds the wheel of a staged project."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work / "out"],
        cwd=work, capture_output=True, text=True, check=False,
        env=os.environ | {"SOURCE_DATE_EPOCH": epoch()},
    )  # fmt: skip
    if done.returncode != 0:
        raise LabError(f"the wheel cannot be built: {done.stdout}{done.stderr}")
    (wheel,) = (work / "out").glob("*.whl")
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(wheel, folder / wheel.name))


def main() -> int:
    """Builds what is asked for, and says where it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--core", action="store_true", help="the package alone")
    parser.add_argument("folder", nargs="?", default="dist", type=Path)
    arguments = parser.parse_args()
    folder = ROOT / arguments.folder
    for stage in (stage_core, *(() if arguments.core else (stage_lab,))):
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mtedbg-wheel-") as name:
            work = Path(name)
            stage(work)
            wheel = build(work, folder)
        size = wheel.stat().st_size / (1 << 20)
        print(f"{wheel}  {size:.1f} MiB  {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MtedbgError as error:
        sys.exit(f"make_wheel: {error}")
