"""Between a debugger and QEMU's real stub: passes everything on, but for answers that it spoils.

The stub and its program are real; what a broken server or network would do to its answers is done
here, to chosen packets (GDB manual, "Remote Protocol: Overview" for their frame).
"""

from __future__ import annotations

import contextlib
import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CUT = b"cut"
_PACKET = re.compile(rb"\$([^#]*)#[0-9a-f]{2}")

Spoil = Callable[[bytes], "bytes | None"]
"""Question → the answer's contents in place of the stub's, `CUT` to hang up, None to leave it."""


def framed(contents: bytes) -> bytes:
    """A packet."""
    return b"$%b#%02x" % (contents, sum(contents) & 0xFF)


@dataclass
class Proxy:
    """The spoiler.

    Attributes:
        socket: where the debugger connects.
        spoil: what is done to answers; to be changed between commands.
        asked: the packets that passed.
    """

    socket: Path
    spoil: Spoil = field(default=lambda _: None)
    asked: list[bytes] = field(default_factory=list)
    seen: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, start: bytes, limit_s: float = 60.0) -> None:
        """Waits until a packet that begins with `start` has been asked since the last call."""
        with self.seen:
            assert self.seen.wait_for(
                lambda: any(one.startswith(start) for one in self.asked), limit_s
            ), f"no {start!r} was asked"
            self.asked.clear()


@contextlib.contextmanager
def before(stub: Path) -> Iterator[Proxy]:
    """A proxy before a stub that listens on the unix socket `stub`."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as name:
        path = Path(name) / "proxy"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            proxy = Proxy(path)
            thread = threading.Thread(target=_serve, args=(proxy, listener, stub), daemon=True)
            thread.start()
            yield proxy


def _serve(proxy: Proxy, listener: socket.socket, stub: Path) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as theirs:
        ours, _ = listener.accept()
        with ours:
            theirs.connect(str(stub))
            spoiled: list[bytes] = []
            back = threading.Thread(target=_answers, args=(ours, theirs, spoiled), daemon=True)
            back.start()
            _questions(proxy, ours, theirs, spoiled)


def _questions(
    proxy: Proxy, ours: socket.socket, theirs: socket.socket, spoiled: list[bytes]
) -> None:
    pending = b""
    while data := ours.recv(65536):
        pending += data
        end = 0
        for match in _PACKET.finditer(pending):
            end = match.end()
            with proxy.seen:
                proxy.asked.append(match[1])
                proxy.seen.notify_all()
            answer = proxy.spoil(match[1])
            if answer == CUT:
                for each in (ours, theirs):
                    each.shutdown(socket.SHUT_RDWR)
                return
            if answer is not None:
                spoiled.append(answer)
        pending = pending[end:][-65536:]
        theirs.sendall(data)


def _answers(ours: socket.socket, theirs: socket.socket, spoiled: list[bytes]) -> None:
    """Debuggers ask one thing at a time: the next answer is that to the question just spoiled."""
    pending = b""
    with contextlib.suppress(OSError):
        while data := theirs.recv(65536):
            pending += data
            if spoiled and (match := _PACKET.search(pending)) is None:
                continue
            if spoiled and match is not None:
                pending = pending[: match.start()] + framed(spoiled.pop(0)) + pending[match.end() :]
            ours.sendall(pending)
            pending = b""
        ours.shutdown(socket.SHUT_RDWR)
