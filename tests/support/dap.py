"""A client of the Debug Adapter Protocol, as an editor is one: requests, answers, events.

Source: the protocol's specification, "Base protocol": a header with Content-Length, then JSON.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LIMIT_S = 60.0


class Dap:
    """A debug adapter and what was said to it.

    Args:
        command: starts it.
        folder: its current folder.
    """

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        self._process = subprocess.Popen(
            [str(word) for word in command], cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._count = 0
        self._read = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()

    def send(self, command: str, arguments: Mapping[str, Any]) -> int:
        """Sends a request; its number."""
        self._count += 1
        message = {"seq": self._count, "type": "request", "command": command}
        body = json.dumps({**message, "arguments": arguments}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        return self._count

    def answer(self, number: int) -> dict[str, Any]:
        """The answer to a request; events that come before it are kept."""
        while number not in self._answers:
            self._take()
        return self._answers.pop(number)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """A request and its answer."""
        return self.answer(self.send(command, arguments))

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first event of a kind, whether it came already or not."""
        while True:
            for one in self.events:
                if one["event"] == event:
                    return one
            self._take()

    def typed(self, line: str) -> str:
        """What the debug console shows for a line: the answer, and output that comes with it."""
        self.events.clear()
        answer = self.ask("evaluate", expression=line, context="repl")
        said = "".join(
            one["body"]["output"]
            for one in self.events
            if one["event"] == "output" and one["body"].get("category") != "telemetry"
        )
        if not answer["success"]:
            return said + str(answer.get("message", ""))
        return said + str(answer["body"]["result"])

    def _take(self) -> None:
        """Takes in one message: some adapters answer before the events that belong to it."""
        message = self._next()
        if message["type"] == "event":
            self.events.append(message)
        elif message["type"] == "response":
            self._answers[message["request_seq"]] = message

    def _next(self) -> dict[str, Any]:
        while True:
            head, found, rest = self._read.partition(b"\r\n\r\n")
            if found:
                length = int(head.split(b":")[1])
                if len(rest) >= length:
                    self._read = rest[length:]
                    message: dict[str, Any] = json.loads(rest[:length])
                    return message
            self._more()

    def _more(self) -> None:
        assert self._process.stdout
        output = self._process.stdout.fileno()
        until = time.monotonic() + LIMIT_S
        if not select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
            raise TimeoutError("the debug adapter does not answer")
        chunk = os.read(output, 1 << 16)
        if not chunk:
            raise EOFError("the debug adapter has ended")
        self._read += chunk
