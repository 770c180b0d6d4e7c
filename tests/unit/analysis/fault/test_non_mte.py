"""What is known of faults that are no tag check's."""

from __future__ import annotations

import struct

import pytest

from mtedbg.analysis.fault.non_mte import non_mte_fault
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.model.cause import Hypothesis
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.scenes import BEFORE, CODE, HEAP, PAGE, session_at, target_at

SIGILL, SIGTRAP, SIGBUS, SIGSEGV = 4, 5, 7, 11
MAPERR, ACCERR, ADRALN, ADRERR = 1, 2, 1, 2
ILLOPC, ILLOPN, BRKPT = 1, 2, 1
PC = CODE + 4 * BEFORE
KERNEL = 0xFFFF_8000_0000_1000
STACK = 0x7F00_0000_0000
FAR = 0x5555_0000_0000


def ask(session: Session) -> tuple[tuple[str, ...], tuple[Hypothesis, ...]]:
    """What the session's thread died of: reasons and hypotheses."""
    found = non_mte_fault(session, session.current_thread())
    return found.reasons, found.hypotheses


def explained(
    text: str, address: int, code: int = MAPERR, signal: int = SIGSEGV, **registers: int
) -> tuple[list[str], list[str]]:
    """Reasons and hypotheses, of a thread whose instruction is `text`."""
    word = assemble([text])[0]
    session = session_at(word, registers, SignalInfo(signal, code, address))
    reasons, hypotheses = ask(session)
    return list(reasons), [f"{one.what}: {'; '.join(one.reasons)}" for one in hypotheses]


def jumped(target: FakeTarget, to: int, code: int, signal: int = SIGSEGV) -> Session:
    target.register_sets[1]["pc"] = to
    target.signals[1] = SignalInfo(signal, code, to)
    return Session(target)


@pytest.mark.parametrize(
    ("text", "address", "registers", "reason", "hypothesis"),
    [
        ("ldr x0, [x1]", 0, {"x1": 0}, "load of 8 bytes at 0x0", "a null pointer: x1 is 0x0"),
        ("strh w0, [x1, #24]", 24, {"x1": 0}, "store of 2 bytes", "a null pointer: x1 is 0x0"),
        ("ldr x0, [x1, x2]", 64, {"x1": FAR, "x2": 64 - FAR & (1 << 64) - 1},
         "load of 8 bytes at 0x40", "a null pointer: nothing is ever mapped near address 0"),
        ("ldr x0, [x1]", 0x0065_6D61_6E20_6161, {"x1": 0x2065_6D61_6E20_6161},
         "load of 8 bytes", 'a pointer overwritten by text: x1 reads "aa name "'),
        ("ldr x0, [x1, #8]", (1 << 64) - 14, {"x1": (1 << 64) - 22},
         "load of 8 bytes", "an error number used as a pointer: x1 is -22"),
        ("ldr x0, [x1]", KERNEL, {"x1": KERNEL}, "load of 8 bytes",
         "a pointer that was overwritten: bit 55 of x1 is set: a kernel address"),
        ("ldr x0, [x1]", FAR | 0x12 << 48, {"x1": FAR | 0x12 << 48}, "load of 8 bytes",
         "a pointer that was overwritten: bits 54:48 of x1 are 0x12: those of an address are 0"),
    ],
)  # fmt: skip
def test_pointers_that_lead_nowhere(text, address, registers, reason, hypothesis):
    reasons, (found,) = explained(text, address, **registers)
    assert reasons[0].startswith(reason)
    assert reasons[0].endswith(", where nothing is mapped")
    assert found.startswith(hypothesis)


def test_just_beyond_a_mapping():
    end = HEAP + 2 * PAGE
    reasons, hypotheses = explained("ldr x0, [x1]", end + 4, x1=end + 4)
    assert list(reasons) == [
        f"load of 8 bytes at {end + 4:#x}, where nothing is mapped: 4 bytes after rw- anonymous"
        " memory"
    ]
    assert hypotheses == []
    (reason,), _ = explained("ldr x0, [x1]", end, x1=end)
    assert reason.endswith(": right after rw- anonymous memory")
    (reason,), _ = explained("ldr x0, [x1]", HEAP - PAGE, x1=HEAP - PAGE)
    assert reason.endswith(": 4 KiB before rw- [anon:heap]")


@pytest.mark.parametrize(
    ("text", "address", "reason"),
    [
        ("str x0, [x1]", CODE, f"store of 8 bytes at {CODE:#x} in r-x /bin/fake, which may not be"
                               " written"),
        ("ldadd x0, x2, [x1]", CODE, f"read-modify-write of 8 bytes at {CODE:#x} in r-x /bin/fake,"
                                     " which may not be written"),
        ("stg x1, [x1]", CODE, f"tag store of 16 bytes at {CODE:#x} in r-x /bin/fake, which may not"
                               " be written"),
        # The permissions are not what was missing.
        ("ldr x0, [x1]", CODE, f"load of 8 bytes at {CODE:#x} in r-x /bin/fake"),
        ("nop", HEAP, f"access at {HEAP:#x} in rw- [anon:heap]"),
    ],
)  # fmt: skip
def test_what_may_not_be_done(text, address, reason):
    assert explained(text, address, ACCERR, x1=address) == ([reason], [])


def test_permissions_that_nobody_knows():
    target = target_at(assemble(["str x0, [x1]"])[0], {"x1": HEAP})
    target.mappings = [Region(HEAP, HEAP + PAGE, "???", "/lib/it", tagged=False)]
    target.signals[1] = SignalInfo(SIGSEGV, ACCERR, HEAP)
    (reason,), _ = ask(Session(target))
    assert reason == f"store of 8 bytes at {HEAP:#x} in ??? /lib/it"
    target.mappings = []
    (reason,), _ = ask(Session(target))
    assert reason == f"store of 8 bytes at {HEAP:#x}"


def test_memory_that_has_no_file_behind_it_any_more():
    (reason,), _ = explained("ldrb w0, [x1]", HEAP, ADRERR, SIGBUS, x1=HEAP)
    assert reason == (
        f"load of 1 byte at {HEAP:#x} in rw- [anon:heap]: past the end of the file, or the file "
        "could not be read"
    )


def test_what_is_not_aligned():
    (reason,), _ = explained("ldar x0, [x1]", HEAP + 12, ADRALN, SIGBUS, x1=HEAP + 12)
    assert reason.endswith(": the address must be aligned for this access")
    (reason,), _ = explained("ldr x0, [sp]", HEAP + 8, ADRALN, SIGBUS, sp=HEAP + 8)
    assert reason.endswith(": sp must be a multiple of 16 when it is used to access memory")


def test_jumps():
    target = target_at(registers={"x30": CODE + 8})
    target.symbols["caller"] = CODE
    session = jumped(target, FAR, MAPERR)
    reasons, hypotheses = ask(session)
    assert list(reasons) == [
        f"jump to {FAR:#x}, where nothing is mapped",
        "x30, where a call returns to, is caller+0x8",
    ]
    assert hypotheses == ()
    assert cause(session).code == "unmapped memory"

    reasons, _ = ask(jumped(target, HEAP, ACCERR))
    assert reasons[0] == f"jump to {HEAP:#x} in rw- [anon:heap], which may not be executed"

    reasons, _ = ask(jumped(target, PC + 2, ADRALN, SIGBUS))
    assert reasons[0] == f"jump to {PC + 2:#x}: instructions must be at multiples of 4"

    target.register_sets[1]["x30"] = HEAP
    session = jumped(target, 0, MAPERR)
    reasons, (hypothesis,) = ask(session)
    assert list(reasons) == ["jump to 0x0, where nothing is mapped"]
    assert (hypothesis.what, hypothesis.reasons) == (
        "a call through a null pointer",
        ("the PC is 0x0",),
    )
    assert cause(session).words.endswith("at 0x0; perhaps a call through a null pointer")


@pytest.mark.parametrize(
    ("link", "hypotheses"),
    [
        (0x7473_6F6D_6C61_2041, [("a return address overwritten by text", 'x30 reads "A almost"')]),
        (0x3, [("a return address that was overwritten", "x30 is 0x3")]),
        (FAR, []),
    ],
)
def test_returns(link, hypotheses):
    target = target_at(registers={"x30": link})
    reasons, found = ask(jumped(target, link & (1 << 56) - 1, MAPERR))
    assert reasons[0].startswith("return to 0x")
    assert reasons[1] == "x30 has the same address: it was a return"
    assert [(one.what, "; ".join(one.reasons)) for one in found] == hypotheses


def test_a_return_address_that_failed_its_authentication():
    reasons, hypotheses = explained("retaa", PC, ILLOPN, SIGILL, x30=0x7473_6F6D_6C61_2041)
    assert reasons == ["retaa: pointer authentication failed"]
    assert hypotheses == ['a return address overwritten by text: x30 reads "A almost"']


@pytest.mark.parametrize(
    ("text", "signal", "code", "registers", "reasons"),
    [
        ("brk #1000", SIGTRAP, BRKPT, {}, ["brk #0x3e8: GCC's __builtin_trap()"]),
        ("brk #0x5501", SIGTRAP, BRKPT, {},
         ["brk #0x5501: Clang's trap for a failed check of -fsanitize-trap"]),
        ("brk #77", SIGTRAP, BRKPT, {}, []),
        (".inst 0", SIGILL, ILLOPC, {}, ["udf #0: not an instruction"]),
        (".inst 0", SIGILL, ILLOPC, {"pstate": 2 << 10}, ["udf #0: not an instruction"]),
        ("nop", SIGILL, ILLOPC, {"pstate": 2 << 10},
         ["nop: not a landing pad, reached by an indirect branch (BTI)"]),
        ("nop", SIGILL, ILLOPC, {"cpsr": 0}, []),
        ("autiasp", SIGILL, ILLOPN, {}, ["autiasp: pointer authentication failed"]),
    ],
)  # fmt: skip
def test_what_the_processor_would_not_do(text, signal, code, registers, reasons):
    assert explained(text, PC, code, signal, **registers) == (reasons, [])


@pytest.fixture
def deep() -> FakeTarget:
    """A thread whose stack is used up: its mapping is full of frames of two functions."""
    store, call = assemble(["stp x29, x30, [sp]", "bl ."])
    target = target_at(store, before=[call] * BEFORE)
    target.symbols = {"ping": CODE, "pong": CODE + 32}
    frames = b"".join(
        struct.pack("<QQ", STACK + 16 * (number + 1), CODE + 32 * (number % 2) + 8)
        for number in range(PAGE // 16)
    )
    target.memory[STACK] = frames
    assert isinstance(target.mappings, list)
    target.mappings[1:1] = [
        Region(STACK - PAGE, STACK, "---", "", tagged=False),
        Region(STACK, STACK + PAGE, "rw-", "", tagged=False),
    ]
    target.register_sets[1] |= {"sp": STACK - 64, "x29": STACK, "x30": CODE + 8}
    target.signals[1] = SignalInfo(SIGSEGV, ACCERR, STACK - 64)
    return target


def test_a_stack_overflow(deep):
    found = cause(Session(deep))
    assert found.words.endswith("; perhaps a stack overflow")
    assert found.reasons == (
        f"store of 16 bytes at {STACK - 64:#x} in --- anonymous memory, which may not be written",
    )
    (hypothesis,) = found.hypotheses
    assert hypothesis.reasons == (
        f"sp is {STACK - 64:#x}, at the lower end of 4 KiB of rw- anonymous memory",
        "recursion through ping, pong",
    )


def test_a_stack_overflow_that_left_no_room_for_a_signal_frame(deep):
    deep.signals[1] = SignalInfo(SIGSEGV, 0x80, 0)
    found = cause(Session(deep))
    assert found.words == "SIGSEGV SI_KERNEL, sent by the kernel; perhaps a stack overflow"
    assert "the kernel could not write a signal frame below sp" in found.reasons


@pytest.mark.parametrize(
    "change",
    [{"sp": STACK + (1 << 20)}, {"x29": HEAP}, {"x29": 0}],
    ids=["sp is elsewhere", "x29 is in other memory", "there is no frame"],
)
def test_no_stack_overflow(deep, change):
    deep.register_sets[1] |= change
    assert ask(Session(deep))[1] == ()


def test_a_stack_overflow_without_an_end_of_the_calls_in_sight(deep):
    deep.memory[STACK] = bytes(PAGE)
    (hypothesis,) = ask(Session(deep))[1]
    assert len(hypothesis.reasons) == 1


@pytest.mark.parametrize(
    "signal",
    [
        None,
        SignalInfo(SIGSEGV, 9, HEAP),
        SignalInfo(SIGSEGV, 8, HEAP),
        SignalInfo(6, -6, HEAP),
        SignalInfo(SIGSEGV, 0, 8),
    ],
)
def test_nothing_to_be_explained(signal):
    assert ask(session_at(signal=signal)) == ((), ())
