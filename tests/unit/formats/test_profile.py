"""Profiles as files: what is written is read back, and what is none is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtedbg.errors import FileFormatError
from mtedbg.formats import profile as form
from mtedbg.formats.profile import profile_text, read_profile
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    ModuleIdentity,
    Need,
    Profile,
    ProfileAccess,
    ProfileMode,
    ProgramProfile,
)

LOCAL, SHARED = ProfileMode.LOCAL, ProfileMode.SHARED
LOAD = ProfileAccess.LOAD

WORDS = st.integers(0, (1 << 32) - 1)
FACTS = st.builds(
    MemopFacts, st.sampled_from(ProfileAccess), WORDS, st.sampled_from(ProfileMode), WORDS, WORDS,
    st.booleans(), st.none() | st.integers(0, (1 << 64) - 1),
)  # fmt: skip
KEYS = st.builds(MemopKey, st.integers(0, (1 << 64) - 1), WORDS)
PROGRAMS = st.builds(
    ProgramProfile,
    st.text(),
    st.builds(ModuleIdentity, st.integers(0, (1 << 64) - 1), st.sampled_from(("", "00ff", "a1"))),
    st.dictionaries(KEYS, FACTS),
    st.text(),
)
PROFILES = st.builds(Profile, st.lists(PROGRAMS).map(tuple))


def memop(**changes: Any) -> dict[str, Any]:
    """A memop as it stands in a file."""
    return {
        "rip": "0x401012", "ordinal": 0, "access": "load", "size": 8, "mode": "shared",
        "flips": 1, "faults": 2, "pinned": False, **changes,
    }  # fmt: skip


def whole(*memops: Any, **changes: Any) -> dict[str, Any]:
    """A profile as it stands in a file."""
    program = {"name": "copy.elf", "digest": "0x10c89abcdef", "memops": [*memops]}
    return {"kind": "mtedbg-profile", "version": 1, "programs": [program], **changes}


def read(made: Any) -> Profile:
    return read_profile(json.dumps(made).encode(), "file")


def problem(made: Any) -> str:
    with pytest.raises(FileFormatError) as caught:
        read(made)
    assert caught.value.message.startswith("file is not a profile: ")
    assert "\n" not in caught.value.message
    return caught.value.message.removeprefix("file is not a profile: ")


@given(PROFILES)
def test_what_is_written_is_read_back(profile: Profile) -> None:
    text = profile_text(profile)
    assert read_profile(text.encode(), "file") == profile
    assert profile_text(read_profile(text.encode(), "file")) == text


def test_a_memop_that_is_there_twice_counts_twice() -> None:
    (program,) = read(whole(memop(), memop(mode="local", flips=4, pinned=True))).programs
    assert program.memops == {
        MemopKey(0x401012, 0): MemopFacts(LOAD, 8, SHARED, flips=5, faults=4, pinned=True)
    }


def test_executions_and_build_ids_are_of_version_2() -> None:
    made = whole(memop(executions=3), memop(ordinal=1), version=2)
    made["programs"][0]["build_id"] = "0A"
    (program,) = read(made).programs
    assert program.identity == ModuleIdentity(0x10C89ABCDEF, "0a")
    assert [facts.executions for facts in program.memops.values()] == [3, None]
    made["programs"][0]["build_id"] = "0x"
    assert problem(made) == "programs[0].build_id is '0x', which is not hexadecimal"


def test_counts_end_where_the_runtimes_do() -> None:
    (program,) = read(whole(memop(flips=(1 << 32) - 1), memop())).programs
    assert program.memops[MemopKey(0x401012, 0)].flips == (1 << 32) - 1


def test_what_a_later_version_adds_is_no_harm() -> None:
    assert read(whole(memop(note="more"), extra=[1])) == read(whole(memop()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rip": 4198418}, "has no rip, or one that is not text"),
        ({"rip": "401012"}, ".rip is '401012', which is not an address"),
        ({"rip": "0x"}, ".rip is '0x', which is not an address"),
        ({"rip": "0x1_0"}, ".rip is '0x1_0', which is not an address"),
        ({"rip": "0x" + "1" * 17}, ".rip is '0x" + "1" * 17 + "', which is not an address"),
        ({"rip": "0x٣"}, ".rip is '0x٣', which is not an address"),
        ({"ordinal": -1}, ".ordinal is not a number of 32 bits"),
        ({"ordinal": True}, ".ordinal is not a number of 32 bits"),
        ({"flips": 1 << 32}, ".flips is not a number of 32 bits"),
        ({"faults": 1.5}, " has no faults, or one that is not a number"),
        ({"access": "fetch"}, ".access is 'fetch': none of load, store, rmw"),
        ({"mode": "Shared"}, ".mode is 'Shared': none of local, shared, either"),
        ({"pinned": 0}, " has no pinned, or one that is not true or false"),
        ({"executions": -1}, ".executions is not a number of 64 bits"),
        ({"executions": "3"}, ".executions is not a number"),
        ({"size": None}, " has no size, or one that is not a number"),
    ],
)
def test_each_field_of_a_memop(changes: dict[str, Any], said: str) -> None:
    assert problem(whole(memop(), memop(**changes))).startswith("programs[0].memops[1]")
    assert problem(whole(memop(), memop(**changes))).endswith(said)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([], 'its kind is not "mtedbg-profile"'),
        (whole(kind="other"), 'its kind is not "mtedbg-profile"'),
        (whole(version=3), "it is of version 3, not 2"),
        (whole(version="\x1b[31m" * 9), "it is of version '\\x1b[31m\\x1b[31m\\x1, not 2"),
        (whole(version=True), "it is of version True, not 2"),
        (whole(programs={}), "the profile has no programs, or one that is not a list"),
        (whole(programs=[1]), "programs[0] is not an object"),
        (whole(programs=[{}]), "programs[0] has no name, or one that is not text"),
        (whole(7), "programs[0].memops[0] is not an object"),
        (
            whole(programs=[{"name": "\ud800", "digest": "0x0", "memops": []}]),
            "programs[0].name is not text",
        ),
    ],
)
def test_each_part_of_a_profile(made: Any, said: str) -> None:
    assert problem(made) == said


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000, b"1" * 5000, b'{"kind": "mtedbg-profile"', b"NaN"],
)
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(FileFormatError, match=r"^file is not a profile: "):
        read_profile(data, "file")


def test_one_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(whole(memop())).encode()
    monkeypatch.setattr(form, "MOST_BYTES", len(data))
    read_profile(data, "file")
    with pytest.raises(FileFormatError, match="longer than 0 MiB"):
        read_profile(data + b" ", "file")


EITHER = ProfileMode.EITHER


@pytest.mark.parametrize(
    ("facts", "need"),
    [
        (MemopFacts(LOAD, 8, LOCAL), Need.UNKNOWN),  # it may never have run
        (MemopFacts(LOAD, 8, SHARED), Need.ORDER),
        (MemopFacts(LOAD, 8, LOCAL, flips=2), Need.ORDER),  # patched back
        (MemopFacts(LOAD, 8, LOCAL, faults=1), Need.ORDER),  # interpreted
        (MemopFacts(LOAD, 8, LOCAL, pinned=True), Need.ORDER),
        (MemopFacts(LOAD, 8, SHARED, executions=0), Need.NEVER_RUN),
        (MemopFacts(LOAD, 8, LOCAL, executions=0), Need.NEVER_RUN),
        (MemopFacts(LOAD, 8, LOCAL, executions=4), Need.OWNED),
        (MemopFacts(LOAD, 8, EITHER, executions=4), Need.UNKNOWN),
        (MemopFacts(LOAD, 8, EITHER, flips=2, faults=2, executions=4), Need.ORDER),
    ],
)
def test_what_needs_order(facts: MemopFacts, need: Need) -> None:
    assert facts.need is need
    assert facts.needs_order is (need is Need.ORDER)
