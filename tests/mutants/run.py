"""Puts a fault in, and runs the tests that must notice it.

Nothing of a build is changed: the one file is compiled aside, by the command that its build has for
it, and linked before the library, whose own copy is then not taken.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from tests.mutants.mutants import Mutant
from tests.support.compile import ROOT

SOURCES = ROOT / "native/src"
BUILD = ROOT / "native/build/host"
TIMEOUT_S = 180


class Outcome(StrEnum):
    """What became of a fault."""

    KILLED = "killed"
    SURVIVED = "SURVIVED"
    GONE = "TEXT GONE"
    BROKEN = "DOES NOT COMPILE"


def outcome_of(mutant: Mutant, build: Path = BUILD) -> Outcome:
    """Compiles, links and runs.

    Args:
        build: a finished build for this host, whose tests pass.
    """
    source = SOURCES / mutant.file
    text = source.read_text()
    if text.count(mutant.old) != 1 or mutant.old == mutant.new:
        return Outcome.GONE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        changed = folder / source.name
        changed.write_text(text.replace(mutant.old, mutant.new))
        compiled = folder / "mutant.o"
        if not _compiles(build, source, changed, compiled):
            return Outcome.BROKEN
        noticed = [_fails(build, test, compiled, folder) for test in mutant.tests]
    return Outcome.KILLED if any(noticed) else Outcome.SURVIVED


def passing(tests: Sequence[str], build: Path = BUILD) -> list[str]:
    """The tests that do not pass without any fault."""
    return [test for test in sorted(set(tests)) if not _passes(build / test, build)]


def _compiles(build: Path, source: Path, changed: Path, out: Path) -> bool:
    commands = json.loads((build / "compile_commands.json").read_text())
    (entry,) = [one for one in commands if Path(one["file"]) == source]
    words = shlex.split(entry["command"])
    output = words.index("-o")
    words[output + 1] = str(out)
    words[words.index(entry["file"])] = str(changed)
    for flag in ("-MF", "-MT"):
        if flag in words:
            words[words.index(flag) + 1] = str(out.with_suffix(".d"))
    done = subprocess.run(words, cwd=entry["directory"], capture_output=True, check=False)
    return done.returncode == 0


def _fails(build: Path, test: str, compiled: Path, folder: Path) -> bool:
    done = subprocess.run(
        ["ninja", "-C", str(build), "-t", "commands", test],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    # The last command links: ": && c++ … -o test libraries && :".
    words = shlex.split(done.stdout.splitlines()[-1])
    words = [word for word in words if word not in (":", "&&")]
    program = folder / test
    output = words.index("-o")
    words[output : output + 2] = [str(compiled), "-o", str(program)]
    subprocess.run(words, cwd=build, check=True, capture_output=True)
    return not _passes(program, folder)


def _passes(program: Path, folder: Path) -> bool:
    try:
        done = subprocess.run(
            [program], cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
