"""Small things that GDB and LLDB share."""

from __future__ import annotations

import pytest

from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.debugger.refused import no_program, not_aarch64, running
from mtedbg.adapters.debugger.signals import stopping_signal
from mtedbg.adapters.debugger.stepping import arrived
from mtedbg.adapters.remote.peer import server_kind
from mtedbg.commands import all_commands
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.process import SignalInfo
from mtedbg.system import refuses_color


@pytest.mark.parametrize(
    ("environment", "refused"),
    [
        ({"TERM": "xterm"}, False),
        ({"TERM": "dumb"}, True),
        ({}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, False),
        ({"TERM": "xterm", "NO_COLOR": "0"}, True),
    ],
)
def test_colours(
    environment: dict[str, str], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert refuses_color() is refused


@pytest.mark.parametrize(
    ("steps", "physical", "peer"),
    [
        (b"ENABLE=1,NOIRQ=2,NOTIMER=4", b"", Peer.QEMU),
        (b"ENABLE=1,NOIRQ=2,NOTIMER=4", b"0", Peer.MACHINE),
        (b"", b"", Peer.SERVER),
    ],
)
def test_qemu_tells_itself(steps: bytes, physical: bytes, peer: Peer) -> None:
    answers = {"qqemu.sstepbits": steps, "qqemu.PhyMemMode": physical}
    assert server_kind(answers.__getitem__) is peer


def test_why_a_thread_stopped() -> None:
    assert stopping_signal(11, 9, 0x1000) == SignalInfo(11, 9, 0x1000)
    assert stopping_signal(5, 1, 0x1000) == NOT_APPLICABLE


def test_a_thread_at_a_breakpoint() -> None:
    thread = arrived(2, 101)
    assert (thread.number, thread.tid, thread.current) == (2, 101, True)


def test_refusals_have_a_next_step_of_the_debuggers() -> None:
    assert no_program("core-file FILE").next_step.endswith("open a core: core-file FILE")
    assert running("interrupt").next_step == "stop it first: interrupt"
    error = not_aarch64("i386", "target list")
    assert error.message == "this program is for i386, not for 64-bit AArch64"
    assert error.next_step.endswith("see `target list`")


def test_every_command_has_a_name_in_two_words_of_its_own() -> None:
    names = {command.name: command.in_two_words for command in all_commands()}
    assert names["mte-tags"] == ("mte", "tags")
    assert names["memops"] == ("mtedbg", "memops")
    assert len(set(names.values())) == len(names)
