"""What is asked of QEMU's stub for tags: each granule once, and at every command anew."""

from __future__ import annotations

import pytest

from mtedbg.lab import user
from tests.live.test_bad_input import answered, attached, to
from tests.matrix.controllers import GdbController
from tests.support import proxy
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS
from tests.support.lldb_session import LLDBS

GRANULE, LENGTH = 16, 2048
QUESTION = b"qMemTags:"


def granules(asked: list[bytes]) -> list[int]:
    """The addresses whose tags were asked for."""
    packets = [packet[len(QUESTION) :] for packet in asked if packet.startswith(QUESTION)]
    return [int(packet.split(b",")[0], 16) for packet in packets]


@pytest.mark.parametrize("flavour", [*GDBS, *LLDBS])
def test_each_granule_is_asked_for_once(flavour: str) -> None:
    """Also the first of the mapping, by which it is known that this is tagged."""
    program = compiled("gdb_target", "-static")
    with (
        user.start([program]) as process,
        proxy.before(process.socket) as between,
        attached(flavour, between.socket, program) as debugger,
    ):
        to(debugger, "checkpoint")
        memory = int.from_bytes(debugger.read(debugger.symbol("memory"), 8), "little")
        wanted = range(memory, memory + LENGTH, GRANULE)

        between.asked.clear()
        assert answered(debugger, f"mte-tags {memory:#x} {LENGTH}") is not None
        asked = granules(between.asked)
        assert len(asked) == len(set(asked))
        assert set(asked) >= set(wanted)
        others = len(set(asked) - set(wanted))
        assert others < 64, "one of each mapping, to know which are tagged"

        # Which are is known now; the tags may have been written by anybody.
        between.asked.clear()
        assert answered(debugger, f"mte-tags {memory:#x} {LENGTH}") is not None
        assert sorted(granules(between.asked)) == list(wanted)


@pytest.mark.parametrize("flavour", [name for name in GDBS if name != "gdb13"])
def test_what_gdb_writes_itself_is_seen(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with user.start([program]) as process, attached(flavour, process.socket, program) as debugger:
        assert isinstance(debugger, GdbController)
        to(debugger, "checkpoint")
        for tag in (7, 9):
            debugger.execute(f"memory-tag set-allocation-tag memory 1 {tag:02x}")
            check = answered(debugger, "mte-check memory")
            assert check is not None
            assert check["rows"][0]["allocation_tag"] == tag  # type: ignore[index]
            assert debugger.execute("output $_mte_atag(memory)") == str(tag)
            tags = answered(debugger, "mte-tags memory 16")
            assert tags is not None
            assert tags["rows"][0]["tag"] == tag  # type: ignore[index]
