"""Builds the wheel that carries what mtedbg runs: only QEMU and a debugger come from elsewhere.

Into `mtedbg/_data/`, which git ignores and the wheel takes along, go the runtime, the arm64
libraries it is linked with and their loader, the guest programs, the VM's kernel and initramfs, and
the licences of all that is not ours. The files for GDB and LLDB are in every wheel: pyproject.toml.

Usage: make_wheel.py [FOLDER]
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

from mtedbg.errors import LabError, MtedbgError
from mtedbg.lab import debian, paths

DOCUMENTATION = Path("/usr/share/doc")
STRIP = "aarch64-linux-gnu-strip"
# The VM's gdbserver needs these in addition to what the runtime needs.
FOR_GDBSERVER = ("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6")


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


def keep_licence(package: str, folder: Path) -> None:
    """Puts the licence of `package` into `folder`, and where its source is from."""
    name = package.split(":")[0]
    shutil.copyfile(DOCUMENTATION / name / "copyright", folder / f"{name}.txt")
    form = f"{debian.PROVENANCE}\n"
    with (folder / "PACKAGES.txt").open("a") as file:
        subprocess.run(["dpkg-query", "-W", "-f", form, package], stdout=file, check=True)


def stage(data: Path) -> None:
    """Fills `data` anew."""
    shutil.rmtree(data, ignore_errors=True)
    libraries = data / "sysroot/lib/aarch64-linux-gnu"
    licences = data / "licences"
    for folder in (libraries, licences):
        folder.mkdir(parents=True)
    runtime = data / "mtetso"
    shutil.copy(paths.runtime(), runtime)
    subprocess.run([STRIP, "--strip-debug", runtime], check=True)
    shutil.copytree(paths.guests(), data / "guests", ignore=shutil.ignore_patterns("*.o"))
    shutil.copytree(paths.vm_image().kernel.parent, data / "vm")
    found = list(closure(paths.runtime()))
    for library in found:
        shutil.copy(library, libraries / library.name)
    # A wheel has no links, and programs name their loader by this path.
    shutil.copy(paths.DEBIAN_LIBRARIES / paths.LOADER, data / "sysroot/lib" / paths.LOADER)
    for package in sorted({package_of(library) for library in found}):
        keep_licence(package, licences)


def main(folder: str = "dist") -> int:
    start = time.monotonic()
    root = paths.CHECKOUT
    stage(paths.DATA)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(paths.DATA)
    if done.returncode != 0:
        raise LabError(f"the wheel cannot be built: {done.stdout}{done.stderr}")
    wheel = max((root / folder).glob("*.whl"), key=lambda path: path.stat().st_mtime)
    size = wheel.stat().st_size / (1 << 20)
    print(f"{folder}/{wheel.name}  {size:.1f} MiB  {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except MtedbgError as error:
        sys.exit(f"make_wheel: {error}")
