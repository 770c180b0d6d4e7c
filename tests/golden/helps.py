"""What commands and columns mean, in one golden: `expected/help.txt`. Other answers leave it out.

JSON says with every column what it means. Kept as it is, one reworded column would change the
answer of each core.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from mtedbg.commands import all_commands
from tests.golden.cases import EXPECTED, POST_MORTEM, Question, answer, unpacked

HELP = EXPECTED / "help.txt"

WITH_EVERY_SECTION = ("async", "runtime-patch")
"""Cores whose post-mortems have, together, every section that no command answers."""

_HELP = re.compile(r'("kind": "[^"]*"),\n *"help": "(?:[^"\\]|\\.)*"(?=\n *\})')

Meanings = dict[tuple[str, str], str]
"""By the report's name and the column's key."""


def without_help(answer: str) -> str:
    """An answer in JSON without the help of its columns; everything else as it is."""
    return _HELP.sub(r"\1", answer)


def meanings(answer: str) -> Meanings:
    """The help of the columns in an answer in JSON."""
    found, _ = json.JSONDecoder().raw_decode(answer)  # a profile may come after it
    return {
        (report["command"], column["key"]): column["help"]
        for report in found.get("reports", [found])
        for column in report["columns"]
    }


def all_meanings() -> Meanings:
    """The help of every column of every command and of the post-mortem's own sections."""
    found: Meanings = {}
    for core in WITH_EVERY_SECTION:
        question = Question(core, POST_MORTEM, "", as_json=True)
        with tempfile.TemporaryDirectory() as folder:
            found |= meanings(answer(question, unpacked(core, Path(folder))))
    found |= {
        (command.name, column.key): column.help
        for command in all_commands()
        for column in command.columns
    }
    return found


def help_text(every: Meanings) -> str:
    """What `help` says of each command, then the columns of the sections that no command answers.

    Args:
        every: the help of all columns.
    """
    commands = {command.name: command.help for command in all_commands()}
    parts = [f"==== help {name}\n{text}\n" for name, text in commands.items()]
    for section in sorted({name for name, _ in every} - set(commands)):
        columns = {key: text for (name, key), text in every.items() if name == section}
        width = max(map(len, columns))
        lines = "".join(f"  {key:<{width}}  {text}\n" for key, text in columns.items())
        parts.append(f"==== columns of {section}\n{lines}")
    return "\n".join(parts)
