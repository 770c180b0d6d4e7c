"""The transcripts of docs/walkthrough.md: taken apart, run again, compared, written anew.

A line `<!-- walk: NAME -->` begins a session, the `gdb` blocks after it are what is typed there and
what is answered. They are run in the program that is named before them, a block that begins with
`.venv/bin/mtedbg`. `python -m tests.support.walkthrough` runs all of them and writes
the answers into the document; read the diff afterwards.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from tests.support.compile import ROOT

DOCUMENT = ROOT / "docs/walkthrough.md"
PROGRAM = ".venv/bin/mtedbg"
PROMPT = "(mtedbg) "
TIMEOUT_S = 300
USER, VM, FOLLOW = "message", "stale", "copy"
"""What the sessions are about."""

_BETWEEN = "<end of an answer>"
_BUILT = (ROOT / "native/build").resolve().parents[1]
_RUN = re.compile(rf"^```\n{re.escape(PROGRAM)} (.*)\n```$", re.MULTILINE)
_MARK = re.compile(r"^<!-- walk: (\w+) -->$", re.MULTILINE)
_BLOCK = re.compile(r"^```gdb\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
_FOR_A_RUN = (
    (re.compile(r"\bThread \d+\.\d+"), "Thread"),  # ids of the kernel
    (re.compile(r"(\.(?:cc|h))(?::|, line )\d+"), r"\1"),  # lines of the runtime's source
    # Where no line begins, or a register was used again: that is the compiler's choice.
    (re.compile(r"(hit Breakpoint \d+, )0x[0-9a-f]+ in "), r"\1"),
    (re.compile(r"\(this=(?:0x[0-9a-f]+|<optimized out>), "), "("),
    (re.compile(r"^#0 .*$", re.MULTILINE), "#0"),  # a thread that was held somewhere in a loop
    (re.compile(r"^\d+\t", re.MULTILINE), ""),
    (re.compile(r"[ \t]+"), " "),  # columns are as wide as the addresses in them
    (re.compile(r"^\n", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Walk:
    """One session of the document.

    Attributes:
        name: of the guest that it is about.
        words: of the command line that opens it, without the program's name.
        blocks: start and end, in the document, of what is between the fences.
    """

    name: str
    words: tuple[str, ...]
    blocks: tuple[tuple[int, int], ...]


def walks(text: str) -> list[Walk]:
    """The sessions of the document."""
    marks = [(mark.start(), mark[1]) for mark in _MARK.finditer(text)]
    ends = [at for at, _ in marks[1:]] + [len(text)]
    blocks = [match.span(1) for match in _BLOCK.finditer(text)]
    return [
        Walk(
            name,
            tuple(shlex.split(_RUN.findall(text[:start])[-1])),
            tuple(span for span in blocks if start < span[0] < end),
        )
        for (start, name), end in zip(marks, ends, strict=True)
    ]


def commands(block: str) -> list[str]:
    """What is typed in a block."""
    lines = block.splitlines()
    return [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]


def replayed(walk: Walk, text: str) -> list[str]:
    """The blocks of a session as they come out now, in a fresh `mtedbg`."""
    lines = [commands(text[start:end]) for start, end in walk.blocks]
    typed = [part for block in lines for line in block for part in (line, f"echo {_BETWEEN}")]
    done = subprocess.run(
        [sys.executable, "-m", "mtedbg", *walk.words],
        input="".join(f"{line}\n" for line in typed),
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = iter(done.stdout.split(_BETWEEN))
    return ["".join(_answered(line, next(answers)) for line in block) for block in lines]


def _answered(line: str, answer: str) -> str:
    printed = answer.strip("\n").replace(f"{ROOT}/", "").replace(f"{_BUILT}/", "")
    return f"{PROMPT}{line}\n{printed}\n" if printed else f"{PROMPT}{line}\n"


def comparable(transcript: str) -> str:
    """A session's transcript without what differs from run to run: addresses become numbers."""
    numbers: dict[str, str] = {}
    for pattern, instead in _FOR_A_RUN:
        transcript = pattern.sub(instead, transcript)
    return _ADDRESS.sub(
        lambda match: numbers.setdefault(match[0], f"<address {len(numbers)}>"), transcript
    )


def rewritten(text: str, run: Callable[[Walk], list[str]]) -> str:
    """The document with the blocks that `run` gives for each walk."""
    spans = [span for walk in walks(text) for span in walk.blocks]
    blocks = [block for walk in walks(text) for block in run(walk)]
    places = [(0, 0), *spans, (len(text), len(text))]
    between = [text[one[1] : other[0]] for one, other in pairwise(places)]
    return "".join(
        part for pair in zip(between, [*blocks, ""], strict=True) for part in pair
    )  # fmt: skip


def main() -> int:
    """Writes every answer in the document anew."""
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(rewritten(text, lambda walk: replayed(walk, text)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
