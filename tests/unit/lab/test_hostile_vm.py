"""What a VM may say on its channel when a program in it has taken the place of its init."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.errors import LabError
from mtedbg.lab import protocol, vm
from mtedbg.lab.protocol import frame
from mtedbg.lab.vm import Vm


class Machine:
    """A QEMU of which there is only the channel."""

    def __init__(self) -> None:
        self.channel, self.vm = socket.socketpair()

    def wait(self, timeout_s: float) -> None:
        """It has ended."""

    def last_words(self) -> str:
        return "nothing"


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    with made.channel, made.vm:
        yield made


@pytest.fixture
def running(machine: Machine, tmp_path: Path) -> Vm:
    made = Vm(machine, tmp_path)  # type: ignore[arg-type]
    made.start(["/program"])
    return made


@pytest.mark.parametrize(
    "said",
    [
        frame(protocol.EXIT, b""),
        frame(protocol.EXIT, b"exit"),
        frame(protocol.EXIT, b"exit 1"),
        frame(protocol.EXIT, b"exit x 0"),
        frame(protocol.EXIT, b"exit " + b"9" * 5000 + b" 0"),
        frame(protocol.EXIT, b"signal -1 0"),
        frame(protocol.EXIT, b"\xff\xfe\xfd"),
        frame(protocol.READY, b"6.1 1"),
        frame(protocol.DONE, b""),
        frame(protocol.FAILED, b"\xff\x1b[2J"),
        b"Z\0\0\0\0",
        b"o\xff\xff\xff\xff",
        b"",
    ],
)
def test_nonsense_is_an_error_and_no_traceback(machine: Machine, running: Vm, said: bytes) -> None:
    machine.vm.sendall(said)
    machine.vm.shutdown(socket.SHUT_WR)
    with pytest.raises(LabError):
        running.finish(timeout_s=5)


@pytest.mark.parametrize("said", [b"", b"1", b"a b c", b"\xff", b" 1"])
def test_nonsense_at_the_start(machine: Machine, tmp_path: Path, said: bytes) -> None:
    machine.vm.sendall(frame(protocol.READY, said))
    made = Vm(machine, tmp_path)  # type: ignore[arg-type]
    if said == b" 1":  # of a kernel without a name nothing else is known
        made.await_boot()
        return
    with pytest.raises(LabError):
        made.await_boot()


def test_many_small_frames_take_no_time(machine: Machine, running: Vm) -> None:
    data = frame(protocol.STDOUT, b"") * 400_000 + frame(protocol.EXIT, b"exit 0 0")
    sender = threading.Thread(target=machine.vm.sendall, args=(data,))
    sender.start()
    assert running.finish(timeout_s=30).exit_status == 0
    sender.join()


def test_a_program_that_does_not_die(
    machine: Machine, running: Vm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm, "KILLED_TIMEOUT_S", 0.01)
    with pytest.raises(LabError, match="cannot be killed"):
        running.finish(timeout_s=0.01)
