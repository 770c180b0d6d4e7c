"""Files behind a server: looked at before they are read, bounded, and closed again."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass, field

import pytest

from mtedbg.adapters.remote.files import read_of_process
from mtedbg.model.absent import Absent

PATH, PID, OWNER = "/tmp/perf-77.map", 77, 1000
STATUS = f"/proc/{PID}/status"
NAME = {name: name.encode().hex() for name in (PATH, STATUS)}


def escaped(data: bytes) -> bytes:
    return b"".join(bytes([0x7D, c ^ 0x20]) if c in b"#$*}" else bytes([c]) for c in data)


@dataclass
class Server:
    """Answers as gdbserver does (gdbserver/hostio.cc); newer ones know vFile:stat."""

    data: bytes = b"1000 20 a}$#*b\n" * 3
    mode: int = stat.S_IFREG | 0o644
    uid: int = OWNER
    size: int | None = None
    knows_stat: bool = False
    knows_fstat: bool = True
    status: bytes = b"Name:\tx\nUid:\t5\t1000\t5\t5\n"
    most: int = 1 << 20
    opened: list[str] = field(default_factory=list)
    left_open: set[str] = field(default_factory=set)
    read: int = 0

    def send(self, packet: str) -> bytes:
        kind, _, rest = packet.removeprefix("vFile:").partition(":")
        if kind == "stat":
            return self._stat() if self.knows_stat else b""
        if kind == "open":
            name = bytes.fromhex(rest.split(",")[0]).decode()
            self.opened.append(name)
            self.left_open.add("5" if name == PATH else "6")
            return b"F5" if name == PATH else b"F6"
        if kind == "fstat":
            return self._stat() if self.knows_fstat else b""
        if kind == "close":
            self.left_open.remove(rest)
            return b"F0"
        number, count, offset = rest.split(",")
        data = self.data if number == "5" else self.status
        piece = data[int(offset, 16) :][: min(int(count, 16), self.most)]
        self.read += len(piece) if number == "5" else 0
        return b"F%x;" % len(piece) + escaped(piece)

    def _stat(self) -> bytes:
        size = len(self.data) if self.size is None else self.size
        status = struct.pack(
            ">IIIIIIIQQQIII", 1, 2, self.mode, 1, self.uid, 0, 0, size, 1, 1, 0, 0, 0
        )
        return b"F%x;" % len(status) + escaped(status)


@pytest.mark.parametrize("knows_stat", [False, True])
@pytest.mark.parametrize("most", [1 << 20, 7])
def test_an_honest_map(knows_stat: bool, most: int) -> None:
    server = Server(knows_stat=knows_stat, most=most)
    assert read_of_process(server.send, PATH, PID, 1 << 20) == server.data
    assert not server.left_open


@pytest.mark.parametrize(
    "server",
    [
        Server(uid=1001),
        Server(mode=stat.S_IFREG | 0o666),
        Server(mode=stat.S_IFIFO | 0o600),
        Server(mode=stat.S_IFCHR | 0o600),
        Server(size=1 << 40),
        Server(knows_fstat=False),
        Server(status=b"nothing"),
        Server(status=b""),
    ],
)
def test_what_is_not_read(server: Server) -> None:
    assert isinstance(read_of_process(server.send, PATH, PID, 1 << 20), Absent)
    assert server.read == 0
    assert not server.left_open


def test_a_pipe_is_not_even_opened_where_the_server_can_tell() -> None:
    server = Server(mode=stat.S_IFIFO | 0o600, knows_stat=True)
    assert isinstance(read_of_process(server.send, PATH, PID, 1 << 20), Absent)
    assert server.opened == [STATUS]


def test_a_file_that_grows_without_end() -> None:
    server = Server(size=10, data=b"x" * 10_000_000)
    found = read_of_process(server.send, PATH, PID, 1 << 16)
    assert isinstance(found, Absent)
    assert server.read < 1 << 18
    assert not server.left_open


def test_an_interrupt_ends_it_at_once_and_closes_the_file() -> None:
    server = Server(data=b"x" * 10_000_000)
    asked = 0

    def send(packet: str) -> bytes:
        nonlocal asked
        asked += "pread:5" in packet
        if asked == 3 and "pread" in packet:
            raise KeyboardInterrupt
        return server.send(packet)

    with pytest.raises(KeyboardInterrupt):
        read_of_process(send, PATH, PID, 1 << 28)
    assert asked == 3
    assert not server.left_open


@pytest.mark.parametrize(
    "answer", [b"", b"F", b"E01", b"F-1,2", b"Fzz;x", b"F5;xx", b"F" + b"9" * 40, b"\xff" * 100]
)
def test_nonsense(answer: bytes) -> None:
    server = Server()

    def send(packet: str) -> bytes:
        return answer if "pread:5" in packet or "fstat" in packet else server.send(packet)

    assert isinstance(read_of_process(send, PATH, PID, 1 << 20), Absent)
    assert isinstance(read_of_process(lambda _: answer, PATH, PID, 1 << 20), Absent)
