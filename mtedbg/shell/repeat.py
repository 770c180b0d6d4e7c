"""What an empty line does again, as GDB has it."""

from __future__ import annotations

import re

from mtedbg.commands import find
from mtedbg.commands._repeat import repeat_line

# They go on where they were: without their arguments (x keeps its format).
_GOES_ON = re.compile(r"(x(?:/\w*)?|l|list)(?:\s.*)?", re.DOTALL)

# Commands that must not be repeated by accident; GDB does not repeat these either.
_ONCE = frozenset(
    (
        *("run", "r", "start", "starti", "attach", "detach", "disconnect", "kill", "k", "target"),
        *("file", "core-file", "core", "exec-file", "symbol-file", "add-symbol-file", "load"),
        *("delete", "d", "define", "document", "source", "shell", "make", "restart", "quit", "q"),
    )
)


def repeated(line: str) -> str:
    """The command that an empty line stands for after `line`; empty where it stands for none."""
    words = line.split()
    if not words or "\n" in line or line.startswith("!"):
        return ""
    if words[0] in _ONCE:
        return ""
    command = find(words[0]) or find("-".join(words[:2]))
    if command is not None:
        first = command.name if words[0] == command.name else " ".join(words[:2])
        again = repeat_line(command, line.strip().removeprefix(first))
        return "" if again is None else f"{first} {again}".strip()
    goes_on = _GOES_ON.fullmatch(line.strip())
    return goes_on[1] if goes_on else line
