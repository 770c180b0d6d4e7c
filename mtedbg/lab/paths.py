"""Where the things are that mtedbg runs: in a checkout's build, or in the wheel mtedbg-lab."""

import sys
from pathlib import Path

from mtedbg.errors import ToolMissingError
from mtedbg.lab import image

PACKAGE = Path(__file__).resolve().parents[1]
LOADERS = PACKAGE / "_data"
DATA = PACKAGE.parent / "mtedbg_lab"
"""Of the wheel mtedbg-lab, which pip puts beside the package."""
CHECKOUT = PACKAGE.parent
BUILD = CHECKOUT / "native/build/cross"
DEBIAN_LIBRARIES = Path("/usr/lib/aarch64-linux-gnu")
MACHINE_LIBRARIES = (DEBIAN_LIBRARIES, Path("/usr/lib64"), Path("/usr/lib"))
"""Where distributions have them: Debian, Fedora and openSUSE, Arch; only if this is AArch64."""
CARRIED_SYSROOT = DATA / "sysroot"
CARRIED_LIBRARIES = CARRIED_SYSROOT / "lib/aarch64-linux-gnu"
_AGAIN = "the installation is damaged: pip install --force-reinstall mtedbg"
LOADER = "ld-linux-aarch64.so.1"


def in_checkout() -> bool:
    """Whether this package runs from a checkout. What a wheel carries is not looked at then."""
    return (CHECKOUT / "native/CMakeLists.txt").is_file()


def runtime() -> Path:
    """The runtime's executable, `mtetso`.

    Raises:
        ToolMissingError: it has not been built.
    """
    return _existing((BUILD if in_checkout() else DATA) / "mtetso", "the runtime")


def guests() -> Path:
    """The folder of guest programs, one `NAME.elf` each.

    Raises:
        ToolMissingError: they have not been built.
    """
    return _existing((BUILD if in_checkout() else DATA) / "guests", "the folder of guest programs")


def gdbinit() -> Path:
    """The file that a user's gdbinit sources.

    Raises:
        ToolMissingError: the installation is damaged.
    """
    folder = (CHECKOUT if in_checkout() else LOADERS) / "gdbinit"
    return _existing(folder / "mtedbg_gdb.py", "mtedbg's file for GDB", _AGAIN)


def lldbinit() -> Path:
    """The file that a user's lldbinit imports.

    Raises:
        ToolMissingError: the installation is damaged.
    """
    folder = (CHECKOUT if in_checkout() else LOADERS) / "lldbinit"
    return _existing(folder / "mtedbg_lldb.py", "mtedbg's file for LLDB", _AGAIN)


def vm_image() -> image.VmImage:
    """The VM's kernel and initramfs.

    Raises:
        ToolMissingError: they have not been made.
    """
    found = _cached() if in_checkout() else image.at(DATA / "vm")
    if not found.exists():
        raise ToolMissingError("the VM's kernel is not here", _next_step())
    return found


def libraries(program: Path | None = None) -> Path:
    """The folder of AArch64 shared libraries that programs in the VM and under QEMU get.

    A user's program gets the machine's own, where it has any: it was linked with them. The runtime
    gets them where they are as many as the carried ones, else those that came with mtedbg.

    Args:
        program: a user's; the runtime, or something that came with mtedbg, where None.

    Raises:
        ToolMissingError: there are none.
    """
    if program is not None and not _is_ours(program):
        for folder in MACHINE_LIBRARIES:
            if (folder / LOADER).exists():
                return folder
    carried = [path.name for path in CARRIED_LIBRARIES.glob("*")] if not in_checkout() else []
    if all((DEBIAN_LIBRARIES / name).exists() for name in [LOADER, *carried]):
        return DEBIAN_LIBRARIES
    if LOADER in carried:
        return CARRIED_LIBRARIES
    raise ToolMissingError("there are no AArch64 libraries here", _next_step())


def _is_ours(program: Path) -> bool:
    return program.name == "mtetso" and program.parent in (BUILD, DATA)


def sysroot(program: Path | None = None) -> Path | None:
    """What `qemu-aarch64 -L` is to be given, or None where the machine's own root will do.

    Args:
        program: as for `libraries`.

    Raises:
        ToolMissingError: there are no AArch64 libraries.
    """
    return CARRIED_SYSROOT if libraries(program) == CARRIED_LIBRARIES else None


def _cached() -> image.VmImage:
    try:
        return image.cached()
    except RuntimeError:  # no HOME, and no entry of this user
        raise ToolMissingError(
            "the VM's kernel is in the user's cache, and nothing says where that is",
            "set XDG_CACHE_HOME to a folder",
        ) from None


def _existing(path: Path, what: str, next_step: str = "") -> Path:
    if not path.exists():
        raise ToolMissingError(f"{what} is not here: {path}", next_step or _next_step())
    return path


def _next_step() -> str:
    if in_checkout():
        return f"run: {CHECKOUT / 'scripts/setup'}"
    return f"{sys.executable} -P -m pip install mtedbg-lab; `make wheel` in a checkout builds it"
