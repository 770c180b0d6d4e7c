"""Makes the VM's kernel and initramfs from Debian's packages and `guest/init.c`."""

import hashlib
import io
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError, MtedbgError, ToolMissingError
from mtedbg.lab import cpio, debian

KERNEL_PACKAGE = "linux-image-arm64:arm64"
GDBSERVER_PACKAGE = "gdbserver:arm64"
COMPILER = "aarch64-linux-gnu-gcc"
# The VM's bus, network and port, and the file system of the shares. What these need in turn is
# read from the modules themselves; what a kernel has built in is simply not among its files.
MODULES = ("virtio_pci", "virtio_console", "virtio_net", "9pnet_virtio", "9p")
# Those of the VM's root.
FOLDERS = (
    "cores",
    "dev",
    "proc",
    "sys",
    "tmp",
    "root",
    "mtedbg",
    "usr",
    "usr/bin",
    "usr/lib",
    "modules",
)
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class VmImage:
    """What QEMU boots."""

    kernel: Path
    initramfs: Path
    licences: Path

    def exists(self) -> bool:
        """Whether all of it is there."""
        return self.kernel.is_file() and self.initramfs.is_file() and self.licences.is_dir()


def at(folder: Path) -> VmImage:
    """The image in `folder`, whether or not it has been made."""
    return VmImage(folder / "kernel", folder / "initramfs", folder / "licences")


def cached() -> VmImage:
    """This version's image in the user's cache: the name follows from what it is made from."""
    digest = hashlib.sha256()
    for source in ("image.py", "cpio.py", "guest/init.c"):
        digest.update((HERE / source).read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return at(Path(home) / "mtedbg" / f"vm-{digest.hexdigest()[:16]}")


def build() -> VmImage:
    """Makes this version's image in the cache, unless it is there.

    Raises:
        LabError: a package cannot be fetched, or lacks what it should hold.
        ToolMissingError: the cross compiler is not there.
    """
    image = cached()
    if image.exists():
        return image
    final = image.kernel.parent
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".vm-", dir=final.parent) as name:
        work = Path(name)
        root = work / "root"
        kernel = debian.dependency(KERNEL_PACKAGE, r"linux-image-[0-9].*")
        provenance = debian.unpack([f"{kernel}:arm64", GDBSERVER_PACKAGE], root)
        made = at(work / "made")
        fill(made, root, work, kernel, provenance)
        shutil.rmtree(final, ignore_errors=True)
        made.kernel.parent.rename(final)
    return image


def fill(made: VmImage, root: Path, work: Path, kernel: str, provenance: list[str]) -> None:
    """Makes an image of unpacked packages.

    Args:
        made: the image.
        root: the folder that they were unpacked into.
        work: a folder for what is made on the way.
        kernel: name of the kernel's package.
        provenance: a line a package.

    Raises:
        LabError: one of them lacks what it should hold.
        ToolMissingError: the cross compiler is not there.
    """
    made.licences.mkdir(parents=True)
    shutil.copyfile(_only(root / "boot", "vmlinuz-*"), made.kernel)
    made.initramfs.write_bytes(cpio.archive(_entries(root, _compile_init(work))))
    (made.licences / "PACKAGES.txt").write_text("".join(f"{p}\n" for p in provenance))
    for package in (kernel, "gdbserver"):
        text = root / "usr/share/doc" / package / "copyright"
        shutil.copyfile(text, made.licences / f"{package}.txt")


def _entries(root: Path, init: bytes) -> list[cpio.Entry]:
    modules = _modules_in_order(_only(root, "**/lib/modules/*"))
    names = [f"/modules/{name}.ko" for name in modules]
    return [
        *(cpio.folder(name) for name in FOLDERS),
        cpio.link("lib", "usr/lib"),
        cpio.link("bin", "usr/bin"),
        cpio.link("usr/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu/ld-linux-aarch64.so.1"),
        cpio.program("init", init),
        cpio.program("modules.order", "".join(f"{n}\n" for n in names).encode()),
        *(cpio.program(n[1:], data) for n, data in zip(names, modules.values(), strict=True)),
        cpio.program("usr/bin/gdbserver", (root / "usr/bin/gdbserver").read_bytes()),
    ]


def _compile_init(work: Path) -> bytes:
    output = work / "init"
    command = [COMPILER, "-std=gnu11", "-Os", "-static", "-s", "-o", str(output)]
    try:
        done = subprocess.run(
            [*command, str(HERE / "guest/init.c")], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ToolMissingError(
            f"{COMPILER} is not on this machine", "as root: apt-get install gcc-aarch64-linux-gnu"
        ) from error
    if done.returncode != 0:
        raise LabError(f"the VM's init does not compile: {done.stderr.strip()}")
    return output.read_bytes()


def _modules_in_order(folder: Path) -> dict[str, bytes]:
    """Name to contents of the wanted modules, each after those it depends on."""
    files = {
        _module_name(path.name): path for path in folder.rglob("*.ko*") if ".ko" in path.suffixes
    }
    ordered: dict[str, bytes] = {}

    def take(name: str) -> None:
        if name in ordered or name not in files:
            return
        data = files[name].read_bytes()
        data = lzma.decompress(data) if files[name].suffix == ".xz" else data
        for needed in dependencies(data):
            take(_module_name(needed))
        ordered[name] = data

    for wanted in MODULES:
        take(wanted)
    if "9p" not in ordered:
        raise LabError(f"{KERNEL_PACKAGE} has no 9p module", "choose Debian 12 or newer")
    return ordered


def dependencies(module: bytes) -> list[str]:
    """The modules that a kernel module needs, by its own .modinfo section (modinfo(8))."""
    from elftools.elf.elffile import ELFFile

    section = ELFFile(io.BytesIO(module)).get_section_by_name(".modinfo")
    lines: list[bytes] = section.data().split(b"\0") if section else []
    named = [line.removeprefix(b"depends=") for line in lines if line.startswith(b"depends=")]
    return [name for line in named for name in line.decode().split(",") if name]


def _module_name(file_name: str) -> str:
    return file_name.split(".ko")[0].replace("-", "_")


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(path for path in folder.glob(pattern))
    if len(found) != 1:
        raise LabError(f"the kernel package has {len(found)} files {pattern}, not one")
    return found[0]


if __name__ == "__main__":
    try:
        print(build().kernel.parent)
    except MtedbgError as problem:
        sys.exit(str(problem))
