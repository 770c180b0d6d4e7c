"""What mtedbg needs on this machine, what of it is missing, and the command that fixes it.

The only place that knows. `scripts/setup` runs it with the system's Python before anything is
installed, so it uses the standard library alone: `python3 -m mtedbg.lab.requirements`.
"""

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.lab import apt, native

QEMU_MINIMUM = (9, 1)  # the first whose gdb stub answers qMemTags
GDB_MINIMUM = (12, 0)  # the first with gdb.RemoteTargetConnection.send_packet
LLDB_MINIMUM = (19, 0)  # older ones are not tested
ARM64_LIBRARIES = Path("/usr/lib/aarch64-linux-gnu")
INCLUDE = Path("/usr/include")
SCUDO = Path("/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.scudo_standalone-aarch64.so")
DEBIAN_RUSTC = Path("/usr/bin/rustc")  # another one has no AArch64 library here
RUST_LIBRARY = Path("/usr/lib/rustlib/aarch64-unknown-linux-gnu/lib")


_LIMIT_S = 120
"""Of a program that says its version: on an emulated machine GDB takes most of a minute."""


class Need(Enum):
    """What a requirement is for."""

    RUN = "to run"
    BUILD = "to build the runtime, the guests and the VM"
    CHECK = "to check a change"
    TEST = "to run all tests"


@dataclass(frozen=True)
class Requirement:
    """One thing that has to be on the machine.

    Args:
        what: its name, for people.
        package: the Debian package that brings it.
        needs: what it is for.
        find: what was found of it (a version or a path), or None.
        pip: what pip installs it as, where a Python environment can have it; else empty.
    """

    what: str
    package: str
    needs: frozenset[Need]
    find: Callable[[], str | None]
    pip: str = ""


def version_of(program: str | Path) -> tuple[int, ...] | None:
    """The first dotted number that `program --version` prints, or None where it does not run."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+(?:\.\d+)+)", done.stdout)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def find_gdb() -> Path | None:
    """A GDB that knows AArch64: the one of this Python environment, else the distribution's.

    A plain `gdb` counts only on an AArch64 machine or where it lists the architecture.
    """
    candidates = [Path(sys.executable).parent / "gdb"]
    candidates += [Path(p) for name in ("gdb-multiarch", "gdb") if (p := shutil.which(name))]
    return next((gdb for gdb in candidates if _is_useful(gdb)), None)


def find_lldb() -> Path | None:
    """An LLDB that is new enough: the one of this Python environment, else the distribution's."""
    names = ("lldb", *(f"lldb-{version}" for version in range(30, LLDB_MINIMUM[0] - 1, -1)))
    candidates = [Path(sys.executable).parent / "lldb"]
    candidates += [Path(path) for name in names if (path := shutil.which(name))]
    return next((lldb for lldb in candidates if (version_of(lldb) or (0,)) >= LLDB_MINIMUM), None)


def find_chromium() -> str | None:
    """A Chromium, with or without windows."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def _is_useful(gdb: Path) -> bool:
    if not gdb.is_file() or (version_of(gdb) or (0,)) < GDB_MINIMUM:
        return False
    return gdb.name == "gdb-multiarch" or _knows_aarch64(gdb)


def _knows_aarch64(gdb: Path) -> bool:
    words = [str(gdb), "-nx", "-batch", "-ex", "set architecture aarch64"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return "aarch64" in done.stdout


def _qemu(program: str) -> Callable[[], str | None]:
    def find() -> str | None:
        version = version_of(program)
        return _dotted(version) if version and version >= QEMU_MINIMUM else None

    return find


def _gdb() -> str | None:
    path = find_gdb()
    return f"{_dotted(version_of(path) or ())} {path}" if path else None


def _program(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name)


def _file(path: Path) -> Callable[[], str | None]:
    return lambda: str(path) if path.exists() else None


def _module(name: str) -> Callable[[], str | None]:
    return lambda: name if importlib.util.find_spec(name) else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


_RUN, _TEST = frozenset({Need.RUN}), frozenset({Need.TEST})
_BUILD, _CHECK = frozenset({Need.BUILD}), frozenset({Need.CHECK})

# Debian's cross compilers have the names that its own have on the other machine.
_TO_AARCH64 = "g++" if native.is_aarch64() else "g++-aarch64-linux-gnu"
_TO_X86_64 = "g++-x86-64-linux-gnu" if native.is_aarch64() else "g++"

TO_RUN = (
    Requirement("QEMU user mode 9.1", "qemu-user", _RUN, _qemu("qemu-aarch64")),
    Requirement("QEMU system mode 9.1", "qemu-system-arm", _RUN, _qemu("qemu-system-aarch64")),
    Requirement("GDB 12 with AArch64", "gdb-multiarch", _RUN, _gdb, "gdb-for-pwndbg"),
)
OF_A_CHECKOUT = tuple(
    Requirement(what, package, needs, find)
    for what, package, needs, find in (
        ("Python's ensurepip", "python3-venv", _BUILD | _CHECK, _module("ensurepip")),
        ("make", "make", _BUILD | _CHECK, _program("make")),
        ("C and C++ compiler", "g++", _BUILD | _CHECK, _program("g++")),
        (
            "C++ compiler, arm64",
            _TO_AARCH64,
            _BUILD | _CHECK,
            _program("aarch64-linux-gnu-g++"),
        ),
        (
            "C compiler, x86-64",
            _TO_X86_64,
            _BUILD | _CHECK,
            _program("x86_64-linux-gnu-gcc"),
        ),
        ("clang-format", "clang-format", _CHECK, _program("clang-format")),
        ("cmake", "cmake", _BUILD | _CHECK, _program("cmake")),
        ("ninja", "ninja-build", _BUILD | _CHECK, _program("ninja")),
        ("VIXL", "libvixl-dev:arm64", _BUILD, _file(ARM64_LIBRARIES / "libvixl.so")),
        ("Zydis", "libzydis-dev:arm64", _BUILD, _file(ARM64_LIBRARIES / "libZydis.so")),
        (
            "nlohmann's JSON",
            "nlohmann-json3-dev",
            _BUILD | _CHECK,
            _file(INCLUDE / "nlohmann/json.hpp"),
        ),
        ("C library, arm64", "libc6:arm64", _BUILD, _file(ARM64_LIBRARIES / "libc.so.6")),
        (
            "C++ library, arm64",
            "libstdc++6:arm64",
            _BUILD,
            _file(ARM64_LIBRARIES / "libstdc++.so.6"),
        ),
        ("libgcc, arm64", "libgcc-s1:arm64", _BUILD, _file(ARM64_LIBRARIES / "libgcc_s.so.1")),
        ("doctest", "doctest-dev", _CHECK | _TEST, _file(INCLUDE / "doctest/doctest.h")),
        ("Debian's own GDB", "gdb-multiarch", _TEST, _program("gdb-multiarch")),
        ("Debian's own LLDB", "lldb-19", _TEST, _program("lldb-19")),
        ("strace", "strace", _TEST, _program("strace")),
        ("Chromium", "chromium-headless-shell", _TEST, find_chromium),
        ("clang 19", "clang-19", _TEST, _program("clang-19")),
        ("lld 19", "lld-19", _TEST, _program("ld.lld-19")),
        ("Scudo, arm64", "libclang-rt-19-dev:arm64", _TEST, _file(SCUDO)),
        ("Debian's own Rust", "rustc", _TEST, _file(DEBIAN_RUSTC)),
        ("Rust's library, arm64", "libstd-rust-dev:arm64", _TEST, _file(RUST_LIBRARY)),
    )
)

EVERYTHING = (*TO_RUN, *OF_A_CHECKOUT)


def needed(*needs: Need) -> tuple[Requirement, ...]:
    """What is needed for any of `needs`."""
    return tuple(one for one in EVERYTHING if not one.needs.isdisjoint(needs))


def missing(requirements: Iterable[Requirement]) -> list[Requirement]:
    """Those of `requirements` that are not here."""
    return [requirement for requirement in requirements if requirement.find() is None]


def packages(requirements: Iterable[Requirement]) -> list[str]:
    """The Debian packages of `requirements`, each once."""
    return list(dict.fromkeys(requirement.package for requirement in requirements))


def fix(requirement: Requirement) -> str:
    """The command that installs one requirement, to be typed as it stands, or its package."""
    if apt.on_debian():
        return " && ".join(apt.commands([requirement.package]))
    for command, names in _ELSEWHERE.items():
        if requirement.package in names and shutil.which(command.removeprefix("sudo ").split()[0]):
            name = names[requirement.package]
            return f"{command} {name}" if name else "there is none for this system"
    if requirement.pip:
        return f"{sys.executable} -P -m pip install {requirement.pip}"
    return f"on Debian 12 or 13 this is package {requirement.package}"


def is_optional(requirement: Requirement) -> bool:
    """Whether mtedbg does its main work here without it.

    What checks and tests need; QEMU where this machine has memory tagging itself; QEMU's user mode
    where there is none for it.
    """
    if requirement.needs <= {Need.CHECK, Need.TEST}:
        return True
    if not requirement.what.startswith("QEMU"):
        return False
    return native.has_mte() or (requirement.what.startswith("QEMU user") and not _IS_LINUX)


# What is needed to run. The rest is Debian's: the build relies on its multiarch packages. GDB of
# the other distributions is built for the machine's own architecture: pip has one for all.
_ELSEWHERE = {
    "sudo apt-get install": {
        "qemu-user": "qemu-user",
        "qemu-system-arm": "qemu-system-arm",
        "gdb-multiarch": "gdb-multiarch",
    },
    "sudo dnf install": {"qemu-user": "qemu-user", "qemu-system-arm": "qemu-system-aarch64"},
    "sudo pacman -S": {"qemu-user": "qemu-user", "qemu-system-arm": "qemu-system-aarch64"},
    "sudo zypper install": {"qemu-user": "qemu-linux-user", "qemu-system-arm": "qemu-arm"},
    "sudo apk add": {
        "qemu-user": "qemu-aarch64",
        "qemu-system-arm": "qemu-system-aarch64",
        "gdb-multiarch": "gdb-multiarch",
    },
    "brew install": {"qemu-user": "", "qemu-system-arm": "qemu"},
}
"""Names of Debian's packages elsewhere, by the command that installs them; empty: it has none."""
_IS_LINUX = platform.system() == "Linux"
CONTAINER = 'docker run --rm -it -v "$PWD:/src" -w /src python:3.11-bookworm scripts/setup'


def main() -> int:
    """Prints each missing requirement and its command; 1 if there is one."""
    absent = missing(EVERYTHING)
    for requirement in absent:
        print(f"missing: {requirement.what}\n  {fix(requirement)}")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
