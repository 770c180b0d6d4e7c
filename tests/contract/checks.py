"""What every adapter promises: plain functions, so that they also run inside a debugger.

No pytest here, and nothing newer than Python 3.11: a debugger brings its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.target import Target

GRANULE = 16


@dataclass(frozen=True)
class Facts:
    """What is known of the target from elsewhere.

    Attributes:
        tagged: first address of tagged memory.
        tags: the allocation tags from there on, one a granule.
        plain: address of a granule that is mapped and not tagged.
        plain_bytes: the bytes there.
        unmapped: a whole granule of nothing.
        symbol: a function's name.
        entry: its address.
        pc: of the current thread.
        threads: how many there are.
        kind: of target.
    """

    tagged: int
    tags: bytes
    plain: int
    plain_bytes: bytes
    unmapped: int
    symbol: str
    entry: int
    pc: int
    threads: int
    kind: str


def memory_is_whole_or_absent(target: Target, facts: Facts) -> None:
    assert target.read_memory(facts.plain, len(facts.plain_bytes)) == facts.plain_bytes
    assert target.read_memory(facts.plain + 1, 2) == facts.plain_bytes[1:3]
    assert isinstance(target.read_memory(facts.unmapped, 1), Absent)
    assert isinstance(target.read_memory(facts.unmapped, 1 << 50), Absent)


def nothing_is_at_the_end_of_the_address_space(target: Target, facts: Facts) -> None:
    assert isinstance(target.read_memory((1 << 64) - 4, 8), Absent)


def tags_are_one_byte_a_granule(target: Target, facts: Facts) -> None:
    end = facts.tagged + len(facts.tags) * GRANULE
    pieces = target.read_tags(facts.tagged, end)
    found = b""
    for piece in pieces:
        assert present(piece.tags), piece
        found += piece.tags
    assert found == facts.tags


def single_granules_and_odd_starts(target: Target, facts: Facts) -> None:
    for first, count in ((0, 1), (1, 1), (1, 2), (3, 4)):
        start = facts.tagged + first * GRANULE
        (piece,) = target.read_tags(start, start + count * GRANULE)
        assert piece.tags == facts.tags[first : first + count]


def pieces_cover_the_span(target: Target, facts: Facts) -> None:
    for start in (facts.tagged, facts.plain, facts.unmapped):
        pieces = target.read_tags(start, start + 4 * GRANULE)
        assert pieces[0].start == start
        assert pieces[-1].end == start + 4 * GRANULE
        for before, after in pairwise(pieces):
            assert before.end == after.start
        for piece in pieces:
            if not isinstance(piece.tags, Absent):
                assert len(piece.tags) == piece.granules


def holes_have_their_reason(target: Target, facts: Facts) -> None:
    (piece,) = target.read_tags(facts.plain, facts.plain + GRANULE)
    assert piece.tags == Absent(Reason.NOT_TAGGED)
    (piece,) = target.read_tags(facts.unmapped, facts.unmapped + GRANULE)
    assert isinstance(piece.tags, Absent)
    assert piece.tags.reason in (Reason.UNMAPPED, Reason.NOT_TAGGED)


def regions_are_in_order_and_say_what_is_tagged(target: Target, facts: Facts) -> None:
    regions = target.regions()
    if isinstance(regions, Absent):
        return
    for before, after in pairwise(regions):
        assert before.start < before.end <= after.start
    at = {
        name: [r for r in regions if r.start <= address < r.end]
        for name, address in (("tagged", facts.tagged), ("plain", facts.plain))
    }
    assert [region.tagged for region in at["tagged"]] == [True]
    assert [region.tagged for region in at["plain"]] == [False]
    assert not any(region.start <= facts.unmapped < region.end for region in regions)


def one_thread_is_current(target: Target, facts: Facts) -> None:
    threads = target.threads()
    assert len(threads) == facts.threads
    assert sum(thread.current for thread in threads) == 1
    assert len({thread.number for thread in threads}) == len(threads)


def registers_have_the_ports_names(target: Target, facts: Facts) -> None:
    for thread in target.threads():
        registers = target.registers(thread)
        assert not isinstance(registers, Absent)
        wanted = {f"x{number}" for number in range(31)} | {"sp", "pc", "pstate"}
        assert wanted <= registers.keys() <= wanted | {"tpidr", "vg"}
        assert all(0 <= value < 1 << 64 for value in registers.values())
        if thread.current:
            assert registers["pc"] == facts.pc


def symbols_go_both_ways(target: Target, facts: Facts) -> None:
    assert target.symbol_address(facts.symbol) == facts.entry
    symbol = target.symbol_at(facts.entry + 4)
    assert not isinstance(symbol, Absent)
    assert (symbol.name, symbol.offset) == (facts.symbol, 4), symbol
    assert isinstance(target.symbol_address("no_such_symbol"), Absent)
    assert isinstance(target.symbol_at(facts.unmapped), Absent)


def expressions_keep_the_tag(target: Target, facts: Facts) -> None:
    assert target.evaluate("0x0300000000001000") == 0x0300000000001000
    assert target.evaluate("$pc") == facts.pc
    assert target.evaluate("16") == 16


def wrong_expressions_are_one_error(target: Target, facts: Facts) -> None:
    for wrong in ("$no_such_register +", "no_such_symbol", "1 +", ")"):
        answer = _error_of(target, wrong)
        assert answer, f"{wrong!r} was evaluated"
        assert "\n" not in answer


def _error_of(target: Target, expression: str) -> str:
    try:
        target.evaluate(expression)
    except ExpressionError as error:
        return error.message
    return ""


def it_says_what_it_is(target: Target, facts: Facts) -> None:
    info = target.info()
    assert info.kind == facts.kind
    assert info.tag_source in ("ptrace", "qMemTags", "ldg", "core")


CHECKS: dict[str, Callable[[Target, Facts], None]] = {
    check.__name__: check
    for check in (
        memory_is_whole_or_absent,
        nothing_is_at_the_end_of_the_address_space,
        tags_are_one_byte_a_granule,
        single_granules_and_odd_starts,
        pieces_cover_the_span,
        holes_have_their_reason,
        regions_are_in_order_and_say_what_is_tagged,
        one_thread_is_current,
        registers_have_the_ports_names,
        symbols_go_both_ways,
        expressions_keep_the_tag,
        wrong_expressions_are_one_error,
        it_says_what_it_is,
    )
}
