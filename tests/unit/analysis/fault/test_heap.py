"""Hypotheses about memory that was given out, from heaps and registers that a test lays out."""

from __future__ import annotations

import struct

import pytest

from mtedbg.analysis.fault.aborts import abort_hypotheses
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory import Region
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.fake import FakeTarget
from tests.support.heaps import START, Layout, glibc_heap, hardened_target, scudo_heap
from tests.support.runtime_image import image
from tests.support.scenes import CODE, PAGE, SIGSEGV, SYNC, tagged

STACK = 0xFFFF_F000_0000
CHUNKS = [(48, 3), (48, 5), (48, 0), (112, 9), (48, 5)]
"""User data at 0x10, 0x50, 0x90, 0xd0 and 0x150."""

OVER, UNDER, FREED = Relation.OVERFLOW, Relation.UNDERFLOW, Relation.USE_AFTER_FREE
READ, LIKELY, POSSIBLE, CHANCE = Strength.READ, Strength.LIKELY, Strength.POSSIBLE, Strength.CHANCE


def stopped(
    layout: Layout, text: str, slots: tuple[int, ...] = (), symbol: str = "", **registers: int
) -> tuple[Hypothesis, ...]:
    """The hypotheses of a thread that stopped at `text` with these registers and stack slots."""
    target = layout.target()
    place(target, text, slots, registers)
    if symbol:
        target.symbols[symbol] = CODE
    return asked(target)


def place(target: FakeTarget, text: str, slots: tuple[int, ...], registers: dict[str, int]) -> None:
    target.memory[CODE] = assemble([text])[0].to_bytes(4, "little")
    target.memory[STACK] = struct.pack(f"<{len(slots)}Q", *slots) + bytes(64)
    assert isinstance(target.mappings, list)
    target.mappings += [
        Region(CODE, CODE + PAGE, "r-x", "/lib/libc.so.6", tagged=False),
        Region(STACK, STACK + PAGE, "rw-", "[stack]", tagged=False),
    ]
    target.mappings.sort(key=lambda region: region.start)
    target.register_sets[1] = {"pc": CODE, "sp": STACK, **registers}
    session = Session(target)
    target.signals[1] = SignalInfo(SIGSEGV, SYNC, 0)
    at = fault(session, session.current_thread()).at
    assert isinstance(at.pointer, int)
    target.signals[1] = SignalInfo(SIGSEGV, SYNC, at.pointer)


def asked(target: FakeTarget) -> tuple[Hypothesis, ...]:
    session = Session(target)
    return heap_hypotheses(session, fault(session, session.current_thread()))


def pointer(offset: int, tag: int) -> int:
    return tagged(START + offset, tag)


@pytest.mark.parametrize(
    ("text", "registers", "relation", "strength", "offset", "what"),
    [
        # the base register is the object's start: nothing else explains it as well
        (
            "ldr x0, [x1]",
            {"x1": (0x90, 7)},
            FREED,
            READ,
            0,
            "at the beginning of a freed chunk of 48",
        ),
        ("ldr x0, [x1, #8]", {"x1": (0x90, 7)}, FREED, READ, 8, "8 bytes into a freed chunk"),
        ("ldr x0, [x1, #48]", {"x1": (0x50, 5)}, OVER, READ, 48, "right after a chunk of 48"),
        ("ldr x0, [x1, #56]", {"x1": (0x50, 5)}, OVER, READ, 56, "8 bytes past the end of a"),
        ("ldur x0, [x1, #-8]", {"x1": (0x50, 5)}, UNDER, READ, -8, "8 bytes before a chunk of"),
        (
            "ldr x0, [x1]",
            {"x1": (0xD0, 6)},
            FREED,
            LIKELY,
            0,
            "given out again, now at the beginning of",
        ),
        # computed by the code before: the start is held elsewhere
        ("ldr x0, [x1]", {"x1": (0x88, 5), "x7": (0x50, 5)}, OVER, READ, 56, "8 bytes past"),
        ("ldr x0, [x1]", {"x1": (0x98, 7), "x7": (0x90, 7)}, FREED, READ, 8, "8 bytes into"),
        # nothing but tags: never more than possible
        ("ldr x0, [x1]", {"x1": (0x88, 5)}, OVER, POSSIBLE, 56, "8 bytes past"),
        ("ldr x0, [x1]", {"x1": (0x98, 3)}, FREED, POSSIBLE, 8, "8 bytes into a freed chunk"),
        # unless no object around has the pointer's tag
        ("ldr x0, [x1]", {"x1": (0x98, 7)}, FREED, LIKELY, 8, "8 bytes into a freed chunk"),
        # a loop that ran on to the next granule
        ("strb w0, [x1], #1", {"x1": (0x80, 5)}, OVER, LIKELY, 48, "right after a chunk"),
        # a store over the end, that began within
        ("str x0, [x1, #44]", {"x1": (0x50, 5)}, OVER, READ, 44, "44 bytes into a chunk of 48"),
    ],
)
def test_the_likeliest_in_glibcs_heap(text, registers, relation, strength, offset, what):
    values = {name: pointer(*value) for name, value in registers.items()}
    text = text.replace("str x0, [x1, #44]", "stur x0, [x1, #44]")
    first = stopped(glibc_heap(CHUNKS), text, **values)[0]
    assert (first.relation, first.strength) == (relation, strength), first
    assert what in first.what
    assert first.object is not None
    assert (first.object.allocator, first.offset) == ("glibc", offset)
    assert first.evident is (strength in (READ, LIKELY))
    assert first.reasons


def test_a_slot_of_the_stack_is_evidence_as_well():
    found = stopped(glibc_heap(CHUNKS), "ldr x0, [x1]", (1, pointer(0x50, 5)), x1=pointer(0x88, 5))
    assert (found[0].relation, found[0].strength) == (OVER, READ)
    assert "[sp+0x8] points to its first byte, with that tag" in found[0].reasons


def test_a_matching_tag_further_away_may_be_chance_and_says_what_it_is_worth():
    layout = glibc_heap([*CHUNKS, *[(48, 1)] * 20, (48, 0)])
    at = 0x190 + 20 * 0x40
    found = stopped(layout, "ldr x0, [x1]", x1=pointer(at, 9))
    assert (found[0].relation, found[0].strength) == (FREED, READ)
    assert (found[1].relation, found[1].strength) == (OVER, CHANCE)
    assert "9 (as 1 of 24 objects here has it)" in found[1].reasons[0]


def test_the_top_of_the_heap_is_no_freed_chunk():
    layout = glibc_heap(CHUNKS[:2])
    over = stopped(layout, "str x0, [x1, x2]", x1=pointer(0x50, 5), x2=0x50)[0]
    assert (over.relation, over.strength, over.object and over.object.size) == (OVER, READ, 48)
    gone = stopped(glibc_heap(CHUNKS[:2]), "ldr x0, [x1, #8]", x1=pointer(0x150, 8))[0]
    assert (gone.relation, gone.object) == (FREED, None)
    assert "unused rest of the heap" in gone.what


def test_both_are_possible_where_nothing_decides():
    # Of the freed chunk's neighbour by the tag, into the freed chunk by the address.
    found = stopped(glibc_heap(CHUNKS), "ldr x0, [x1]", x1=pointer(0x98, 5))
    assert {one.relation for one in found[:2]} == {OVER, FREED}
    assert not found[0].evident


@pytest.mark.parametrize(
    "function", ["free", "cfree", "__libc_free", "realloc", "operator delete[]"]
)
def test_a_second_free_reads_what_is_free(function):
    found = stopped(glibc_heap(CHUNKS), "ldrb w0, [x0]", (), function, x0=pointer(0x90, 7))
    assert [one.relation for one in found] == [Relation.DOUBLE_FREE]
    assert found[0].what == f"double free of a freed chunk of 48 bytes at {START + 0x90:#x}"
    other = stopped(glibc_heap(CHUNKS), "ldrb w0, [x0]", (), "freeze", x0=pointer(0x90, 7))
    assert other[0].relation is FREED


def test_a_free_of_what_malloc_did_not_return():
    found = stopped(glibc_heap(CHUNKS), "ldr x0, [x19, #8]", (), "free", x19=START + 0x48)
    assert [one.relation for one in found] == [Relation.INVALID_FREE]
    assert "invalid free: 8 bytes into a chunk of 48 bytes" in found[0].what


@pytest.mark.parametrize(
    ("number", "relation", "words"),
    [(1, FREED, "Scudo's header says that it was freed"), (2, FREED, "is in quarantine")],
)
def test_scudos_header_tells_the_state_and_its_tag_does_not(number, relation, words):
    blocks = [(48, 3, 1), (40, 5, 0), (17, 9, 2), (64, 2, 1)]
    first = stopped(scudo_heap(blocks), "ldr x0, [x1]", x1=pointer(80 * number + 16, 7))[0]
    assert (first.relation, first.strength) == (relation, READ)
    assert any(words in reason for reason in first.reasons)
    assert "again" not in first.what


def test_a_heap_of_the_programs_own_has_tags_and_no_chunks():
    layout = Layout()
    for tag in (3, 5, 9, 2, 5, 8):
        layout.add(bytes(96), tag)
    known = stopped(layout, "ldr x0, [x1, #104]", x1=pointer(96, 5))
    assert (known[0].relation, known[0].strength, known[0].object) == (OVER, LIKELY, None)
    assert all("chunk" not in one.what for one in known)
    unknown = stopped(layout, "ldr x0, [x1]", x1=pointer(2 * 96 + 8, 12))
    assert [one.relation for one in unknown] == [Relation.UNKNOWN]


def test_a_pointer_that_lost_its_tag():
    found = stopped(glibc_heap(CHUNKS), "ldr x0, [x1]", x1=START + 0x50)
    assert [one.relation for one in found] == [Relation.LOST_TAG]
    assert found[0].object is not None


def test_no_hypothesis_where_tags_match_or_mean_something_else():
    assert stopped(glibc_heap(CHUNKS), "ldr x0, [x1]", x1=pointer(0x50, 5)) == ()
    target = image().target()
    target.tags[START] = bytes(16)
    target.memory[START] = bytes(256)
    target.mappings = [Region(START, START + 256, "rw-", "[heap]", tagged=True)]
    place(target, "ldr x0, [x1]", (), {"x1": pointer(0, 4)})
    assert asked(target) == (), "a runtime's tags say whose memory it is"


@pytest.mark.parametrize("at", [0x1000, 0x20, 0x5FF0])
def test_memory_without_any_order_gets_no_object(at):
    layout = Layout()
    layout.add(bytes(range(256)) * 16, 0)
    layout.tags = bytearray((number * 7 + 3) % 16 for number in range(256))
    found = stopped(layout, "ldr x0, [x1]", x1=pointer(min(at, 0xF80), 5))
    assert all(one.object is None for one in found)


@pytest.mark.parametrize(
    ("state", "tag", "words"),
    [
        ("freed", 7, "had this tag: 7"),
        ("quarantined", 7, "had this tag: 7"),
        ("freed", 3, "had another tag: 3"),
    ],
)
def test_hardened_malloc_keeps_the_tag_that_a_freed_slot_had(state, tag, words):
    target, begin = hardened_target(3, 48, [("live", 9), (state, tag), ("live", 12)])
    place(target, "ldr x0, [x1, #8]", (), {"x1": tagged(begin + 48, 7)})
    first = asked(target)[0]
    assert (first.relation, first.strength) == (FREED, READ)
    assert first.what == f"use after free: 8 bytes into a freed slot of 48 bytes at {begin + 48:#x}"
    assert any(words in reason for reason in first.reasons)
    target, begin = hardened_target(3, 48, [("live", 9), (state, tag), ("live", 12)])
    place(target, "ldr x0, [x1]", (), {"x1": tagged(begin + 56, 7)})  # no pointer to the slot
    assert (asked(target)[0].strength is READ) is (tag == 7)


@pytest.mark.parametrize(
    ("message", "relation", "evident"),
    [
        ("free(): double free detected in tcache 2", Relation.DOUBLE_FREE, True),
        ("double free or corruption (!prev)", Relation.DOUBLE_FREE, False),
        ("munmap_chunk(): invalid pointer", Relation.INVALID_FREE, True),
        ("malloc(): corrupted top size", Relation.OVERFLOW, False),
        ("corrupted size vs. prev_size while consolidating", Relation.OVERFLOW, False),
        ("*** stack smashing detected ***: terminated", Relation.OVERFLOW, True),
    ],
)
def test_what_glibc_says_when_it_ends_a_process(message, relation, evident):
    text = struct.pack("<I", 4096) + message.encode() + b"\n\0" + bytes(4096)
    target = glibc_heap(CHUNKS).target()
    place(target, "ldr x0, [x1]", (), {"x1": 0})
    target.memory[STACK + PAGE] = struct.pack("<Q", STACK + 2 * PAGE)
    target.memory[STACK + 2 * PAGE] = text[:4096]
    target.symbols["__abort_msg"] = STACK + PAGE
    session = Session(target)
    (found,) = abort_hypotheses(session, session.current_thread())
    assert (found.relation, found.evident) == (relation, evident)
    assert found.reasons == (f"it said: {message}",)


def test_a_message_is_found_without_the_c_librarys_symbols():
    target = glibc_heap(CHUNKS).target()
    place(target, "ldr x0, [x1]", (), {"x1": 0})
    text = struct.pack("<I", 4096) + b"free(): invalid pointer\n\0"
    kept, data = STACK + 4 * PAGE, STACK + 2 * PAGE
    target.memory[kept] = text.ljust(PAGE, b"\0")
    target.memory[data] = struct.pack("<3Q", PAGE, kept + 8, kept).ljust(PAGE, b"\0")
    assert isinstance(target.mappings, list)
    target.mappings += [
        Region(data, data + PAGE, "rw-", "/usr/lib/libc.so.6", tagged=False),
        Region(kept, kept + PAGE, "rw-", "", tagged=False),
    ]
    session = Session(target)
    (found,) = abort_hypotheses(session, session.current_thread())
    assert found.relation is Relation.INVALID_FREE


def test_what_scudo_says_names_the_object():
    layout = scudo_heap([(48, 3, 1), (40, 5, 0), (17, 9, 2), (64, 2, 1)])
    target = layout.target()
    at = START + 80 + 16
    text = f"Scudo ERROR: invalid chunk state when deallocating address {at:#x}\n".encode()
    slots = struct.unpack("<16Q", text.ljust(128, b"\0"))
    place(target, "ldr x0, [x1]", slots, {"x1": 0})
    session = Session(target)
    (found,) = abort_hypotheses(session, session.current_thread())
    assert found.what == f"double free of a freed object of 40 bytes at {at:#x}"
    assert (found.relation, found.strength) == (Relation.DOUBLE_FREE, READ)


def test_an_abort_that_is_no_allocators_is_no_cause():
    target = glibc_heap(CHUNKS).target()
    place(target, "ldr x0, [x1]", (), {"x1": 0})
    session = Session(target)
    assert abort_hypotheses(session, session.current_thread()) == ()
