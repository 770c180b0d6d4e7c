"""One question, asked alike of a debugger's session and of a core without one."""

from __future__ import annotations

from typing import Any

from mtedbg.commands import find
from mtedbg.commands._line import parse, report
from mtedbg.render.json import to_object
from mtedbg.session import Session


def answer(session: Any, line: str) -> dict[str, Any]:
    """What a debugger's session, or one on a core, answers to `line`."""
    if not isinstance(session, Session):
        found = session.json(line)
        assert isinstance(found, dict)
        return found
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return dict(to_object(report(session, command, parse(session, command, rest))))
