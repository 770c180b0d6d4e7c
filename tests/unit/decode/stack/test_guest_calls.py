"""The guest's call chain on a made-up guest: `main` calls `sum`; and stacks that mislead."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.decode.stack.guest_calls import MOST_LEVELS, SIGNAL_FRAME, GuestChain, Unwinder
from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.layout import find_runtimes
from mtedbg.model.frame import Guest
from tests.support.runtime_image import JIT_THREAD, image

MAIN, SUM, STACK = 0x401000, 0x402000, 0x7000_0000
RETURN = 0x401010
"""Behind main's call of sum, which begins at 0x40100b."""
INDIRECT = 0x401020
"""Behind main's call of a pointer."""
PC_RIP = 0x401008
"""Where thread 1 of the image is: at the memop of this guest instruction."""

# push rbx; nops up to the call; nops up to call rax, before INDIRECT; an endless loop.
MAIN_CODE = (
    bytes.fromhex("53") + b"\x90" * 10 + b"\xe8" + (SUM - RETURN).to_bytes(4, "little")
    + b"\x90" * 14 + bytes.fromhex("ffd0") + bytes.fromhex("ebfe")
).ljust(0x1000, b"\x90")  # fmt: skip
SUM_CODE = bytes.fromhex("90c3").ljust(0x1000, b"\x90")
SP = "x4"


def chain(stack: list[int], main: bytes = MAIN_CODE, skip: int = 0) -> GuestChain:
    """The chain of thread 1, which is in main, where the stack is this from RSP on."""
    target = image().target()
    words = b"".join(word.to_bytes(8, "little") for word in stack)
    target.memory |= {MAIN: main + SUM_CODE, STACK: bytes(skip) + words}
    target.register_sets[1] |= {SP: STACK + skip, "x5": 0x55}
    runtimes = find_runtimes(target)
    assert isinstance(runtimes, tuple)
    guest = guest_of(runtimes[0], JIT_THREAD)
    assert isinstance(guest, Guest)
    assert guest.rip == PC_RIP
    return Unwinder(runtimes[0]).chain(guest)


def levels(found: GuestChain) -> list[tuple[object, bool]]:
    return [(call.rip, call.hypothesis) for call in found.calls]


def test_by_what_the_function_has_pushed() -> None:
    # rbx, then the address behind the call: as if main had been called from itself.
    found = chain([0xBB, RETURN, 0, 0])
    assert levels(found)[:2] == [(PC_RIP, False), (RETURN, False)]
    assert [call.name for call in found.calls[:2]] == ["main", "main"]


def test_what_looks_like_a_return_address_below_is_passed_by() -> None:
    """A stale address in the slot of rbx: the depth says that it is none."""
    found = chain([RETURN, INDIRECT, 0, 0])
    assert levels(found)[1] == (INDIRECT, False)


def test_where_the_depth_is_not_known_the_stack_is_searched() -> None:
    jumped = b"\xeb\xfe".ljust(0x1000, b"\x90")  # nothing but an endless loop can be reached
    code = jumped[:0xB] + MAIN_CODE[0xB:]
    found = chain([1, 2, 0x402001, INDIRECT, 0], main=code)
    assert levels(found)[1] == (INDIRECT, True)


def test_a_call_of_another_function_is_no_candidate() -> None:
    """A direct call behind which the address is, but of sum: it is no return from main."""
    code = b"\xeb\xfe".ljust(0xB, b"\x90") + MAIN_CODE[0xB:]
    found = chain([RETURN, 0, 0, 0], main=code)
    assert len(found.calls) == 1
    assert found.end == "no return address is on the stack"


RESTORERS = {"glibc": "48c7c00f0000000f05", "short": "b80f0000000f05"}


@pytest.mark.parametrize("code", RESTORERS.values(), ids=RESTORERS)
def test_what_a_signal_handler_has_interrupted(code: str) -> None:
    """Main as a handler: behind the restorer's address is the frame, with main's registers."""
    restorer, interrupted = MAIN + 0x800, MAIN + 1
    main = bytearray(MAIN_CODE)
    main[0x800 : 0x800 + len(code) // 2] = bytes.fromhex(code)
    frame = [0] * 46
    frame[21], frame[20] = interrupted, STACK + 8 * 48  # rip, rsp: sigcontext's
    found = chain([0xBB, restorer, *frame, 0xBB, RETURN, 0, 0], main=bytes(main))
    assert levels(found)[:4] == [
        (PC_RIP, False), (restorer, False), (interrupted, False), (RETURN, False),
    ]  # fmt: skip
    assert [call.name for call in found.calls[:4]] == ["main", SIGNAL_FRAME, "main", "main"]


@pytest.mark.parametrize("skip", [0, 8])
def test_a_stack_that_is_not_there(skip: int) -> None:
    assert len(chain([], skip=skip).calls) == 1


def test_a_chain_without_an_end_is_cut() -> None:
    found = chain([0xBB, RETURN] + [RETURN] * 4096)
    assert len(found.calls) <= MOST_LEVELS


def test_code_that_cannot_be_read() -> None:
    target = image().target()
    target.memory[STACK] = RETURN.to_bytes(8, "little") * 8
    target.register_sets[1][SP] = STACK
    runtimes = find_runtimes(target)
    assert isinstance(runtimes, tuple)
    guest = guest_of(runtimes[0], JIT_THREAD)
    assert isinstance(guest, Guest)
    found = Unwinder(runtimes[0]).chain(guest)
    assert [call.name for call in found.calls] == ["main"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([0, RETURN, INDIRECT, MAIN, SUM, SUM + 1, STACK, (1 << 64) - 1]),
        max_size=64,
    ),
    st.binary(max_size=64),
)
def test_hostile_guests_never_surprise(stack: list[int], code: bytes) -> None:
    found = chain(stack, main=code.ljust(0xB, b"\x90") + MAIN_CODE[max(len(code), 0xB) :])
    assert 1 <= len(found.calls) <= MOST_LEVELS
    assert found.end
