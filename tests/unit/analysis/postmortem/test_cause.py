"""The cause of death in words."""

from __future__ import annotations

import pytest

from mtedbg.analysis.postmortem.cause import cause
from mtedbg.dataclass import replace
from mtedbg.model.cause import CauseKind
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.scenes import CODE, HEAP, OTHER, OWN, PAGE, SYNC, runtime_at, session_at, tagged

ASYNC, MAPERR, TKILL = 8, 1, -6
SIGSEGV, SIGABRT = 11, 6


@pytest.fixture(scope="module")
def store() -> int:
    return assemble(["str x1, [x16]"])[0]


def test_a_patch_in_progress_is_said_first():
    found = cause(runtime_at(OWN, 0))
    assert found.kind is CauseKind.PATCH
    assert found.words == (
        "local → shared patch of memop 3 in progress by thread 1; tag check fault (synchronous):"
        f" load of 8 bytes at {HEAP:#x}, pointer tag 2, memory tag 0"
    )
    assert found.transition == "local → shared"
    assert (found.memop, found.code, found.function) == (1, "Function", "main")
    assert found.relation == "pointer core, memory shared"
    assert found.reasons[0].startswith("memop 3: phase PatchAddress")
    assert (
        found.reasons[1] == "what the runtime does about it: local → shared: patch memop to shared"
    )


def test_a_fault_on_a_stale_pair():
    found = cause(runtime_at(OTHER, 0))
    assert found.kind is CauseKind.STALE_PAIR
    assert "; thread 1 faulted on a stale pair: tag check fault (synchronous)" in found.words
    assert any("[1] gave tag 7, it would give 2 now" in reason for reason in found.reasons)


def test_another_thread_with_a_stale_pair():
    session = runtime_at(OTHER, 0)
    target = session.target
    assert isinstance(target, FakeTarget)
    target.signals = {3: SignalInfo(SIGABRT, TKILL, 0)}
    target.thread_list = [replace(one, current=one.number == 3) for one in target.thread_list]
    found = cause(session)
    assert found.kind is CauseKind.PATCH
    assert "thread 1 holds a stale pair of memop 1; SIGABRT SI_TKILL" in found.words


def test_a_tag_check_fault_without_a_runtime(store):
    pointer = tagged(HEAP + 8, 3)
    session = session_at(store, {"x16": pointer}, SignalInfo(SIGSEGV, SYNC, pointer))
    found = cause(session)
    assert found.kind is CauseKind.SYNCHRONOUS
    assert found.words.endswith("pointer tag 3, memory tag 11"), "no allocator speaks for a guess"
    assert found.relation == "pointer tagged, memory tagged"
    assert found.hypotheses
    assert found.signal == "SIGSEGV SEGV_MTESERR"


@pytest.mark.parametrize(
    ("signal", "kind", "words", "guesses"),
    [
        (SignalInfo(SIGSEGV, ASYNC, 0), CauseKind.ASYNCHRONOUS, "tag check fault (async", []),
        (SignalInfo(SIGSEGV, MAPERR, 8), CauseKind.FAULT, "not a tag check fault: SIGSEGV",
         ["a null pointer"]),
        (SignalInfo(SIGABRT, TKILL, 0), CauseKind.SENT, "SIGABRT SI_TKILL, sent", []),
        (None, CauseKind.NONE, "no fault: this thread has not stopped on a sig", []),
    ],
)  # fmt: skip
def test_other_ways_to_die(store, signal, kind, words, guesses):
    found = cause(session_at(store, {"x16": 0}, signal))
    assert found.kind is kind
    assert found.words.startswith(words)
    assert [one.what for one in found.hypotheses] == guesses


def test_an_asynchronous_fault_has_suspects_and_no_culprit(store):
    found = cause(session_at(store, {"x16": tagged(HEAP, 3)}, SignalInfo(SIGSEGV, ASYNC, 0)))
    assert found.reasons == ("the first suspect is x16: tag 3, memory 11; nothing here is certain",)
    assert found.relation is not None
    assert not isinstance(found.relation, str)


def test_a_sent_signal_says_who_asked_for_it(store):
    session = session_at(store, {"x16": 0, "x29": 0x7000}, SignalInfo(SIGABRT, TKILL, 0))
    target = session.target
    assert isinstance(target, FakeTarget)
    assert isinstance(target.mappings, list)
    target.mappings[0] = Region(CODE, CODE + PAGE, "r-x", "/lib/libc.so.6", tagged=False)
    caller = CODE + 2 * PAGE
    target.mappings.insert(1, Region(caller, caller + PAGE, "r-x", "/bin/fake", tagged=False))
    target.mappings.append(Region(0x7000, 0x8000, "rw-", "[stack]", tagged=False))
    target.mappings.sort(key=lambda region: region.start)
    target.memory[0x7000] = (0).to_bytes(8, "little") + (caller + 16).to_bytes(8, "little")
    target.symbols["give_up"] = caller
    (reason,) = cause(session).reasons
    assert reason.endswith("called from give_up+0x10")


def test_what_it_said_when_it_ended_itself(store):
    session = session_at(store, {"x16": 0}, SignalInfo(SIGABRT, TKILL, 0))
    target = session.target
    assert isinstance(target, FakeTarget)
    target.symbols["__abort_msg"] = 0x9000
    message = b"fake.c:7: main: Assertion `0' failed.\n"
    target.memory |= {
        0x9000: (0xA000).to_bytes(8, "little"),
        0xA000: bytes(4) + message.ljust(252, b"\0"),
    }
    assert cause(session).reasons[-1] == "it said: fake.c:7: main: Assertion `0' failed."
    target.memory[0x9000] = bytes(8)
    session.invalidate()
    assert len(cause(session).reasons) == 1


def test_no_thread():
    target = FakeTarget(thread_list=[])
    found = cause(Session(target))
    assert found.kind is CauseKind.UNKNOWN
    assert "not known" in found.words
