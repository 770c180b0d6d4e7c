"""SpiderMonkey's wasm code in cores of Debian's libraries, by the program's `Error().stack`."""

from __future__ import annotations

import re
import time
from itertools import islice, pairwise

import pytest

from mtedbg.analysis.code.audit import audit
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.code.sources.spidermonkey import SpiderMonkey
from mtedbg.dataclass import replace
from mtedbg.decode.jits.spidermonkey import FORMS
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Outcome
from mtedbg.model.finding import Flaw
from mtedbg.session import Session
from tests.jits.frozen import (
    calls_of,
    damaged,
    only_jit,
    oracle_stack,
    pc_of,
    processor_time,
    random_patches,
    session_of,
)
from tests.support import answers

NAMES = ("spidermonkey-128", "spidermonkey-140")
KINDS = {
    "spidermonkey-128": ["OptimizedTier", "LazyStubs"],
    "spidermonkey-140": ["SharedStubs", "BaselineTier", "LazyStubs"],
}
INNERMOST = "demo.inner"
WARM_S, COLD_S = 0.005, 0.3
MOST_READS = 20_000
ONE_S = 2.0


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    found = request.param
    assert isinstance(found, str)
    return found


@pytest.fixture(scope="module")
def session(name: str) -> Session:
    return session_of(name)


def test_frames_are_those_of_the_engines_own_stack(name: str, session: Session) -> None:
    frames = calls_of(session)
    oracle = oracle_stack(name)
    assert [one[0] for one in oracle] == [INNERMOST, "demo.middle", "demo.outer"]
    for level, (function, number, bytecode) in enumerate(oracle):
        frame = frames[level]
        place = code_at(session, frame.pc - frame.after_call)
        assert place.function == function
        assert place.outcome is Outcome.RANGE
        assert any(f"wasm-function[{number}] of module.js line 24" in one for one in place.notes)
        if level:  # the innermost has gone on from its call to where it died
            assert place.guest_rip == bytecode


def test_frames_go_on_through_stubs_and_javascript_to_the_end(session: Session) -> None:
    """Without the library's file, functions that keep no frame record are left out."""
    functions = [frame.function for frame in calls_of(session)]
    assert functions[3].startswith("InterpEntry of demo.outer")
    assert functions[-1].startswith("_start")


def test_the_entry_from_native_code_gives_its_caller_all_that_it_keeps(session: Session) -> None:
    frames = calls_of(session)
    native = frames[4]
    assert {"sp", "x19", "x28", "x29"} <= native.registers.keys()
    assert frames[3].registers["x29"] < native.registers["sp"] < native.registers["x29"]
    assert "libmozjs" in native.function


def test_blocks_are_of_their_kinds(name: str, session: Session) -> None:
    listed = only_jit(session, SpiderMonkey).blocks()
    assert [one.kind for one in listed.codes] == KINDS[name]
    assert not listed.cut
    assert listed.version == name.replace("spidermonkey-", "SpiderMonkey ") + {
        "spidermonkey-128": ".14.0", "spidermonkey-140": ".17.0"}[name]  # fmt: skip


def test_every_range_is_found_by_each_end_of_it(session: Session) -> None:
    code = only_jit(session, SpiderMonkey).code
    ranges = [(block, one) for block in code.all() for one in code.ranges(block)]
    assert len(ranges) > 15
    for block, one in ranges:
        for pc in (one.start, one.end - 1):
            assert code.at(pc) == block
            assert code.range_at(block, pc) == one


def test_code_is_listed_by_the_functions_name(session: Session) -> None:
    report = answers.ask(session, "jit-disas --function demo.inner -n 2")
    assert report.headline.split(":")[1].startswith(" demo.inner+0x0 in block")


def test_what_is_between_ranges_is_in_the_block(session: Session) -> None:
    code = only_jit(session, SpiderMonkey).code
    block = next(iter(code.all()))
    ranges = list(code.ranges(block))
    gap = next(left.end for left, right in pairwise(ranges) if left.end < right.start)
    assert code_at(session, gap).outcome is Outcome.BLOCK_NO_RANGE


def test_javascript_is_not_called_no_jit(session: Session) -> None:
    frames = calls_of(session)
    pc = next(one.pc for one in frames[4:] if "anonymous" in one.function)
    place = code_at(session, pc)
    assert place.outcome is Outcome.CANNOT_TELL
    assert code_at(session, session.file_starts["[stack]"]).outcome is Outcome.NOT_JIT


def test_another_version_is_named_and_not_guessed(session: Session) -> None:
    regions = session.target.regions()
    assert not isinstance(regions, Absent)
    other = damaged(session, {})
    renamed = [
        replace(one, name=re.sub(r"mozjs-1\d\d\.so\.1\d\d", "mozjs-115.so.115", one.name))
        for one in regions
    ]
    other.target.regions = lambda: renamed  # type: ignore[method-assign]
    place = code_at(other, pc_of(session))
    assert place.outcome is Outcome.UNKNOWN_VERSION
    assert "SpiderMonkey 115" in place.detail


def test_a_layout_that_does_not_hold_is_an_unknown_version(session: Session, monkeypatch) -> None:
    """A release that was not looked at, whose records are laid out in another way."""
    (found,) = jits(session)
    number = int(found.jit.version.split()[1].split(".")[0])  # type: ignore[union-attr]
    wrong = FORMS[128 if number == 140 else 140]
    monkeypatch.setitem(FORMS, number, wrong)
    monkeypatch.setattr("mtedbg.analysis.code.sources.spidermonkey.MEASURED", ())
    other = Session(session.target)
    place = code_at(other, pc_of(session))
    assert place.outcome in (Outcome.UNKNOWN_VERSION, Outcome.METADATA_NOT_DUMPED)


def test_the_audit_of_a_real_map_finds_nothing(session: Session) -> None:
    assert audit(session).findings == ()


def test_the_audit_finds_lists_that_differ(session: Session) -> None:
    code = only_jit(session, SpiderMonkey).code
    count = code.blocks_of(code.address).count
    changed = next(
        at for at in (code.address + 0x38, code.address + 0x50)
        if session.target.read_memory(at, 8) == count.to_bytes(8, "little")
    )  # fmt: skip
    findings = audit(damaged(session, {changed: count - 1})).findings
    assert Flaw.IN_FLIGHT in {one.what for one in findings}


def test_the_audit_finds_ranges_that_overlap(session: Session) -> None:
    code = only_jit(session, SpiderMonkey).code
    block = next(iter(code.all()))
    findings = audit(damaged(session, {block.ranges.address: 0xFF})).findings
    assert {one.what for one in findings} & {Flaw.OVERLAP, Flaw.DAMAGED}


def structures(session: Session) -> dict[str, tuple[int, int]]:
    """Everything that is read, by what it is."""
    code = only_jit(session, SpiderMonkey).code
    words, layout = code.words, code.layout
    block = next(one for one in code.all() if one.start <= pc_of(session) < one.end)
    meta = words.pointer(block.code + layout.meta)
    names = words.pointer(words.pointer(block.code + layout.names[0]) + layout.names[1])
    listed = code.blocks_of(code.address)
    functions = words.pointer(meta + layout.functions)
    return {
        "map": (code.address + 0x30, 0x40),
        "list": (listed.address, 8 * listed.count),
        "block": (block.address, 0x30),
        "vectors": (block.address + 0x70, 0x80),
        "owner": (words.pointer(block.address + 0x18), 0x28),
        "code": (block.code + min(layout.meta, layout.names[0]), 0x10),
        "ranges": (block.ranges.address, layout.range_size * block.ranges.count),
        "meta": (meta + layout.module, 0x30),
        "names": (names, 0x18),
        "functions": (functions, 8 * 6),
    }


def test_damage_is_an_answer_or_a_refusal_and_bounded(session: Session) -> None:
    pc, whole = pc_of(session), only_jit(session, SpiderMonkey)
    answers = set()
    for what, patches in random_patches(session, 14, structures(session)):
        other = damaged(session, patches)
        code = type(whole.code)(Words(other.target), whole.code.layout, whole.code.address)
        jit = SpiderMonkey(whole.version, code, other)
        began = time.monotonic()
        found = jit.at(pc)
        assert found is not None
        for span in (found.block, found.symbol):
            if present(span):
                assert span.start <= pc < span.end
        answers.add(found.block.reason if isinstance(found.block, Absent) else None)
        assert len(jit.blocks().codes) <= 1 << 16
        assert len(list(islice(jit.findings(), 100))) <= 100
        assert other.target.reads < MOST_READS, what  # type: ignore[attr-defined]
        assert time.monotonic() - began < ONE_S, what
    assert {None, Reason.DAMAGED} <= answers


def test_time_of_an_answer(session: Session) -> None:
    pc = pc_of(session)
    assert processor_time(lambda: code_at(Session(session.target), pc)) < COLD_S
    assert processor_time(lambda: only_jit(session, SpiderMonkey).at(pc)) < WARM_S


def test_a_hole_is_said(session: Session) -> None:
    """A core without the heap: the map is not to be found, and that is said."""
    code = only_jit(session, SpiderMonkey).code
    page = code.address & ~4095
    target = session.target
    read = target.read_memory

    def holed(address: int, length: int):
        if address < page + 4096 and address + length > page:
            return Absent(Reason.NOT_DUMPED)
        return read(address, length)

    other = damaged(session, {})
    other.target.read_memory = holed  # type: ignore[method-assign]
    assert code_at(other, pc_of(session)).outcome is Outcome.CANNOT_TELL
