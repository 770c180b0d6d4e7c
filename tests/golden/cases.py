"""Frozen kernel cores and what is asked of them.

`cores/` holds each core and its program, compressed, and `provenance.json`: how they were made
(`python -m tests.golden.freeze`). `expected/` holds the exact answers
(`python -m tests.golden.update` shows what changed and writes it); of HTML reports, the text that
is seen. What the columns mean stands in one file for all of them: `helps.py`.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

from mtedbg.cli import main
from tests.golden.visible import visible

HERE = Path(__file__).parent
CORES = HERE / "cores"
EXPECTED = HERE / "expected"
PROVENANCE = CORES / "provenance.json"

POST_MORTEM = "post-mortem"
EVERY_COMMAND = ("sync", "straddle", "filtered", "async", "heap", "abort")
"""Cores of C programs that every command is asked about; of the others the post-mortem alone."""

# {pointer} is what the program said it would use; of the runtime, si_addr.
ANY_CORE = {
    POST_MORTEM: "",
    "mte-fault": "mte-fault",
    "mte-tags": "mte-tags {pointer}",
    "mte-tags-runs": "mte-tags {pointer} 128 --runs",
    "mte-tags-granules": "mte-tags {pointer}-64 128 --granules",
    "mte-tags-untagged": "mte-tags $sp 32",
    "mte-regions": "mte-regions",
    "mte-check": "mte-check {pointer}",
    "mte-ctl": "mte-ctl",
    "mte-find": "mte-find 0 -n 4",
    "mte-find-range": "mte-find 3 {pointer}-4096 8192",
}

EVERY_RUNTIME_COMMAND = ("runtime-thunk", "runtime-lockstep", "runtime-threads")
"""Cores of the runtime, likewise."""

RUNTIME_CORE = {
    "guest-frame": "guest-frame",
    "guest-frame-all": "guest-frame --all-threads",
    "memop": "memop $pc",
    "memop-log": "memop-log",
    "jit-block": "jit-block $pc",
    "jit-blocks": "jit-blocks",
    "jit-segments": "jit-segments",
    "jit-disas": "jit-disas $pc",
    "jit-disas-block": "jit-disas 1 -n 32",
    "jit-audit": "jit-audit",
    "guest-bt": "guest-bt",
    "memops": "memops --sort flips -n 8",
    "memop-verify": "memop-verify",
}


PROFILE = "profile.json"
LEARNED_CORE = {
    POST_MORTEM: "",
    "memops-export": f"memops --sort faults -n 9 --export {PROFILE}",
}
"""Of a core in which memops were patched; what is written is a part of the answer."""

FOLLOW = "runtime-follow"
FOLLOW_CORE = {
    POST_MORTEM: "",
    "mte-fault": "mte-fault",
    "guest-frame": "guest-frame",
    "memop": "memop $pc",
    "jit-block": "jit-block $pc",
    "jit-disas": "jit-disas $pc",
    "jit-disas-memop": "jit-disas $pc-0x3c4 -n 4",
    "memop-verify": "memop-verify",
}
"""Of a core that died in a memop's out-of-line form."""


SAID = {
    "truncated": "mtedbg: note: the file is truncated: contents of 2 memory segments are partly "
    "missing\n"
    "mtedbg: note: the file is truncated: contents of 1 tag segments are partly missing\n"
}
"""What is said on standard error beside text: of damaged cores alone."""


HTML = ("async", "heap", "runtime-thunk", "runtime-lockstep", "runtime-patch")
"""Cores whose HTML reports are kept, as the text that a reader sees."""


@dataclass(frozen=True)
class Question:
    """One question to one core, and where its answer is."""

    core: str
    name: str
    line: str
    as_json: bool
    html: bool = False

    @property
    def expected(self) -> Path:
        """The file with the exact answer."""
        if self.html:
            return EXPECTED / self.core / "report.html.txt"
        return EXPECTED / self.core / f"{self.name}.{'json' if self.as_json else 'txt'}"

    def __str__(self) -> str:
        form = "html" if self.html else "json" if self.as_json else "text"
        return f"{self.core}-{self.name}-{form}"


def questions() -> list[Question]:
    """Every question to every core."""
    found = []
    for core, made in json.loads(PROVENANCE.read_text())["cores"].items():
        pointer = made["pointer"]
        asked = ANY_CORE if core in EVERY_COMMAND else {POST_MORTEM: ""}
        if core in EVERY_RUNTIME_COMMAND:
            asked = ANY_CORE | RUNTIME_CORE
        if core == "runtime-learned":
            asked = LEARNED_CORE
        if core == FOLLOW:
            asked = FOLLOW_CORE
        for name, line in asked.items():
            line = line.format(pointer=f"{pointer:#x}")
            found += [Question(core, name, line, as_json) for as_json in (False, True)]
    found += [Question(core, POST_MORTEM, "", as_json=False, html=True) for core in HTML]
    return found


def unpacked(core: str, folder: Path) -> Path:
    """The core in `folder`; beside it, where it is looked for, its program, if that was kept."""
    program = json.loads(PROVENANCE.read_text())["cores"][core]["program"]
    parts = {f"{core}.core.gz": "core"} | ({f"{program}.gz": program} if program else {})
    for packed, name in parts.items():
        (folder / name).write_bytes(gzip.decompress((CORES / packed).read_bytes()))
    return folder / "core"


def answer(question: Question, core: Path) -> str:
    """What is printed, or seen. Nothing but the program beside the core is looked for."""
    os.environ["DEBUGINFOD_CACHE_PATH"] = "empty"
    words = ["core", core.name, "--sysroot", "empty"]
    words += ["-x", question.line] if question.line else []
    words += ["--json"] if question.as_json else []
    words += ["--html", "report.html"] if question.html else []
    printed = io.StringIO()
    with contextlib.chdir(core.parent), contextlib.redirect_stdout(printed):
        status = main(words)
    assert status == 0, words
    if question.html:
        return visible(core.with_name("report.html").read_text("utf-8"))
    profile = core.with_name(PROFILE)
    return printed.getvalue() + (profile.read_text("utf-8") if PROFILE in question.line else "")
