"""The transcripts of docs/walkthrough.md: taken apart, run again, compared, written anew.

A line `<!-- walk: NAME -->` begins a session with a debugger, the `gdb` blocks after it are what is
typed there and what is answered. `python -m tests.support.walkthrough` runs all of them and writes
the answers into the document; read the diff afterwards.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from mtedbg.lab import gdbserver, paths, user
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.support.compile import ROOT
from tests.support.gdb_session import Session, gdb

DOCUMENT = ROOT / "docs/walkthrough.md"
PROMPT = "(gdb) "
FLAVOUR = "gdb18"

# What a session is about: options and arguments as the document tells them to a person.
USER = "message"
VM = "stale"
SHARED_DATA = ("--data-start", "shared")
OPTIONS = {
    USER: ("--cores", "2", *SHARED_DATA),
    VM: ("--policy", "seed", "--threads", "threads", "--cores", "2", *SHARED_DATA),
}
ARGUMENTS: dict[str, tuple[str, ...]] = {USER: (), VM: ("10000",)}

_MARK = re.compile(r"^<!-- walk: (\w+) -->$", re.MULTILINE)
_BLOCK = re.compile(r"^```gdb\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
_FOR_A_RUN = (
    (re.compile(r"\bThread \d+\.\d+"), "Thread"),  # ids of the kernel
    (re.compile(r"(\.(?:cc|h)):\d+"), r"\1"),  # lines of the runtime's source
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
        blocks: start and end, in the document, of what is between the fences.
    """

    name: str
    blocks: tuple[tuple[int, int], ...]


def walks(text: str) -> list[Walk]:
    """The sessions of the document."""
    marks = [(mark.start(), mark[1]) for mark in _MARK.finditer(text)]
    ends = [at for at, _ in marks[1:]] + [len(text)]
    blocks = [match.span(1) for match in _BLOCK.finditer(text)]
    return [
        Walk(name, tuple(span for span in blocks if start < span[0] < end))
        for (start, name), end in zip(marks, ends, strict=True)
    ]


def commands(block: str) -> list[str]:
    """What is typed in a block."""
    lines = block.splitlines()
    return [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]


def replayed(session: Session, block: str) -> str:
    """The block as it comes out now."""
    return "".join(_answered(session, command) for command in commands(block))


def _answered(session: Session, command: str) -> str:
    printed = session.execute(command).strip("\n").replace(f"{ROOT}/", "")
    return f"{PROMPT}{command}\n{printed}\n" if printed else f"{PROMPT}{command}\n"


def comparable(transcript: str) -> str:
    """A session's transcript without what differs from run to run: addresses become numbers."""
    numbers: dict[str, str] = {}
    for pattern, instead in _FOR_A_RUN:
        transcript = pattern.sub(instead, transcript)
    return _ADDRESS.sub(
        lambda match: numbers.setdefault(match[0], f"<address {len(numbers)}>"), transcript
    )


@contextlib.contextmanager
def in_user_mode(name: str) -> Iterator[Session]:
    """GDB on a guest under QEMU's user mode, before its first instruction."""
    runtime = paths.runtime()
    argv = [runtime, *OPTIONS[name], paths.guests() / f"{name}.elf", *ARGUMENTS[name]]
    with user.start(argv) as process, gdb(FLAVOUR, [runtime]) as session:
        session.execute(f"target remote {process.socket}")
        yield session


@contextlib.contextmanager
def in_vm(vm: Vm, name: str) -> Iterator[Session]:
    """GDB on a guest behind gdbserver in the VM, before its first instruction."""
    runtime = str(paths.runtime())
    argv = [runtime, *OPTIONS[name], str(paths.guests() / f"{name}.elf"), *ARGUMENTS[name]]
    with gdbserver.serve(vm, argv) as port, gdb(FLAVOUR, [runtime]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        yield session


def rewritten(text: str, run: Callable[[Walk], list[str]]) -> str:
    """The document with the blocks that `run` gives for each walk."""
    spans = [span for walk in walks(text) for span in walk.blocks]
    blocks = [block for walk in walks(text) for block in run(walk)]
    places = [(0, 0), *spans, (len(text), len(text))]
    between = [text[one[1] : other[0]] for one, other in pairwise(places)]
    return "".join(
        part for pair in zip(between, [*blocks, ""], strict=True) for part in pair
    )  # fmt: skip


def _run(text: str, walk: Walk, session: Session) -> list[str]:
    return [replayed(session, text[start:end]) for start, end in walk.blocks]


def main() -> int:
    """Writes every answer in the document anew."""
    text = DOCUMENT.read_text()
    options = MachineOptions(cpus=2, ports=(gdbserver.PORT,))
    with boot([Share(ROOT, str(ROOT))], options) as vm:

        def run(walk: Walk) -> list[str]:
            session = in_vm(vm, walk.name) if walk.name == VM else in_user_mode(walk.name)
            with session as debugger:
                return _run(text, walk, debugger)

        DOCUMENT.write_text(rewritten(text, run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
