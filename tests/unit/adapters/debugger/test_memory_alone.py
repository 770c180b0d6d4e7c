"""The port over memory alone: a runtime is found and read by it, all else is not known."""

from __future__ import annotations

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.decode.code.code_map import locate
from mtedbg.layout import find_runtimes
from mtedbg.model.absent import Absent
from tests.golden.cases import CORES


def test_a_runtime_is_read_by_memory_and_its_root() -> None:
    core = CoreTarget(CORES / "runtime-lockstep.core.gz")
    known = find_runtimes(core)
    assert not isinstance(known, Absent)
    pc = core.registers(core.threads()[0])["pc"]

    def read(address: int, length: int) -> bytes | None:
        data = core.read_memory(address, length)
        return None if isinstance(data, Absent) else data

    alone = MemoryAlone(read, dead=True)
    found = find_runtimes(alone, [known[0].address])
    assert not isinstance(found, Absent)
    assert locate(found[0], pc).block == locate(known[0], pc).block
    assert (alone.threads(), alone.read_tags(0, 16)) == ((), ())
    assert isinstance(alone.regions(), Absent)


def test_without_a_root_there_is_nothing() -> None:
    alone = MemoryAlone(lambda *_: None, dead=False)
    assert isinstance(find_runtimes(alone), Absent)
