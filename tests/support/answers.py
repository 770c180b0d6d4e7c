"""Asking a session in a command's own words, as every edge does."""

from __future__ import annotations

from mtedbg.commands import find
from mtedbg.commands._line import Continuations
from mtedbg.commands._line import ask as ask_line
from mtedbg.report import Report
from mtedbg.session import Session


def ask(session: Session, line: str, continuations: Continuations | None = None) -> Report:
    """The report of a command line, "mte-tags $x0 64"."""
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None, name
    return ask_line(session, command, rest, continuations)[1]
