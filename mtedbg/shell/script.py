"""What a typed line has to become before GDB gets it, and its errors after that."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mtedbg.errors import NotOnThisTargetError
from mtedbg.shell.records import DebuggerError

_OUTSIDE = re.compile(r"(?:!|(?:shell|make)\b)\s*(.*)", re.DOTALL)
# They take the terminal for themselves, or read what GDB is sent.
_INTERACTIVE = frozenset({"edit", "ed", "pi", "python-interactive", "gr", "guile-repl"})
_WITH_CODE = frozenset({"pi", "python-interactive"})

_ADVICE = {
    "Connection refused": "start the server first, or give the port that it listens on",
    "Connection timed out": "is the address right, and the server reachable?",
    'does not support "run"': "to start the program again: restart",
    "Don't know how to run": "this machine cannot run it: `mtedbg run PROGRAM` runs it in QEMU",
}


def outside(line: str) -> str:
    """The line for the system's shell that `line` asks for, or an empty one."""
    found = _OUTSIDE.fullmatch(line)
    if not found:
        return ""
    rest = found[1].strip()
    if line.startswith("make"):
        return f"make {rest}".strip()
    return rest or "exec ${SHELL:-/bin/sh}"


def refused(line: str) -> NotOnThisTargetError | None:
    """Why `line` cannot be run here, or None where it can."""
    word, _, rest = line.partition(" ")
    if word not in _INTERACTIVE or (word in _WITH_CODE and rest.strip()):
        return None
    return NotOnThisTargetError(
        f"{word} needs a terminal of its own, which GDB does not have here",
        "use plain GDB, or a block `python` … `end` here",
    )


@contextmanager
def sent(line: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """What GDB is to be sent for `line`, and what makes its errors readable.

    Several lines are sourced from a file: GDB would read those after the first from its standard
    input, which is the machine interface.
    """
    if "\n" not in line:
        yield line, lambda error: error
        return
    with tempfile.NamedTemporaryFile("w", prefix="mtedbg-", suffix=".gdb") as file:
        file.write(f"{line}\n")
        file.flush()
        where = re.compile(rf"^{re.escape(file.name)}:\d+: Error in sourced command file:\n")
        yield f"source {file.name}", lambda error: where.sub("", error)


def with_advice(message: str) -> str:
    """GDB's error, and what can be done where we know."""
    step = advice(message)
    return f"{message}\n{step}" if step else message


def advice(message: str) -> str:
    """What can be done about an error of GDB, or nothing."""
    return next((step for text, step in _ADVICE.items() if text in message), "")


def advised(execute: Callable[[str], str], line: str) -> str:
    """`execute(line)`; its error says what can be done.

    Raises:
        DebuggerError: GDB refused the line.
    """
    try:
        return execute(line)
    except DebuggerError as error:
        raise DebuggerError(error.message, advice(error.message)) from None
