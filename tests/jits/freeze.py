"""Makes the frozen cores of JITs: `python -m tests.jits.freeze NAME…`. Seldom.

Programs of Debian's packages run in the Linux VM; of each core only the memory is kept that is
asked for (`tests/support/trimmed_core.py`). What the JIT itself says of the place where it died is
kept beside it: it is what answers are compared with.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from mtedbg.budget import USUAL, Budget
from mtedbg.model.absent import or_else
from tests.jits import engines, translators
from tests.jits.engines import CORES, PROVENANCE, Dead
from tests.support.packages import Packages
from tests.support.trimmed_core import PAGE, Recording, read_by, trimmed

WASM = "wasm_node.js"


def java(folder: Path, packages: Packages) -> Dead:
    """A Java program that reads an address of nothing in compiled code, of one version."""
    return engines.java(folder, "0x100000000000", packages=packages)


MADE: dict[str, Callable[[Path], Dead]] = {
    "box64-0.4.3": translators.freed,
    "spidermonkey-128": lambda folder: engines.wasm(engines.MOZJS_128, folder),
    "spidermonkey-140": lambda folder: engines.wasm(engines.MOZJS_140, folder),
    "node-20": lambda folder: engines.node(engines.NODE_20, folder),
    "node-22": lambda folder: engines.node(engines.NODES_OWN[1], folder),
    "node-24": lambda folder: engines.node(engines.NODE_24, folder),
    "node-20-wasm": lambda folder: engines.node(engines.NODE_20, folder, script=WASM),
    "node-24-wasm": lambda folder: engines.node(engines.NODE_24, folder, script=WASM),
    "mono-6.12": engines.mono,
    "php-8.4": engines.php,
    "pypy-7.3.19": engines.pypy,
    "php-8.4-function": lambda folder: engines.php(folder, "function"),
    "hotspot-21": lambda folder: engines.java(folder, "0x100000000000"),
    "hotspot-17": lambda folder: java(folder, engines.JAVA_17),
    "hotspot-25": lambda folder: java(folder, engines.JAVA_25),
    "hotspot-21-tagged": lambda folder: engines.java(folder, tagged=True),
}


def freeze(name: str, folder: Path) -> dict[str, object]:
    """Keeps one core; returns its provenance."""
    dead = MADE[name](folder)
    core = dead.core.read_bytes()
    budget = Budget(USUAL.scaled(1000))  # more is asked than one report asks
    target = Recording(str(dead.core), str(dead.program), str(dead.files), budget=budget)
    pages = read_by(target, dead.questions)
    # Without the files of libraries, which a frozen core has not, other memory is asked for.
    nowhere = Recording(str(dead.core), sysroot=str(folder / "nothing"), budget=budget)
    pages |= read_by(nowhere, dead.questions)
    for region in or_else(target.regions(), ()):
        if dead.keeps_whole and region.name == dead.keeps_whole and "x" not in region.perms:
            pages |= set(range(region.start // PAGE, region.end // PAGE))
    small = trimmed(core, pages)
    (CORES / f"{name}.core.gz").write_bytes(gzip.compress(small, 9, mtime=0))
    if dead.keeps_program:
        program = gzip.compress(dead.program.read_bytes(), 9, mtime=0)
        (CORES / f"{name}.program.gz").write_bytes(program)
    if dead.guest is not None:
        guest = gzip.compress(dead.guest.read_bytes(), 9, mtime=0)
        (CORES / f"{name}.guest.gz").write_bytes(guest)
    return {
        "packages": (dead.root / "PACKAGES.txt").read_text().splitlines(),
        "command": dead.command,
        "kernel": dead.kernel,
        "questions": dead.questions,
        "whole": hashlib.sha256(core).hexdigest(),
        "said": dead.said,
    }


def main() -> int:
    """Makes the cores that are named, or all."""
    names = sys.argv[1:] or list(MADE)
    CORES.mkdir(exist_ok=True)
    before = json.loads(PROVENANCE.read_text()) if PROVENANCE.exists() else {}
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            before[name] = freeze(name, Path(place))
    kept = {name: before[name] for name in MADE if name in before}
    PROVENANCE.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
