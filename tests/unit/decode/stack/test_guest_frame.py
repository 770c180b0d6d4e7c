"""Which guest runs on a host thread, where its registers are, and the views of its core id."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest

from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.layout import find_runtimes
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.frame import Guest, Owner
from mtedbg.model.process import Thread
from tests.support.fake import FakeTarget
from tests.support.runtime_image import (
    HOST_THREAD,
    JIT_THREAD,
    THUNK_THREAD,
    Image,
    image,
)

STATE = 8 * 20
HOST_CORE_ID = 8 * 18
RSEQ = 8 * 22
MXCSR, XMM = 8 * 23, 8 * 24
STACK = 0x10000


def guest(target: FakeTarget, thread: Thread = JIT_THREAD) -> Guest | Absent:
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    return guest_of(found[0], thread)


def present(found: Guest | Absent) -> Guest:
    assert isinstance(found, Guest), found
    return found


def test_in_translated_code_the_registers_are_the_hosts() -> None:
    found = present(guest(image().target()))
    assert found.in_jit
    assert found.frame.thread_id == 2
    assert found.address == image().places["frame2"]
    assert found.registers["rax"] == 0x9000
    assert found.registers["r15"] == 0x900F
    assert found.registers["flags"] == 6 << 28
    assert found.rip == 0x401008
    assert (found.cores.frame, found.cores.shadow, found.cores.consistent) == (2, 2, True)


def test_elsewhere_the_registers_are_in_the_frame() -> None:
    found = present(guest(image().target(), THUNK_THREAD))
    assert not found.in_jit
    assert found.frame.thread_id == 3
    assert (found.registers["rax"], found.registers["r15"]) == (0x3000, 0x300F)
    assert found.rip == 0x401102
    assert found.cores.shadow == NOT_APPLICABLE
    assert found.notes == ()


def with_vectors(frame: str, mxcsr: int) -> Image:
    """The image whose frame has n + 1 in xmm<n>, and 1 << 127 in the last one."""
    made = image()
    at = made.places[frame]
    made = made.with_word(at + MXCSR, mxcsr, 4)
    for number in range(16):
        made = made.with_word(at + XMM + 16 * number, number + 1)
    return made.with_word(at + XMM + 16 * 15 + 8, 1 << 63)


def test_vectors_are_in_the_frame_or_in_host_registers() -> None:
    found = present(guest(with_vectors("frame3", 0x3FA0).target(), THUNK_THREAD)).vectors
    assert isinstance(found, Mapping)
    assert (found["mxcsr"], found["xmm0"], found["xmm15"]) == (0x3FA0, 1, 1 << 127 | 16)
    target = with_vectors("frame2", 0x1F80).target()
    assert present(guest(target)).vectors == Absent(Reason.NOT_RECORDED)
    target.vector_sets[1] = {f"v{n}": n << 64 for n in range(32)} | {"fpsr": 0x1F, "fpcr": 0}
    found = present(guest(target)).vectors
    assert isinstance(found, Mapping)
    assert (found["xmm1"], found["xmm15"]) == (1 << 64, 15 << 64)
    assert found["mxcsr"] == 0x1F80 | 0b101101


@pytest.mark.parametrize("mxcsr", [0x9F80, 0x1FC0, 0x1F00])
def test_sticky_bits_of_the_host_do_not_count_in_other_modes(mxcsr: int) -> None:
    target = with_vectors("frame2", mxcsr).target()
    target.vector_sets[1] = {f"v{n}": 0 for n in range(32)} | {"fpsr": 0x1F, "fpcr": 0}
    found = present(guest(target)).vectors
    assert isinstance(found, Mapping)
    assert found["mxcsr"] == mxcsr


def test_a_thread_without_a_guest_says_so() -> None:
    found = guest(image().target(), HOST_THREAD)
    assert found == Absent(Reason.NOT_APPLICABLE, "this thread runs no guest code")


def outside(made: Image, registers: Mapping[str, int] | None = None) -> FakeTarget:
    """Thread 1 stopped outside of translated code."""
    target = made.target()
    target.register_sets[1] |= {"pc": 0x1000, **(registers or {})}
    return target


def test_of_threads_that_take_turns_the_one_that_is_not_parked_runs() -> None:
    made = image()
    parked = made.with_word(made.places["frame2"] + STATE, 0, 4)
    thread_1 = parked.with_word(made.places["frame1"] + STATE, 3, 4)
    assert present(guest(outside(thread_1))).frame.thread_id == 1
    assert guest(outside(parked)) == Absent(
        Reason.NOT_APPLICABLE, "its 2 guest threads are parked or gone"
    )
    both = made.with_word(made.places["frame1"] + STATE, 3, 4)
    assert "guest threads 1, 2 all claim" in present(guest(outside(both))).notes[0]


def test_a_frame_register_that_is_no_known_frame_is_noted() -> None:
    target = image().target()
    target.register_sets[1]["x28"] = image().places["memops"]
    found = present(guest(target))
    assert "the frame register does not point at a known frame" in found.notes


def test_a_frame_register_that_leads_nowhere_leaves_the_thread_table() -> None:
    target = image().target()
    target.register_sets[1]["x28"] = 0x10
    assert present(guest(target)).frame.thread_id == 2


@pytest.mark.parametrize(("offset", "rip"), [(0, 0x401000), (0x18, 0x401008), (0x100, 0x402000)])
def test_between_memops_rip_is_known_only_roughly(offset: int, rip: int) -> None:
    target = image().target()
    target.register_sets[1]["pc"] = image().places["baseline"] + offset
    found = present(guest(target))
    why = f"translated code past that of {rip:#x}"
    assert found.rip == Absent(Reason.NOT_RECORDED, why)


def test_in_a_stub_registers_may_be_on_their_way() -> None:
    target = image().target()
    target.register_sets[1]["pc"] = image().places["stubs"]
    found = present(guest(target))
    assert found.rip == 0x401101
    assert any("in a stub" in note for note in found.notes)


def signal_frame(made: Image, **changes: int) -> bytes:
    """What the kernel puts on the stack: siginfo, and ucontext with its sigcontext."""
    values = {f"x{n}": 0x7000 + n for n in range(31)}
    values |= {"x27": 2, "x28": made.places["frame2"], "sp": 1}
    values |= {"pc": made.places["baseline"] + 0x14, "pstate": 8 << 28, **changes}
    return bytes(304) + struct.pack("<34Q", *values.values()) + bytes(4096)


def test_under_a_signal_handler_registers_are_in_the_signal_frame() -> None:
    made = image()
    target = outside(made, {"sp": STACK})
    # The frame's address lies on the handler's own stack too, with nothing of a sigcontext.
    noise = made.places["frame2"].to_bytes(8, "little") * 3 + bytes(400)
    target.memory[STACK] = noise + signal_frame(made)
    found = present(guest(target))
    assert not found.in_jit
    assert found.registers["rcx"] == 0x7001
    assert found.registers["flags"] == 8 << 28
    assert found.rip == 0x401008
    assert found.cores.shadow == 2
    address = STACK + len(noise) + 304
    assert found.notes == (
        f"in a signal handler: registers are those in the signal frame at {address:#x}",
    )


@pytest.mark.parametrize("changes", [{"pc": 0x1000}, {"x28": 0x1000}])
def test_what_is_no_signal_frame_of_translated_code_is_none(changes: dict[str, int]) -> None:
    made = image()
    target = outside(made, {"sp": STACK})
    target.memory[STACK] = signal_frame(made, **changes)
    found = present(guest(target))
    assert found.registers["rcx"] == 0x2001
    assert found.notes == ("registers are those of the last exit from translated code",)


def test_a_stale_register_is_explained() -> None:
    target = image().target()
    target.register_sets[1]["x27"] = 3
    cores = present(guest(target)).cores
    assert (cores.consistent, cores.shadow) == (False, 3)
    assert "the register still holds 3" in cores.explanation


@pytest.mark.parametrize(("cpu", "consistent"), [(1, True), (2, False), (14, False)])
@pytest.mark.parametrize("by", ["frame", "symbol"])
def test_the_kernels_view_is_compared(cpu: int, consistent: bool, by: str) -> None:
    made, area = image(), 0x20000
    if by == "frame":
        made = made.with_word(made.places["frame2"] + RSEQ, area)
    target = made.target()
    target.memory[area] = bytes(4) + cpu.to_bytes(4, "little") + bytes(24)
    target.memory[0x30000] = (32).to_bytes(8, "little") + (area - 0x50000 & (1 << 64) - 1).to_bytes(
        8, "little"
    )
    target.symbols |= {"__rseq_size": 0x30000, "__rseq_offset": 0x30008}
    target.register_sets[1]["tpidr"] = 0x50000
    cores = present(guest(target)).cores
    assert (cores.kernel, cores.consistent) == (cpu, consistent)
    assert ("the migration window" in cores.explanation) is not consistent


@pytest.mark.parametrize("value", [0xFFFF_FFFF, 0xFFFF_FFFE])
def test_rseq_that_is_not_registered_does_not_apply(value: int) -> None:
    made, area = image(), 0x20000
    target = made.with_word(made.places["frame2"] + RSEQ, area).target()
    target.memory[area] = bytes(4) + value.to_bytes(4, "little")
    assert present(guest(target)).cores.kernel == NOT_APPLICABLE


def test_simulated_cores_have_no_kernels_view() -> None:
    made = image()
    lockstep = made.with_word(made.places["config"] + 12, 4, 4)
    assert present(guest(lockstep.target())).cores.kernel == NOT_APPLICABLE


CORE_ID_SOURCE, NOBODY_TAG = 4 * 3, 4 * 13
THREAD, UNKNOWN_SOURCE = 5, 77


@pytest.mark.parametrize(
    ("offset", "value", "owner"),
    [
        (CORE_ID_SOURCE, 1, Owner.CORE),
        (CORE_ID_SOURCE, THREAD, Owner.THREAD),
        (NOBODY_TAG, 2, Owner.NONE),
        (NOBODY_TAG, 3, Owner.CORE),
    ],
)
def test_whose_memory_has_the_frames_tag(offset: int, value: int, owner: Owner) -> None:
    made = image()
    target = made.with_word(made.places["config"] + offset, value, 4).target()
    cores = present(guest(target)).cores
    assert (cores.frame, cores.owner) == (2, owner)


@pytest.mark.parametrize(
    ("place", "offset", "value", "size", "reason"),
    [
        ("frame2", HOST_CORE_ID, 16, 8, Reason.DAMAGED),
        ("config", CORE_ID_SOURCE, UNKNOWN_SOURCE, 4, Reason.UNKNOWN_VERSION),
    ],
)
def test_whose_memory_it_is_may_not_be_known(
    place: str, offset: int, value: int, size: int, reason: Reason
) -> None:
    made = image()
    owner = present(
        guest(made.with_word(made.places[place] + offset, value, size).target())
    ).cores.owner
    assert isinstance(owner, Absent)
    assert owner.reason is reason


def test_a_core_id_that_is_no_tag_is_damage() -> None:
    made = image()
    target = made.with_word(made.places["frame2"] + HOST_CORE_ID, 16).target()
    cores = present(guest(target)).cores
    assert not cores.consistent
    assert "is not a tag" in cores.explanation


def test_a_damaged_code_map_leaves_the_frame() -> None:
    made = image()
    torn = made.with_word(made.places["code-map.buffer0"], 9)
    torn = torn.with_word(made.places["code-map.buffer1"], 9)
    found = present(guest(torn.target()))
    assert found.frame.thread_id == 2
    assert "is not known" in found.notes[0]
