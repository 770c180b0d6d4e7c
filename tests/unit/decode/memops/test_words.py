"""Memop words against what GNU as makes of the same instructions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mtedbg.decode.memops.words import access_in, access_mode, branch_target, insert_in, insert_mode
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memop import Mode

ADDRESS, CORE = 16, 27
LOCAL_INSERT = "bfi x16, x27, #56, #4"

INSERTS = {
    LOCAL_INSERT: Mode.LOCAL,
    "bfc x16, #56, #4": Mode.SHARED,
    "orr x16, x16, #0x0f00000000000000": Mode.SHARED,
    "bfi x16, x26, #56, #4": None,
    "bfi x17, x27, #56, #4": None,
    "bfi x16, x27, #55, #4": None,
    "bfi x16, x27, #56, #5": None,
    "bfc x16, #52, #4": None,
    "orr x16, x17, #0x0f00000000000000": None,
    "orr x16, x16, #0x0e00000000000000": None,
    "nop": None,
}
ACCESSES: dict[str, Mode | Absent | None] = {}
for size, register in (("", "x3"), ("", "w3"), ("h", "w3"), ("b", "w3")):
    for word in ("ldr", "str", "ldur", "stur"):
        ACCESSES[f"{word}{size} {register}, [x16]"] = Mode.LOCAL
    for word in ("ldapr", "ldar", "stlr", "ldapur", "stlur"):
        ACCESSES[f"{word}{size} {register}, [x16]"] = Mode.SHARED
    for word in ("ldaddal", "ldclral", "ldeoral", "ldsetal", "swpal", "casal"):
        ACCESSES[f"{word}{size} {register}, {register}, [x16]"] = NOT_APPLICABLE
ACCESSES |= {
    "ldr x3, [x15]": None,
    "ldr x3, [sp]": None,
    "ldr x3, #8": None,
    "prfm pldl1keep, [x16]": None,
    "stg x16, [x16]": None,
    "ret": None,
}


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The word of every instruction above, by GNU as."""
    folder: Path = tmp_path_factory.mktemp("words")
    texts = [*INSERTS, *ACCESSES]
    (folder / "words.s").write_text("\n".join(texts) + "\n")
    steps = (
        ["as", "-march=armv8.5-a+memtag+rcpc", "words.s", "-o", "words.o"],
        ["objcopy", "-O", "binary", "-j", ".text", "words.o", "words.bin"],
    )
    for step in steps:
        command = [f"aarch64-linux-gnu-{step[0]}", *step[1:]]
        subprocess.run(command, cwd=folder, check=True)
    data = (folder / "words.bin").read_bytes()
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    return dict(zip(texts, words, strict=True))


def test_tag_inserts(assembled: dict[str, int]) -> None:
    for text, mode in INSERTS.items():
        found = insert_mode(assembled[text], ADDRESS, CORE)
        assert (found if isinstance(found, Mode) else None) is mode, text


def test_accesses(assembled: dict[str, int]) -> None:
    for text, mode in ACCESSES.items():
        found = access_mode(assembled[text], ADDRESS)
        hole = isinstance(found, Absent) and found.is_hole
        assert (None if hole else found) == mode, text


def test_the_other_forms_are_made(assembled: dict[str, int]) -> None:
    pairs = [("ldr x3, [x16]", "ldapr x3, [x16]"), ("strb w3, [x16]", "stlrb w3, [x16]")]
    for local, shared in pairs:
        assert access_in(assembled[shared], Mode.LOCAL) == assembled[local]
        assert access_in(assembled[local], Mode.SHARED) == assembled[shared]
        assert access_in(assembled[local], Mode.LOCAL) == assembled[local]
    locked = assembled["ldaddal x3, x3, [x16]"]
    assert access_in(locked, Mode.LOCAL) == locked
    assert isinstance(access_in(assembled["stlur x3, [x16]"], Mode.LOCAL), Absent)
    assert isinstance(access_in(assembled["ret"], Mode.LOCAL), Absent)


def test_the_other_inserts_are_made(assembled: dict[str, int]) -> None:
    for shared_tag, text in ((0, "bfc x16, #56, #4"), (15, list(INSERTS)[2])):
        assert insert_in(Mode.SHARED, ADDRESS, CORE, shared_tag) == assembled[text]
        assert insert_in(Mode.LOCAL, ADDRESS, CORE, shared_tag) == assembled[LOCAL_INSERT]


@pytest.mark.parametrize(
    ("word", "expected"),
    [(0x14000003, 0x100C), (0x17FFFFFF, 0xFFC), (0x16000000, 0x1000 - (1 << 27))],
)
def test_branches(word: int, expected: int) -> None:
    assert branch_target(word, 0x1000) == expected
    assert branch_target(word ^ 0x8000_0000, 0x1000) == NOT_APPLICABLE  # BL
