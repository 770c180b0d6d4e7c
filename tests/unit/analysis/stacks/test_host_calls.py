"""The host's call chain, on stacks that a test lays out."""

from __future__ import annotations

import struct

from mtedbg.analysis.stacks.host_calls import MOST, HostCalls, host_calls
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

CODE, STACK, VDSO = 0x40_0000, 0x7000_0000, 0xF000_0000
SIGRETURN = bytes.fromhex("681180d2010000d4")


def stack_of(records: dict[int, tuple[int, int]], size: int = 0x8000) -> bytes:
    """Memory of a stack with frame records (x29, return address) at offsets."""
    data = bytearray(size)
    for offset, record in records.items():
        struct.pack_into("<QQ", data, offset, *record)
    return bytes(data)


def session_of(stack: bytes, frame: int, pc: int = CODE, link: int = 0) -> Session:
    symbols = {
        name: CODE + 0x100 * number for number, name in enumerate(("leaf", "f", "g", "main"))
    }
    target = FakeTarget(
        memory={STACK: stack, VDSO: SIGRETURN},
        mappings=[
            Region(CODE, CODE + 0x1000, "r-x", "/bin/fake", tagged=False),
            Region(STACK, STACK + len(stack), "rw-", "[stack]", tagged=False),
            Region(VDSO, VDSO + 0x1000, "r-x", "[vdso]", tagged=False),
        ],
        register_sets={1: {"pc": pc, "x29": frame, "x30": link, "sp": STACK}},
        symbols=symbols,
    )
    return Session(target)


def calls_of(session: Session) -> HostCalls:
    found = host_calls(session, session.current_thread())
    assert isinstance(found, HostCalls)
    return found


def frames_of(session: Session) -> list[tuple[str, str]]:
    return [(frame.kind.value, frame.function) for frame in calls_of(session).frames]


def test_frame_records_and_a_function_that_has_none_yet():
    stack = stack_of({0x100: (STACK + 0x200, CODE + 0x210), 0x200: (0, CODE + 0x310)})
    assert frames_of(session_of(stack, STACK + 0x100, link=CODE + 0x120)) == [
        ("host", "leaf"),
        ("guess", "f+0x20"),
        ("host", "g+0x10"),
        ("host", "main+0x10"),
    ]
    assert frames_of(session_of(stack, STACK + 0x100, link=CODE + 0x20))[1] == ("host", "g+0x10"), (
        "x30 of an earlier call in the same function"
    )
    assert frames_of(session_of(stack, STACK + 0x100, link=CODE + 0x210))[1] == ("host", "g+0x10")


def test_a_return_address_is_named_by_the_call_before_it():
    stack = stack_of({0x100: (0, CODE + 0x200)})
    assert frames_of(session_of(stack, STACK + 0x100))[1] == ("host", "f+0x100")


def test_a_circle_and_rubbish_end_it():
    stack = stack_of({0x100: (STACK + 0x200, CODE + 0x210), 0x200: (STACK + 0x100, CODE + 0x310)})
    found = calls_of(session_of(stack, STACK + 0x100))
    assert len(found.frames) == 3
    assert "its own caller" in found.end
    assert "not a frame record" in calls_of(session_of(stack, STACK + 0x101)).end
    assert "not mapped" in calls_of(session_of(stack, 0x10)).end


def test_a_chain_that_is_too_long():
    records = {16 * n: (STACK + 16 * (n + 1), CODE + 0x210) for n in range(1, 200)}
    found = calls_of(session_of(stack_of(records), STACK + 16))
    assert len(found.frames) == MOST
    assert found.end == f"after {MOST} frames"


def test_through_a_signal_handler():
    """The kernel's frame record after the signal frame leads to the registers in it."""
    record, frame = 0x4000, 0x2DB0
    stack = bytearray(
        stack_of({0x100: (STACK + record, VDSO), record: (STACK + 0x5000, CODE + 0x150)})
    )
    values = [0] * 33
    values[29:33] = [STACK + 0x5000, CODE + 0x150, STACK + 0x4800, CODE + 0x220]
    struct.pack_into("<33Q", stack, frame + 312, *values)
    struct.pack_into("<II", stack, frame + 592, 0x46508001, 528)
    # What an earlier call has left where the kernel does not write.
    struct.pack_into("<QQ", stack, 0x3F00, STACK + 0x5000, CODE + 0x150)
    struct.pack_into("<QQ", stack, 0x5000, 0, CODE + 0x310)
    assert frames_of(session_of(bytes(stack), STACK + 0x100)) == [
        ("host", "leaf"),
        ("signal", "[vdso]+0x0"),
        ("interrupted", "g+0x20"),
        ("guess", "f+0x50"),
        ("host", "main+0x10"),
    ]


def test_through_translated_code_of_a_runtime_that_tells_nothing():
    """It keeps the ABI's frame records, as its thunks need them."""
    target = image().target()
    assert isinstance(target.mappings, list)
    target.mappings += [
        Region(STACK, STACK + 0x8000, "rw-", "[stack]", tagged=False),
        Region(VDSO, VDSO + 0x1000, "r-x", "/bin/fake", tagged=False),
    ]
    target.memory[STACK] = stack_of({0x100: (0, VDSO + 0x210)})
    target.register_sets[1]["x29"] = STACK + 0x100
    frames = calls_of(Session(target)).frames
    assert [frame.kind.value for frame in frames] == ["jit", "host"]
    target.register_sets[1]["x29"] = 0
    assert "jit.frame" in calls_of(Session(target)).end


def test_of_a_thread_whose_registers_cannot_be_had():
    session = Session(FakeTarget())
    assert host_calls(session, session.current_thread()) == Absent(Reason.UNREADABLE)
