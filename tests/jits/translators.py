"""Programs that die in code that box64 has made of theirs, of a version that only sid has."""

from __future__ import annotations

from pathlib import Path

from mtedbg.dataclass import replace
from tests.jits.engines import BASICS, Dead, died
from tests.support.cores import TAGGED_HEAP
from tests.support.packages import Packages, unpacked
from tests.support.translated import box64, guest

BOX64_043 = Packages("box64-sid", {"box64": "0.4.3-3+dfsg-1"}, suite="sid")


def freed(folder: Path) -> Dead:
    """A use after free by an x86-64 program, on a tagged heap.

    With the libraries of the stable release: the heap of sid's, tagged, faults in its own `free`.
    """
    program, translated = folder / "box64", folder / "list"
    program.write_bytes((unpacked(BOX64_043) / "usr/bin/box64").read_bytes())
    translated.write_bytes(guest("list").read_bytes())
    for each in (program, translated):
        each.chmod(0o755)
    dead = died(box64(), program, ["./list", "read"], folder, TAGGED_HEAP)
    beside = dead.core.parent / translated.name  # where it is looked for
    beside.write_bytes(translated.read_bytes())
    questions = [*BASICS, "guest-bt", "guest-frame", "jit-disas"]
    return replace(dead, questions=questions, guest=beside)
