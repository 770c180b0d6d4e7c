"""The prompt in this process: keys through a pipe, a real GDB on a real core behind it."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from mtedbg.shell.completion import GdbCompleter
from mtedbg.shell.debuggee import Files
from mtedbg.shell.debugger import Debugger, Options
from mtedbg.shell.prompt import Prompt, history_file, interact
from mtedbg.shell.screen import Screen
from mtedbg.shell.shell import Shell
from tests.golden.cases import unpacked
from tests.support.gdb_session import GDBS

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"
LIMIT_S = 60.0
T = TypeVar("T")


@dataclass
class Front:
    """A shell without a terminal."""

    debugger: Debugger
    shell: Shell
    screen: Screen
    keys: PipeInput
    out: io.StringIO
    errors: io.StringIO

    def type(self, keys: str, *, once_shown: str = "") -> int:
        """Presses keys until the shell is left; its exit status.

        Args:
            keys: what is typed.
            once_shown: what is waited for first: what is known of a stop may come above the prompt.
        """
        prompt = Prompt(
            self.shell, color=False, terminal_input=self.keys, terminal_output=DummyOutput()
        )

        async def press() -> None:
            while once_shown not in self.out.getvalue():
                await asyncio.sleep(0)
            self.keys.send_text(keys)

        async def talk() -> int:
            pressing = asyncio.create_task(press())
            status = await interact(self.debugger, self.shell, self.screen, prompt)
            await pressing
            return status

        return asyncio.run(asyncio.wait_for(talk(), LIMIT_S))

    def listening(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers while everything that happens is heard of."""

        async def answer() -> T:
            self.debugger.watch()
            try:
                return await asyncio.wait_for(ask(), LIMIT_S)
            finally:
                self.debugger.unwatch()

        return asyncio.run(answer())


@pytest.fixture(params=GDBS)
def front(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Front]:
    """On a core of the runtime, at a tag check fault."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    core = unpacked("runtime-lockstep", tmp_path)
    out, errors = io.StringIO(), io.StringIO()
    screen = Screen(out, errors, color=False)
    debugger = Debugger(Options(Path(GDBS[request.param])), Files(["-c", core]), screen)
    try:
        debugger.start()
        with create_pipe_input() as keys:
            yield Front(debugger, Shell(debugger, screen), screen, keys, out, errors)
    finally:
        debugger.close()


def test_from_the_greeting_to_the_end(front: Front) -> None:
    keys = f"print 40+2{ENTER}{ENTER}wrong{CTRL_C}nonsense{ENTER}{CTRL_D}"
    assert front.type(keys, once_shown="=> 0x") == 0
    shown = front.out.getvalue()
    assert "tag check fault (synchronous)" in shown
    assert "=> 0x" in shown
    assert "$1 = 42\n$2 = 42\n" in shown
    assert "wrong" not in front.errors.getvalue()
    assert "Undefined command" in front.errors.getvalue()
    assert "+print 40+2" in history_file().read_text().splitlines()
    assert front.shell.stop_context["target"] == {"kind": "core", "tag_source": "core"}
    assert front.shell.stop_context["memop"]["id"] > 0


def test_a_block_is_one_command(front: Front) -> None:
    assert front.type(f"define f{ENTER}print 6*7{ENTER}end{ENTER}f{ENTER}quit 4{ENTER}") == 4
    assert "$1 = 42" in front.out.getvalue()


def test_completion(front: Front) -> None:
    async def complete(line: str) -> list[str]:
        found = completer.get_completions_async(Document(line), CompleteEvent())
        return [one.text async for one in found]

    completer = GdbCompleter(front.shell.complete, {"restart": "again"})
    everything = {
        line: front.listening(lambda line=line: complete(line))
        for line in ("mte-", "mte-tags $x0 --", "memop-log --memop ", "resta", "info regi")
    }
    assert {"mte-tags", "mte-fault", "mte-check"} <= set(everything["mte-"])
    assert {"--runs", "--granules", "--json"} <= set(everything["mte-tags $x0 --"])
    numbers = [text for text in everything["memop-log --memop "] if text.isdecimal()]
    assert str(front.listening(lambda: _at_the_pc(front))) in numbers
    assert everything["memop-log --memop "][0] == numbers[0]
    assert "restart" in everything["resta"]
    assert "registers" in everything["info regi"]


async def _at_the_pc(front: Front) -> int:
    await front.shell.look(show=False)
    while "memop" not in front.shell.stop_context:
        await asyncio.sleep(0)
    number = front.shell.stop_context["memop"]["id"]
    assert isinstance(number, int)
    return number


def test_a_gdb_that_dies_in_a_command_is_started_again(front: Front) -> None:
    killing = "python import os; os.kill(os.getpid(), 9)"
    keys = f"{killing}{ENTER}print 1{ENTER}restart{ENTER}print 42{ENTER}{CTRL_D}"
    assert front.type(keys) == 0
    assert "mtedbg: GDB was killed by SIGKILL" in front.errors.getvalue()
    assert "the debugger has ended" in front.errors.getvalue()
    assert "$1 = 42" in front.out.getvalue()


def test_a_gdb_that_dies_at_the_prompt_is_told_of_at_once(front: Front) -> None:
    async def killed() -> None:
        os.killpg(front.debugger.gdb.pid, signal.SIGKILL)
        while not front.errors.getvalue():
            await asyncio.sleep(0)

    front.listening(killed)
    assert front.errors.getvalue().splitlines()[0] == "mtedbg: GDB was killed by SIGKILL"
    assert front.listening(lambda: front.shell.run("print 1")) is False
