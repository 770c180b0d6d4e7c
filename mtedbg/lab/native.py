"""Whether this machine itself has memory tagging, and how a program is started on it.

Sources: Linux, Documentation/arch/arm64/elf_hwcaps.rst (HWCAP2_MTE), include/uapi/linux/auxvec.h
(AT_HWCAP2), getauxval(3); ld.so(8) on LD_LIBRARY_PATH. The standard library alone: set-up asks it.
"""

import platform
import shlex
from collections.abc import Sequence
from pathlib import Path

AT_HWCAP2 = 26
HWCAP2_MTE = 1 << 18


def is_aarch64() -> bool:
    """Whether programs of this machine are AArch64's."""
    return platform.system() == "Linux" and platform.machine() == "aarch64"


def has_mte() -> bool:
    """Whether programs on this machine can tag memory: its processor and its kernel both."""
    if not is_aarch64():
        return False
    import ctypes

    try:
        value = ctypes.CDLL(None).getauxval
    except (OSError, AttributeError):
        return False
    value.restype = ctypes.c_ulong
    return bool(value(ctypes.c_ulong(AT_HWCAP2)) & HWCAP2_MTE)


def gdb_settings(argv: Sequence[str | Path]) -> list[str]:
    """What makes GDB, which has read the program, start it here with its words as they are.

    Args:
        argv: an AArch64 program and its arguments.
    """
    lines = ["set startup-with-shell off", f"set args {shlex.join(map(str, argv[1:]))}"]
    beside = Path(argv[0]).parent / "libraries"  # of the runtime's wheel: without the C library
    if beside.is_dir():
        lines.append(f"set environment LD_LIBRARY_PATH {beside}")
    return lines
