"""Where the things are that mtedbg runs: in the installed wheel, or in a checkout's build."""

from pathlib import Path

from mtedbg.errors import ToolMissingError
from mtedbg.lab import image

PACKAGE = Path(__file__).resolve().parents[1]
DATA = PACKAGE / "_data"
CHECKOUT = PACKAGE.parent
DEBIAN_LIBRARIES = Path("/usr/lib/aarch64-linux-gnu")
LOADER = "ld-linux-aarch64.so.1"
NEXT_STEP = "in a checkout run: scripts/setup; else install a wheel made by: make wheel"


def vm_image() -> image.VmImage:
    """The VM's kernel and initramfs.

    Raises:
        ToolMissingError: they have not been made.
    """
    for candidate in (image.at(DATA / "vm"), image.cached()):
        if candidate.exists():
            return candidate
    raise ToolMissingError("the VM's kernel is not here", NEXT_STEP)


def libraries() -> Path:
    """The folder of AArch64 shared libraries that programs in the VM and under QEMU use.

    Raises:
        ToolMissingError: there are none.
    """
    for candidate in (DEBIAN_LIBRARIES, DATA / "sysroot/lib/aarch64-linux-gnu"):
        if (candidate / LOADER).is_file():
            return candidate
    raise ToolMissingError("there are no AArch64 libraries here", NEXT_STEP)
