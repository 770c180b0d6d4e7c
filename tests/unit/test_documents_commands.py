"""What the documents say to type is understood: subcommands, commands, their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.cli import whole_parser
from mtedbg.commands import GROUP, all_commands, find, names
from mtedbg.functions import FUNCTIONS
from tests.unit.test_documents import DOCUMENTS

FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
TYPED = re.compile(r"^\((?:gdb|mtedbg|lldb)\) (.+)$", re.MULTILINE)
FUNCTION = re.compile(r"\$_(?:mte|jit|memop|host)\w*")
SUBCOMMANDS = next(
    set(action.choices) for action in whole_parser()._actions if isinstance(action.choices, dict)
)
# `[ARGS]`, `PATH…`, and what a table has for `gdb|lldb`.
PLACEHOLDERS = re.compile(r"[\[\]…]|\\\|\w+")


def text_of(document: Path) -> str:
    return document.read_text("utf-8")


def of_program(text: str) -> Iterator[str]:
    """Command lines of the program: in fences from the beginning of a line, in code anywhere."""
    for fence in FENCE.findall(text):
        for line in fence.splitlines():
            if match := re.match(r"(?:\.venv/bin/)?mtedbg (.+)", line):
                yield match[1]
    for code in INLINE.findall(FENCE.sub("", text)):
        if match := re.match(r"(?:\.venv/bin/)?mtedbg (.+)", code):
            yield match[1]


def of_debugger(text: str) -> Iterator[str]:
    """Lines for a debugger whose first word, or first two, are a command's name."""
    lines = [*TYPED.findall(text), *INLINE.findall(FENCE.sub("", text))]
    for program in of_program(text):
        lines += re.findall(r"-x '([^']+)'", program)
    for line in lines:
        first, *rest = line.split()[:2] or [""]
        second = rest[0] if rest else ""
        if first in names() or find(second if first == GROUP else f"{first}-{second}"):
            yield line


LINES = [(doc.name, line) for doc in DOCUMENTS for line in dict.fromkeys(of_program(text_of(doc)))]
TO_DEBUGGERS = [
    (doc.name, line) for doc in DOCUMENTS for line in dict.fromkeys(of_debugger(text_of(doc)))
]


@pytest.mark.parametrize(("document", "line"), LINES)
def test_command_lines_of_the_program(document: str, line: str) -> None:
    del document
    words = shlex.split(PLACEHOLDERS.sub("", line), comments=True)
    for end in (">", "|", "--"):
        words = words[: words.index(end)] if end in words else words
    if words[0] not in SUBCOMMANDS and not words[0].startswith("--"):
        # Two words for a debugger: `mtedbg memops`; in LLDB `mtedbg set` has the settings.
        assert words[0] == "set" or find(words[0]), line
        return
    if words[0].startswith("--"):
        assert words == ["--version"]
        return
    parser = whole_parser()
    known = {
        option
        for action in parser._actions
        if isinstance(action.choices, dict)
        for one in action.choices[words[0]]._actions
        for option in one.option_strings
    }
    if words[0] == "profile":  # it has subcommands of its own
        return
    used = [word.partition("=")[0] for word in words[1:] if word.startswith("-") and word != "-"]
    assert [word for word in used if word not in known] == [], line


@pytest.mark.parametrize(("document", "line"), TO_DEBUGGERS)
def test_lines_for_debuggers(document: str, line: str) -> None:
    del document
    words = PLACEHOLDERS.sub("", line).split()
    command = find(words[0]) or find(words[1] if words[0] == GROUP else "-".join(words[:2]))
    assert command is not None, line
    known = {option.name for option in command.all_options}
    used = [word for word in words if re.fullmatch(r"--[a-z-]+", word)]
    assert [word for word in used if word not in known] == [], line


def test_functions() -> None:
    known = {f"${one.name}" for one in FUNCTIONS}
    named = {found for doc in DOCUMENTS for found in FUNCTION.findall(text_of(doc))}
    assert named
    assert named <= known


def test_every_command_and_subcommand_is_in_the_readme() -> None:
    readme = text_of(next(doc for doc in DOCUMENTS if doc.name == "README.md"))
    assert [one.name for one in all_commands() if f"`{one.name}" not in readme] == []
    assert [one for one in SUBCOMMANDS if f"mtedbg {one}" not in readme] == []


def test_there_are_some() -> None:
    assert len(LINES) > 30
    assert len(TO_DEBUGGERS) > 60
