"""Several debug roots in a process, and what links between them may come to."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.layout import find_runtimes
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, ROOT_CHECKED, image

SIZE, SELF, NEXT = 88, 24, 72
ROOTS = 0x7D0000000000
STRIDE = 0x100
MOST = 16
MEMOPS = 6
END = None


def place(number: int | None) -> int:
    return 0 if number is None else ROOTS + number * STRIDE


def linked(nexts: Sequence[int | None]) -> FakeTarget:
    """A process with as many roots as links: each describes the same runtime."""
    target = image().target()
    first = image().places["root"] - BASE
    for number, following in enumerate(nexts):
        root = bytearray(image().data[first : first + SIZE])
        root[SELF : SELF + 8] = place(number).to_bytes(8, "little")
        root[ROOT_CHECKED : ROOT_CHECKED + 4] = zlib.crc32(root[:ROOT_CHECKED]).to_bytes(
            4, "little"
        )
        root[NEXT : NEXT + 8] = place(following).to_bytes(8, "little")
        target.memory[place(number)] = bytes(root)
    target.symbols = {"mtedbg_root": place(0)}
    return target


def test_roots_in_a_row() -> None:
    found = find_runtimes(linked([*range(1, MOST), END]))
    assert isinstance(found, tuple)
    assert [one.address for one in found] == [place(number) for number in range(MOST)]
    assert [problem for one in found for problem in one.problems] == []


@pytest.mark.parametrize(
    ("nexts", "roots", "back"),
    [
        ([0], 1, 0),
        ([1, 0], 2, 0),
        ([1, 2, 0], 3, 0),
        ([1, 2, 1], 3, 1),
        ([1, 2, 3, 4, 4], 5, 4),
        ([*range(1, MOST), 3], MOST, 3),
    ],
    ids=str,
)
def test_a_ring_is_gone_through_once(nexts: list[int | None], roots: int, back: int) -> None:
    found = find_runtimes(linked(nexts))
    assert isinstance(found, tuple)
    assert [one.address for one in found] == [place(number) for number in range(roots)]
    assert [problem for one in found for problem in one.problems] == [
        f"debug root at {place(back):#x}: the chain of roots is circular"
    ]


def test_more_roots_than_any_process_has() -> None:
    found = find_runtimes(linked([*range(1, 4 * MOST), END]))
    assert isinstance(found, tuple)
    assert len(found) == MOST
    assert found[-1].problems == (
        f"debug root at {place(MOST):#x}: the chain of roots is longer than {MOST}",
    )


@pytest.mark.parametrize("line", ["memops", "jit-blocks", "jit-segments", "memop-log", "jit-audit"])
def test_every_command_says_it_and_answers(line: str) -> None:
    command = find(line)
    assert command is not None
    answer = json.loads(execute(Session(linked([1, 2, 1])), command, "--json"))
    said = f"debug root at {place(1):#x}: the chain of roots is circular"
    if line == "jit-audit":
        assert said in [row["detail"] for row in answer["rows"]]
    else:
        assert said in answer["notes"]
    assert answer["rows"]
    if line == "memops":
        assert len(answer["rows"]) == 3 * MEMOPS
