"""`jit-disas`: what is shown next to the code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from tests.support.runtime_image import image


def run(line: str) -> str:
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return execute(image().session(), command, rest)


def report(line: str) -> dict[str, Any]:
    answer = json.loads(run(f"{line} --json"))
    assert isinstance(answer, dict)
    return answer


def test_code_around_the_pc() -> None:
    rows = report("jit-disas $pc")["rows"]
    here = [row for row in rows if row["mark"]]
    base = image().places["baseline"]
    assert int(rows[0]["address"], 16) == base
    assert [(int(row["address"], 16) - base, row["mark"], row["memop"]) for row in here][:4] == [
        (0x10, "[1]", 1),
        (0x14, "=> [2]", 1),
        (0x20, "[1] patched", 2),
        (0x24, "[2] patched", 2),
    ]
    assert rows[0]["guest_rip"] == "0x401000"
    assert here[1]["guest_rip"] == "0x401008"
    assert here[1]["instruction"] == "ldr x1, [x16]"


def test_code_of_a_block() -> None:
    rows = report("jit-disas 1 -n 100")["rows"]
    assert len(rows) == 0x100 // 4
    text = run("jit-disas 1")
    assert "   EntryStub enter:\n" in text
    assert "   BuiltinThunk memcpy:\n" in text
    assert report("jit-disas 9 -n 4")["headline"].startswith("block 9 (BaselineTier)")


def test_a_block_that_goes_on() -> None:
    base = image().places["baseline"]
    answer = report("jit-disas 2 -n 4")
    assert answer["notes"] == [
        f"the block continues: `jit-disas {base + 16:#x} -n 4`",
        *answer["notes"][1:],
    ]
    following = report(f"jit-disas {base + 16:#x} -n 4")["rows"]
    assert int(following[0]["address"], 16) == base + 16


@pytest.mark.parametrize("what", ["0x10", "77", "0x7e0000000000"])
def test_where_no_code_is(what: str) -> None:
    answer = report(f"jit-disas {what}")
    assert answer["rows"] == []
    assert "not in translated code" in answer["headline"]
