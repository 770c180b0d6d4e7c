"""The shell for a script: commands from standard input, plain answers."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from typing import TextIO

from mtedbg.shell.blocks import unfinished
from mtedbg.shell.debugger import Debugger
from mtedbg.shell.shell import Shell

FAILED, INTERRUPTED = 1, 130


async def obey(debugger: Debugger, shell: Shell, lines: TextIO) -> int:
    """Runs the commands in `lines`, all of them.

    Returns:
        0, or 1 where one failed; or the status given to `quit`.
    """
    debugger.watch()
    me = asyncio.current_task()
    assert me
    status = 0
    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, me.cancel)
        async for command in _commands(lines):
            if not await shell.run(command):
                status = FAILED
            if shell.leaving is not None:
                return shell.leaving
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, me.cancel)
    except asyncio.CancelledError:
        return INTERRUPTED
    finally:
        debugger.unwatch()
    return status


async def _commands(lines: TextIO) -> AsyncIterator[str]:
    """The commands in `lines`, those of several lines whole; empty lines are none."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[str] = asyncio.Queue()
    wanted = threading.Semaphore(0)

    def read() -> None:  # a thread of its own: a file can be no reader of the loop
        while wanted.acquire():
            line = lines.readline()
            loop.call_soon_threadsafe(ready.put_nowait, line)
            if not line:
                return

    threading.Thread(target=read, daemon=True).start()
    command = ""
    while True:
        wanted.release()
        line = await ready.get()
        command += line
        if not line or not unfinished(command):
            if command.strip():
                yield command
            command = ""
        if not line:
            return
