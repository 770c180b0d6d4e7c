"""The sets of packages that JITs are tested from, and programs that die in code of each."""

from __future__ import annotations

from pathlib import Path

from tests.support.packages import RUN_S, Died, Packages, died, unpacked

PROGRAMS = Path(__file__).parent / "programs" / "jits"
_MODULES = "usr/lib/python3/dist-packages"

PYTHON = Packages(
    "python",
    {"python3.13": "3.13.", "libstdc++6": "14."},
    wheels={"wasmtime": "50.0.1", "llvmlite": "0.50.0", "numba": "0.68.1", "numpy": "2.5.5"},
)


def python_environment(root: Path) -> dict[str, str]:
    """What Debian's Python needs to find its modules, and PyPI's, in the set's folder."""
    return {"PYTHONHOME": str(root / "usr"), "PYTHONPATH": str(root / _MODULES)}


def python(program: str, folder: Path, *arguments: str, seconds: float = RUN_S) -> Died:
    """A program of `programs/jits` in Debian's Python with PyPI's wheels, until it dies.

    Args:
        program: its file.
        folder: where it runs, and where its core comes to.
        arguments: its own.
        seconds: that it may take.
    """
    root = unpacked(PYTHON)
    environment = python_environment(root)
    argv = ["/usr/bin/python3.13", str(PROGRAMS / program), *arguments]
    return died(root, argv, folder, environment, seconds=seconds)
