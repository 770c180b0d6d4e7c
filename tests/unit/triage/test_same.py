"""Which deaths are one, by what a rebuild, a thread or a loop changes of them."""

from __future__ import annotations

from itertools import count

from mtedbg.analysis.postmortem.groups import Group, groups
from mtedbg.analysis.postmortem.same import NEAR, Joined
from mtedbg.dataclass import replace
from mtedbg.model.triage import Call, Evidence, Read, Signature, TimeSource
from mtedbg.reports.triage import report

_NUMBERS = count()
FAULT = "tag check fault (synchronous)"


def call(offset: int, function: str = "", into: int = 0, build: str = "aa", size: int = 0) -> Call:
    return Call("game", build, offset, function, into, size)


def read(*calls: Call, cause: str = FAULT, rooted: bool = False, main: bool = True) -> Read:
    deciding = len(calls) - 1 if rooted and len(calls) > 2 else len(calls)
    made = Signature(cause, program="game", calls=tuple(map(str, calls[:deciding])))
    evidence = Evidence(calls, deciding, rooted, main)
    number = next(_NUMBERS)
    return Read(f"/core.{number}", 1, 1, number, TimeSource.FILE, made, evidence=evidence)


def sizes(*reads: Read) -> list[int]:
    return [len(one.members) for one in groups(reads)]


def one_of(*reads: Read) -> Group:
    (found,) = groups(reads)
    return found


def test_one_accessor_of_two_bugs() -> None:
    first = [read(call(0x10), call(0x100)) for _ in range(2)]
    second = [read(call(0x10), call(0x200)) for _ in range(2)]
    assert sizes(*first, *second) == [2, 2]


def test_one_function_that_two_threads_began_in() -> None:
    """The same place, called by main in one run and by a thread's function in another."""
    found = one_of(
        read(call(0x10), call(0x100), rooted=True),
        read(call(0x10), call(0x200), rooted=True, main=False),
    )
    assert found.joined is Joined.CALLER
    # But who calls an accessor twice has two bugs.
    assert sizes(
        read(call(0x10), call(0x100), rooted=True),
        read(call(0x10), call(0x140), rooted=True),
        read(call(0x10), call(0x200), rooted=True, main=False),
    ) == [1, 1, 1]


def test_where_a_thread_began_does_not_decide() -> None:
    found = one_of(
        read(call(0x10), call(0x100), call(0x200), rooted=True),
        read(call(0x10), call(0x100), call(0x300), rooted=True, main=False),
    )
    assert found.joined is Joined.PLACE
    assert found.ways == 1


def test_calls_beyond_those_that_decide_may_be_of_several_bugs() -> None:
    inner = [call(0x10 * at) for at in range(1, 5)]
    found = one_of(*(
        replace(one, evidence=replace(one.evidence, deciding=4))
        for one in (read(*inner, call(0x100)), read(*inner, call(0x200)), read(*inner, call(0x100)))
    ))  # fmt: skip
    assert found.ways == 2
    (note,) = report([found]).notes
    assert note.endswith("reached in 2 ways; it may be more than one bug")


def test_two_loads_of_one_loop() -> None:
    callers = (call(0x100), call(0x200))
    assert sizes(read(call(0x10), *callers), read(call(0x10 + NEAR), *callers)) == [2]
    assert sizes(read(call(0x10), *callers), read(call(0x14 + NEAR), *callers)) == [1, 1]
    # Next to each other in two functions, or in one that nobody is known to have called.
    assert sizes(read(call(0x10, "a"), *callers), read(call(0x14, "b"), *callers)) == [1, 1]
    assert sizes(read(call(0x10)), read(call(0x14))) == [1, 1]


def test_a_rebuild_by_functions() -> None:
    before = [read(call(0x10, "get", 16), call(0x100, "bug", 4))]
    after = [read(call(0x90, "get", 16, "bb"), call(0x180, "bug", 4, "bb"))]
    found = one_of(*before, *after)
    assert found.joined is Joined.SYMBOLS
    assert found.builds == 2


def test_a_function_that_was_changed() -> None:
    """One crash in each build; with two that look alike nobody can tell which is which."""
    old = read(call(0x10, "get", 16), call(0x100, "bug", 4))
    new = read(call(0x90, "get", 20, "bb"), call(0x184, "bug", 8, "bb"))
    assert one_of(old, new).signatures == (old.signature.id, new.signature.id)  # type: ignore[union-attr]
    other = read(call(0x90, "get", 20, "bb"), call(0x190, "bug", 24, "bb"))
    assert sizes(old, new, other) == [1, 1, 1]


def test_a_rebuild_without_symbols_by_its_shape() -> None:
    before = read(call(0x10, size=32), call(0x100, size=48), call(0x200, size=16))
    after = read(*(call(0x80 + at, build="bb", size=s) for at, s in
                   ((0x10, 32), (0x100, 48), (0x200, 16))))  # fmt: skip
    assert one_of(before, after).joined is Joined.SHAPE


def test_a_rebuild_that_moved_code_by_one_distance() -> None:
    """Each bug alone could be any other; that all have moved alike is no chance."""
    before = [read(call(at)) for at in (0x1000, 0x1100, 0x1260)]
    after = [read(call(at + 0x40, build="bb")) for at in (0x1000, 0x1100, 0x1260)]
    assert sizes(*before, *after) == [2, 2, 2]
    for one in groups([*before, *after]):
        places = [member.evidence.calls[0].offset for member in one.members]
        assert places[1] - places[0] == 0x40
    # The same number of crashes, but no two of them as far apart.
    other = [read(call(at, build="cc")) for at in (0x2010, 0x2200, 0x2800)]
    assert sizes(*before, *other) == [1] * 6


def test_a_shape_never_joins_what_names_tell_apart() -> None:
    before = read(call(0x10, "a", 4, size=32), call(0x100, "b", 4, size=48), call(0x200, "c", 4))
    after = read(
        call(0x90, "x", 4, "bb", 32), call(0x180, "y", 4, "bb", 48), call(0x280, "z", 4, "bb")
    )
    assert sizes(before, after) == [1, 1]


def test_two_builds_and_a_program_that_is_gone() -> None:
    """Of the older build only the core is left, the newer one has its program beside it."""
    older = read(call(0x10, size=32), call(0x100, size=48), call(0x200, size=64))
    newer = read(
        call(0x50, "get", 16, "bb", 32), call(0x180, "bug", 4, "bb", 48),
        call(0x2C0, "run", 8, "bb", 64),
    )  # fmt: skip
    found = one_of(older, newer)
    assert found.joined is Joined.SHAPE
    assert found.best is newer


def test_other_deaths_are_others() -> None:
    assert sizes(read(call(0x10)), read(call(0x10), cause="SIGABRT")) == [1, 1]


def guessed(offset: int) -> Call:
    return replace(call(offset), guess=True)


def test_guesses_tell_bugs_of_one_accessor_apart() -> None:
    """Of code without frame pointers, in a core without its program: words on the stack."""
    first = [read(call(0x10), guessed(0x100)) for _ in range(3)]
    second = [read(call(0x10), guessed(0x200)) for _ in range(3)]
    assert sizes(*first, *second) == [3, 3]
    assert first[0].signature.calls == ("game+0x10", "game+0x100?")  # type: ignore[union-attr]


def test_a_word_left_on_the_stack_and_a_thread_are_no_other_bug() -> None:
    often = [read(call(0x10), guessed(0x100), guessed(0x200)) for _ in range(14)]
    stray = [read(call(0x10), guessed(0x100), guessed(0x300))]
    thread = [read(call(0x10), guessed(0x100), main=False) for _ in range(7)]
    assert sizes(*often, *stray, *thread) == [22]


def test_distances_of_many_deaths_agree_by_chance() -> None:
    """Of two builds with many crashes each, some pairs are always as far apart as others."""
    before = [read(call(0x1000 + 0x35 * at * at * 4)) for at in range(12)]
    after = [read(call(0x1000 + 0x2B * at * at * 4 + 0x40, build="bb")) for at in range(12)]
    assert sizes(*before, *after) == [1] * 24


def related(relation: str) -> Read:
    one = read(call(0x10), call(0x100))
    assert one.signature is not None
    return replace(one, signature=replace(one.signature, relation=relation))


def test_a_relation_that_is_not_known_is_none_of_its_own() -> None:
    assert sizes(related("use-after-free"), related(""), related("use-after-free")) == [3]
    assert sizes(related("use-after-free"), related("overflow"), related("")) == [1, 1, 1]
    assert related("overflow").signature.id == related("").signature.id  # type: ignore[union-attr]


def test_a_message_that_could_not_be_read_is_none_of_its_own() -> None:
    """Without the C library's symbols nobody knows what the program said."""

    def said(message: str) -> Read:
        one = read(call(0x10), call(0x100), cause="SIGABRT")
        assert one.signature is not None
        return replace(one, signature=replace(one.signature, message=message))

    assert sizes(said("free(): invalid size"), said("")) == [2]
    assert sizes(said("free(): invalid size"), said("double free"), said("")) == [1, 1, 1]
