"""Compiles the crashing programs, each in several ways."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mtedbg.lab import requirements
from tests.support.compile import BUILT, PROGRAMS, link_once

SOURCES = PROGRAMS / "crashes"
FOLDER = BUILT / "crashes"
"""Shared with the VM under another name: no path in a core is one of this machine."""
IN_VM = "/crashes"
_ARCH = "-march=armv8.5-a+memtag"
_CROSS = "aarch64-linux-gnu"
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")
_C = ("-std=gnu11", *_WARNINGS, _ARCH, "-g", "-pthread")
_CPP = ("-std=gnu++20", *_WARNINGS, _ARCH, "-g", "-pthread")
_CLANG = ("--target=aarch64-linux-gnu",)
SCUDO = requirements.SCUDO.name

FLAGS = {
    "O0": ("-O0",),
    "O2": ("-O2", "-fomit-frame-pointer"),
    "O2-fp": ("-O2", "-fno-omit-frame-pointer"),
}
RUST_FLAGS = {
    "O0": ("-C", "opt-level=0"),
    "O2": ("-C", "opt-level=2"),
    "O2-fp": ("-C", "opt-level=2", "-C", "force-frame-pointers=yes"),
}


@dataclass(frozen=True)
class Build:
    """How a program is compiled.

    Args:
        program: its source's name, in `programs/crashes/`.
        compiler: gcc, clang or rustc.
        flags: a key of `FLAGS`.
        more: flags of its own.
        name: the executable's name, the program's by default.
    """

    program: str
    compiler: str = "gcc"
    flags: str = "O2"
    more: tuple[str, ...] = ()
    name: str = ""

    def executable(self) -> Path:
        """The executable, made if it is not there."""
        source = _source(self.program)
        command = [*self._command(source), str(source)]
        digest = sha256(repr(command).encode())
        for each in sorted(SOURCES.iterdir()):
            if each == source or each.suffix == ".h":
                digest.update(each.read_bytes())
        program = FOLDER / digest.hexdigest()[:16] / (self.name or self.program)
        link_once(program, command)
        return program

    def stripped(self) -> Path:
        """The executable without symbols and debug information."""
        whole = self.executable()
        program = whole.parent / "stripped" / whole.name
        link_once(program, [f"{_CROSS}-strip", str(whole)])
        return program

    def _command(self, source: Path) -> list[str]:
        if self.compiler == "rustc":
            linker = ("-C", f"linker={_CROSS}-gcc", "--target", "aarch64-unknown-linux-gnu")
            return [
                str(requirements.DEBIAN_RUSTC),
                "-g",
                *linker,
                *RUST_FLAGS[self.flags],
                *self.more,
            ]
        if self.compiler == "clang":
            name, front = ("clang++-19" if source.suffix == ".cc" else "clang-19"), _CLANG
        else:
            name, front = (f"{_CROSS}-{'g++' if source.suffix == '.cc' else 'gcc'}"), ()
        standard = _CPP if source.suffix == ".cc" else _C
        return [name, *front, *standard, *FLAGS[self.flags], *self.more]


def scudo() -> str:
    """LLVM's hardened allocator as a shared library; its path in the VM."""
    there = FOLDER / SCUDO
    if not there.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=FOLDER, delete=False) as copy:
            shutil.copy(requirements.SCUDO, copy.name)
        Path(copy.name).chmod(0o755)
        Path(copy.name).rename(there)
    return f"{IN_VM}/{SCUDO}"


def in_vm(executable: Path) -> str:
    """The path of an executable in the VM."""
    return f"{IN_VM}/{executable.relative_to(FOLDER)}"


def _source(program: str) -> Path:
    return next(SOURCES.glob(f"{program}.[cr]*"))
