"""`mtedbg adopt-check`: what is missing, wrong, slow, or not told in the debug root of a JIT."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.cli import show
from mtedbg.cli._terminal import add_color
from mtedbg.errors import UsageError

if TYPE_CHECKING:
    from mtedbg.adapters.debugger.memory_alone import MemoryAlone
    from mtedbg.session import Session

HELP = "what is missing, wrong, slow, or not told in the debug root of a JIT"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that `mtedbg adopt-check` takes."""
    parser.add_argument(
        "target", metavar="PID|CORE", help="a process of this machine and user, or a core file"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_color(parser)


def _session(target: str) -> Session:
    from mtedbg.session import Session

    if target.isdigit() and not Path(target).exists():
        return Session(_process(int(target)))
    from mtedbg.adapters.dead import open_dead

    return Session(open_dead(target))


def _process(pid: int) -> MemoryAlone:
    """A running process by the kernel's files (proc(5)): it is not stopped."""
    from mtedbg.adapters.debugger.memory_alone import MemoryAlone
    from mtedbg.formats.smaps import parse_smaps

    folder = Path("/proc") / str(pid)
    try:
        regions = parse_smaps((folder / "smaps").read_bytes())
        (folder / "mem").open("rb", buffering=0).close()
    except OSError as error:
        step = "give the number of a process that you may debug, or a core file"
        raise UsageError(f"process {pid}: {error.strerror}", step) from None

    def read(address: int, length: int) -> bytes | None:
        try:
            with (folder / "mem").open("rb", buffering=0) as memory:
                memory.seek(address)
                data = memory.read(length)
        except (OSError, ValueError, OverflowError):
            return None
        return data if data is not None and len(data) == length else None

    return MemoryAlone(read, dead=False, regions=regions)


def run(arguments: argparse.Namespace) -> int:
    """Prints what to mend, and what may be told besides; 1 where something is to be mended."""
    from mtedbg.reports.adoption import adoption

    report, count = adoption(_session(arguments.target))
    show(report, arguments)
    return 1 if count else 0
