"""A page in headless Chromium, by the DevTools protocol over a pipe: no driver, no port."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtedbg.lab.requirements import find_chromium

PATIENCE = 120
"""Seconds for one answer: a busy machine may take long to start a browser."""

_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
]


class Browser:
    """One browser, and one page in it.

    Attributes:
        complaints: what the console was told: errors, warnings, refusals of the page's policy.
        requests: addresses that the page asked for.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = b""
        self._next = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def start(self) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def open(self, path: Path, width: int = 1100, scheme: str = "light", media: str = "") -> None:
        """Shows a file in a window of `width` pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=800, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)
        self._events.clear()
        self.complaints.clear()
        self.requests.clear()
        self.ask("Page.navigate", url=path.as_uri())
        self._wait("Page.loadEventFired")

    def value(self, script: str) -> Any:
        """What an expression is in the page; what the page itself may do does not bind it."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends one command and returns its result."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._next:
                assert "error" not in answer, answer
                result = answer["result"]
                assert isinstance(result, dict)
                return result

    def _wait(self, event: str) -> None:
        while not any(one["method"] == event for one in self._events):
            self._receive()

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._reader], [], [], max(left, 0))
            assert ready, "the browser does not answer"
            data = os.read(self._reader, 1 << 16)
            assert data, "the browser is gone"
            self._buffer += data
        first, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        if "method" in message:
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        self._events.append(message)
        method, parameters = message["method"], message["params"]
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(parameters))
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 or 4: those the browser has for itself."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser of its own, without a profile of anybody's."""
    program = find_chromium()
    assert program is not None, "chromium is not here: scripts/setup installs it"
    to_it, to_us = _pipe(), _pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The browser reads descriptor 3 and writes 4.
        words = ["bash", "-c", f'exec "$@" 3<&{to_it[0]} 4>&{to_us[1]}', "bash", program, *_FLAGS]
        process = subprocess.Popen(
            [*words, f"--user-data-dir={profile}"],
            pass_fds=(to_it[0], to_us[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_it[0])
        os.close(to_us[1])
        try:
            page = Browser(to_us[0], to_it[1])
            page.start()
            yield page
        finally:
            os.close(to_it[1])  # the end of its commands is the end of the browser
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(to_us[0])
