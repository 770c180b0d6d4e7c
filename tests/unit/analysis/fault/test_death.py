"""How a process died: what is blamed, and what ties it to the death."""

from __future__ import annotations

import struct

import pytest

from mtedbg.analysis.fault.death import death, earlier_faults
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.words import headline
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.dataclass import replace
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.fault import Found
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo, Thread
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.scenes import CODE, HEAP, session_at, tagged, target_at
from tests.support.signal_frames import SIZE, TAG_CHECK, TAG_CHECK_WRITE, signal_frame_bytes

STACK, STACK_SIZE = 0x7E_0000, 0x8000
TOP = STACK + STACK_SIZE - 256
FRAME = TOP - 16 - SIZE
FAULTED = CODE + 64
POINTER = tagged(HEAP, 3)
AT_FAULT = {"x16": POINTER, "x29": TOP + 32, "x30": 7, "sp": TOP, "pc": FAULTED}
MTESERR, MAPERR = (11, 9, HEAP), (11, 1, 8)
SEGV_BLOCKED, BUS_BLOCKED = 1 << 10, 1 << 6
ABORTED, RAISED = SignalInfo(6, -6, 0, 1000), SignalInfo(11, -6, 0, 1000)


def target_with(frame: bytes, signal: SignalInfo, registers: dict[str, int]) -> FakeTarget:
    """A process whose stack has a signal frame of a store to `HEAP` that did not match."""
    target = target_at(assemble(["str x1, [x16]"])[0], registers, signal)
    target.memory[STACK] = bytes(FRAME - STACK) + frame + bytes(TOP - FRAME - len(frame) + 256)
    assert isinstance(target.mappings, list)
    target.mappings.insert(0, Region(STACK, STACK + STACK_SIZE, "rw-", "[stack]", tagged=False))
    return target


def in_handler(frame: bytes, signal: SignalInfo = ABORTED, **registers: int) -> Session:
    """The thread is in a handler, by the chain of frame records."""
    mine = {"pc": CODE, "sp": FRAME - 64, "x29": FRAME + SIZE, **registers}
    return Session(target_with(frame, signal, mine))


def by_mask(session: Session, blocked: int = SEGV_BLOCKED) -> Session:
    """The same, the handler's signal blocked and no frame records."""
    target = session.target
    assert isinstance(target, FakeTarget)
    target.register_sets[1]["x29"] = 0
    target.thread_list = [replace(one, blocked=blocked) for one in target.threads()]
    return session


def test_the_fault_in_whose_handler_the_thread_died():
    found = death(in_handler(signal_frame_bytes(AT_FAULT, MTESERR)))
    assert (found.found, found.certain) == (Found.HANDLER, True)
    assert str(found.killer) == "SIGABRT SI_TKILL"
    assert found.fault.pointer == POINTER
    assert headline(found.fault) == (
        f"tag check fault (synchronous): store of 8 bytes at {HEAP:#x}, pointer tag 3,"
        " memory tag 11; in its handler: SIGABRT SI_TKILL"
    )


def test_a_handler_is_known_by_the_signal_that_it_blocks():
    found = death(by_mask(in_handler(signal_frame_bytes(AT_FAULT, MTESERR))))
    assert found.found is Found.HANDLER
    assert "blocks that signal" in found.evidence[0]


def test_a_frame_that_nothing_leads_to_is_not_in_use():
    session = in_handler(signal_frame_bytes(AT_FAULT, MTESERR), x29=0)
    assert death(session).found is Found.SIGNAL


@pytest.mark.parametrize(
    ("syndrome", "address", "kind"),
    [(TAG_CHECK_WRITE, HEAP, Found.HANDLER), (TAG_CHECK, HEAP + 0x5000, Found.SIGNAL)],
)
def test_a_syndrome_is_believed_where_the_code_accesses_the_address(syndrome, address, kind):
    frame = signal_frame_bytes(AT_FAULT, fault_address=address, syndrome=syndrome)
    assert death(by_mask(in_handler(frame))).found is kind


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0x21, "SIGBUS BUS_ADRALN"),  # alignment
        (0x10, "SIGBUS BUS_OBJERR"),  # external abort
        (0x07, "SIGSEGV SEGV_ACCERR"),  # translation, of memory that is mapped
        (0x0F, "SIGSEGV SEGV_ACCERR"),  # permission
    ],
)
def test_signal_and_code_by_the_syndrome_alone(status, name):
    """Codes are numbers that each signal has a meaning of its own for."""
    write = 0x24 << 26 | 1 << 25 | 1 << 6
    frame = signal_frame_bytes(AT_FAULT, fault_address=HEAP, syndrome=write | status)
    blocked = BUS_BLOCKED if name.startswith("SIGBUS") else SEGV_BLOCKED
    found = death(by_mask(in_handler(frame), blocked))
    assert found.found is Found.HANDLER
    assert str(found.fault.name) == name


@pytest.mark.parametrize(("pointer", "kind"), [(3, Found.HANDLER), (11, Found.SIGNAL)])
def test_what_looks_like_a_signal_that_was_sent(pointer, kind):
    """Noise where no siginfo was written; or a real one, after a fault that was mended."""
    state = {**AT_FAULT, "x16": tagged(HEAP, pointer)}
    frame = signal_frame_bytes(state, (1, 0, 0), fault_address=HEAP, syndrome=TAG_CHECK_WRITE)
    assert death(in_handler(frame)).found is kind


def test_the_handler_has_returned_and_nothing_ran_since():
    frame = signal_frame_bytes(AT_FAULT, MTESERR)
    found = death(Session(target_with(frame, RAISED, {**zeros(), **AT_FAULT})))
    assert (found.found, found.certain) == (Found.RETURNED, True)
    assert "when its handler returned: SIGSEGV SI_TKILL" in headline(found.fault)


def zeros() -> dict[str, int]:
    return {**{f"x{n}": 0 for n in range(31)}, "pstate": 0}


def test_a_frame_that_was_left_behind_is_a_hypothesis_where_its_signal_killed():
    frame = signal_frame_bytes(AT_FAULT, MTESERR)
    session = Session(target_with(frame, RAISED, {"pc": CODE, "sp": TOP + 64}))
    found = death(session)
    assert (found.found, found.certain) == (Found.LEFT, False)
    assert headline(found.fault).startswith("perhaps tag check fault (synchronous): store of 8")


def test_what_was_handled_is_not_blamed_for_another_signal():
    frame = signal_frame_bytes(AT_FAULT, MTESERR)
    session = Session(target_with(frame, ABORTED, {"pc": CODE, "sp": TOP + 64}))
    assert death(session).found is Found.SIGNAL
    (earlier,) = earlier_faults(session)
    assert earlier.fault == SignalInfo(*MTESERR)
    assert not earlier.returned


@pytest.mark.parametrize(("siginfo", "certain"), [(MTESERR, True), (MAPERR, False)])
def test_the_fault_of_another_thread(siginfo, certain):
    """A tag check fault ends a process; other faults may be an engine's own business."""
    session = in_handler(signal_frame_bytes(AT_FAULT, siginfo))
    target = session.target
    assert isinstance(target, FakeTarget)
    target.register_sets[2] = target.register_sets[1]
    target.register_sets[1] = {"pc": CODE, "sp": 0x100}
    target.thread_list = [
        Thread(number, 1000 + number, "", number == 1, tagged_addr_ctrl=0x7FFF3)
        for number in (1, 2)
    ]
    found = death(session)
    assert (found.thread.number, found.killed.number) == (2, 1)
    assert (found.found, found.certain) == (Found.HANDLER, certain)


def test_the_pointer_s_tag_where_the_instruction_cannot_be_read():
    frame = signal_frame_bytes({**AT_FAULT, "pc": 0x9000}, MTESERR)
    session = in_handler(frame)
    met = fault(session, session.current_thread())
    assert "pointer tag 3 (by x16), memory tag 11" in headline(met)
    others = signal_frame_bytes({**AT_FAULT, "pc": 0x9000, "x2": tagged(HEAP + 8, 4)}, MTESERR)
    session = in_handler(others)
    met = fault(session, session.current_thread())
    assert "pointer tag unknown, memory tag 11" in headline(met)


@pytest.mark.parametrize("code", [-6, Absent(Reason.NOT_RECORDED)])
def test_the_access_at_the_pc_where_no_frame_tells_anything(code):
    signal = SignalInfo(11, code, 0, 1000)
    found = cause(session_at(assemble(["str x1, [x16]"])[0], {"x16": POINTER}, signal))
    assert found.words.endswith(
        f"; probably a tag check fault: store of 8 bytes at {HEAP:#x}, pointer tag 3"
    )


@pytest.mark.parametrize(
    ("registers", "signal"),
    [
        ({"x16": tagged(HEAP, 11)}, RAISED),
        ({"x16": POINTER, "x8": 131, "x0": 0}, RAISED),
        ({"x16": POINTER}, ABORTED),
    ],
    ids=["the tags match", "it has just sent the signal", "another signal"],
)
def test_no_tag_check_fault_at_the_pc(registers, signal):
    found = cause(session_at(assemble(["str x1, [x16]"])[0], registers, signal))
    assert "tag check" not in found.words


def test_a_stack_of_noise():
    """Heads of frames everywhere, none of them whole: no answer but the signal's."""
    noise = struct.pack("<IIQ", 0x46508001, 528, 11) * (STACK_SIZE // 16)
    target = target_with(signal_frame_bytes(AT_FAULT), RAISED, {"pc": CODE, "sp": STACK + 64})
    target.memory[STACK] = noise
    assert death(Session(target)).found is Found.SIGNAL
