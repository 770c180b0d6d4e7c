"""The shell for a person at a terminal."""

from __future__ import annotations

import os
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from mtedbg.commands import names
from mtedbg.errors import UsageError
from mtedbg.shell.blocks import unfinished
from mtedbg.shell.completion import GdbCompleter
from mtedbg.shell.debugger import Debugger
from mtedbg.shell.lexer import STYLE, LineLexer
from mtedbg.shell.screen import Screen
from mtedbg.shell.shell import OWN_COMMANDS, Shell
from mtedbg.shell.toolbar import toolbar
from mtedbg.system import home

PROMPT = "(mtedbg) "
GREETING = "Ctrl-C interrupts the program, Ctrl-D leaves, Tab completes, restart starts again"


def history_file() -> Path:
    """Where what was typed is kept: in the folder for state (XDG base directories)."""
    state = os.environ.get("XDG_STATE_HOME") or ""
    folder = Path(state) if state.startswith("/") else home("set HOME") / ".local/state"
    return folder / "mtedbg/history"


def _history() -> History:
    try:
        file = history_file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
    except (OSError, UsageError):  # no home, or not to be written to, is no reason to stop
        return InMemoryHistory()
    return FileHistory(str(file))


class Prompt:
    """The prompt with its line editing, completion and toolbar.

    Args:
        shell: runs what is typed.
        color: whether in colour.
        terminal_input: used instead of the terminal's input.
        terminal_output: used instead of the terminal's output.
    """

    def __init__(
        self,
        shell: Shell,
        *,
        color: bool,
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
    ) -> None:
        self._shell = shell
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=_history(),
            completer=GdbCompleter(shell.complete, OWN_COMMANDS),
            complete_while_typing=False,
            lexer=LineLexer([*names(), *OWN_COMMANDS]),
            style=Style.from_dict(STYLE),
            color_depth=None if color else ColorDepth.DEPTH_1_BIT,
            bottom_toolbar=self._toolbar,
            multiline=Condition(lambda: unfinished(get_app().current_buffer.text)),
            prompt_continuation=" " * (len(PROMPT) - 2) + "> ",
            enable_suspend=True,
            input=terminal_input,
            output=terminal_output,
        )
        shell.changed = self._session.app.invalidate

    def _toolbar(self) -> StyleAndTextTuples:
        return toolbar(self._shell.stop_context)

    def showing(self) -> bool:
        """Whether it is on the screen."""
        return self._session.app.is_running

    async def ask(self) -> str:
        """What is typed next.

        Raises:
            EOFError: Ctrl-D.
            KeyboardInterrupt: Ctrl-C.
        """
        return await self._session.prompt_async()


async def interact(debugger: Debugger, shell: Shell, screen: Screen, prompt: Prompt) -> int:
    """Runs what a person types until they leave; the exit status."""
    screen.prompting = prompt.showing
    debugger.watch()
    try:
        screen.remark(GREETING)
        await shell.look(show=True)
        while shell.leaving is None:
            screen.fresh_line()
            try:
                line = await prompt.ask()
            except KeyboardInterrupt:
                debugger.interrupt()
                continue
            except EOFError:
                return 0
            await shell.run(line)
        return shell.leaving
    finally:
        debugger.unwatch()
