"""`make debuggers`: each version of GDB and LLDB loads mtedbg and gives the answers of all others.

Debian's are installed by set-up; PyPI's are installed here, one by one, into environments that are
thrown away. The answers are to a frozen core, and compared with those without a debugger.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden.cases import unpacked
from tests.support.compile import ROOT

GDBS = ("16.3.0.post6", "18.1.0.post1")
LLDBS = ("21.1.7.post1", "22.1.0.post3", "23.1.0.post2")
LINES = ("mte-fault --json", "mte-tags $x19 64 --json", "mte-check $x19 --json")


def debuggers(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Kind, version and path of each; one environment of PyPI's exists at a time."""
    yield "gdb", "Debian's", Path("/usr/bin/gdb-multiarch")
    yield "lldb", "Debian's", Path("/usr/bin/lldb-19")
    for kind, versions in (("gdb", GDBS), ("lldb", LLDBS)):
        for version in versions:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                venv.create(name, with_pip=True)
                pip = [f"{name}/bin/python", "-m", "pip", "install", "-q", "--only-binary=:all:"]
                subprocess.run([*pip, f"{kind}-for-pwndbg=={version}"], check=True)
                yield kind, version, Path(name, "bin", kind)


def answers(kind: str, path: Path, core: Path) -> list[dict[str, object]]:
    """What a debugger says of the core."""
    if kind == "gdb":
        words = [str(path), "-nx", "-batch", "-iex", "set debuginfod enabled off"]
        words += ["-x", str(ROOT / "gdbinit/mtedbg_gdb.py"), "-c", str(core)]
        words += [word for line in LINES for word in ("-ex", line)]
    else:
        words = [str(path), "--no-lldbinit", "--batch", "-c", str(core)]
        words += ["-o", f"command script import {ROOT / 'lldbinit/mtedbg_lldb.py'}"]
        words += [word for line in LINES for word in ("-o", line)]
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=core.parent, timeout=120, check=False
    )
    return list(_objects(done.stdout)) or sys.exit(f"{path}:\n{done.stdout}{done.stderr}")


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in what a debugger printed."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("\n{", at)) >= 0:
        value, at = decoder.raw_decode(text, at + 1)
        yield value


def compared(answer: dict[str, Any]) -> tuple[object, object]:
    """What is the same in all of them."""
    return answer["rows"], answer["target"]["executable"]


def without_debugger(core: Path) -> list[tuple[object, object]]:
    """What is said of the core by its file alone."""
    words = [word for line in LINES for word in ("-x", line)]
    offline = subprocess.run(
        [sys.executable, "-m", "mtedbg", "core", str(core), *words],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [compared(one) for one in _objects(f"\n{offline.stdout}")]
    assert len(found) == len(LINES), offline.stdout
    return found


def main() -> int:
    """Asks all of them; 1 if one answers otherwise."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mtedbg-debuggers-") as name:
        core = unpacked("heap", Path(name))
        wanted = without_debugger(core)
        for kind, version, path in debuggers(Path(name)):
            given = [compared(one) for one in answers(kind, path, core)]
            same = given == wanted
            failed += not same
            print(f"{kind} {version}: {'the same' if same else f'{given} and not {wanted}'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
