"""`help` where no debugger has one of its own: on a core."""

from __future__ import annotations

import pytest

from mtedbg.commands import Command, all_commands
from mtedbg.commands._offline import answer_line
from mtedbg.errors import UsageError
from mtedbg.render.text import render_text
from tests.support.runtime_image import image


@pytest.mark.parametrize("command", all_commands(), ids=lambda one: one.name)
def test_of_a_command_it_is_what_a_debugger_says(command: Command) -> None:
    text = render_text(answer_line(image().session(), f"help {command.name}"))
    assert text.strip() == command.help.strip()


def test_alone_it_names_all_of_them() -> None:
    text = render_text(answer_line(image().session(), "help"))
    for command in all_commands():
        assert f"  {command.name} " in text
        assert command.summary in text


def test_of_something_else() -> None:
    with pytest.raises(UsageError, match="there is no command 'nonsense'"):
        answer_line(image().session(), "help nonsense")
