"""The commands about the runtime, as a user types them, on the image of a runtime."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.errors import LayoutError, MtedbgError, NoRuntimeError, UsageError
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, Image, image

KEYS = {
    "guest-frame": "thread frame_address rip gregs vectors x87 host_core_id r_host_core_id "
    "rseq_core_id in_jit consistent owner",
    "memop": "id address block guest_rip access size mode mode_decoded consistent flips "
    "executions pinned last_fault instructions",
    "memop-log": "time thread event memop address old new core",
    "jit-block": "outcome source block range function guest_rip memop executions line version",
    "jit-blocks": "id kind tier base size segment state ranges supersedes superseded_by "
    "source function guest_rip line program",
    "jit-segments": "base capacity used blocks references",
    "jit-disas": "address bytes instruction guest_rip memop mark",
    "jit-audit": "severity what where detail",
    "memops": "id address block guest_rip access size mode mode_decoded consistent flips "
    "executions pinned last_fault instructions",
    "memop-verify": "id kind detail thread",
    "guest-bt": "level rip function host_pc block line program inlined guest_thread",
}
LINES = [
    *("guest-frame", "memop", "memop-log", "jit-block $pc", "jit-blocks", "jit-segments"),
    *("jit-disas $pc", "jit-audit", "memops", "memop-verify", "guest-bt"),
]


def run(line: str, made: Image | None = None) -> str:
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return execute((made or image()).session(), command, rest)


def report(line: str, made: Image | None = None) -> dict[str, Any]:
    answer = json.loads(run(f"{line} --json", made))
    assert isinstance(answer, dict)
    return answer


def row(line: str, made: Image | None = None) -> dict[str, Any]:
    (only,) = report(line, made)["rows"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize("line", LINES)
def test_the_keys_are_those_that_were_promised(line: str) -> None:
    answer = report(line)
    keys = KEYS[answer["command"]].split()
    assert [column["key"] for column in answer["columns"]] == keys
    assert answer["rows"]
    assert all(list(one) == keys for one in answer["rows"])


def test_jit_block() -> None:
    found = row("jit-block $pc")
    assert (found["outcome"], found["function"], found["memop"]) == ("range", "main", 1)
    assert found["block"]["id"] == 2
    assert found["range"]["start"] == found["block"]["start"]
    assert run("jit-block $pc").startswith(
        "0x7e00000001d4: Function main+0x14 in block 2 (BaselineTier), memop 1\n"
    )


def test_jit_block_takes_tagged_pointers() -> None:
    pc = image().places["baseline"] | 0x5 << 56
    assert row(f"jit-block {pc:#x}")["outcome"] == "range"


@pytest.mark.parametrize(
    ("place", "offset", "line"),
    [
        ("baseline", 0x1C0, "in block 2 (BaselineTier), in none of its ranges"),
        ("baseline", 0x200, "in segment 1, between its code blocks"),
        ("stubs", 0x44, "BuiltinThunk+0x4 in block 1 (SharedStubs)"),
        ("gone", 0, "Function sum+0x0 in retired block 9 (BaselineTier)"),
        ("stubs", -8, "not in translated code"),
    ],
)
def test_jit_block_says_which_kind_of_nowhere(place: str, offset: int, line: str) -> None:
    pc = image().places[place] + offset
    assert run(f"jit-block {pc:#x}").startswith(f"{pc:#x}: {line}\n")


def test_jit_block_tells_why_a_block_was_retired() -> None:
    assert "note: retired: made again\n" in run(f"jit-block {image().places['gone']}")


def test_jit_blocks_filters() -> None:
    assert [one["id"] for one in report("jit-blocks")["rows"]] == [1, 2, 3, 9]
    for options, ids in (
        ("--kind baselinetier", [2, 9]),
        ("--tier Optimized", [3]),
        ("--function sum", [2, 3, 9]),
        ("--function 1 --kind OptimizedTier", [3]),
    ):
        assert [one["id"] for one in report(f"jit-blocks {options}")["rows"]] == ids


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--kind Wrong", "no BlockKind is called 'Wrong'"),
        ("--tier Wrong", "no Tier is called 'Wrong'"),
        ("--function nobody", "no guest function is called 'nobody'"),
    ],
)
def test_jit_blocks_refuses_names_that_are_not_there(options: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        run(f"jit-blocks {options}")


def test_memop_by_pc_and_by_id() -> None:
    assert row("memop")["id"] == 1
    assert row(f"memop {image().places['baseline'] + 0x24}")["id"] == 2
    found = row("memop 2")
    assert found["last_fault"]["logical_tag"] == 2
    assert [one["text"] for one in found["instructions"]] == [
        "bfc x16, #0x38, #4",
        "stlrb w2, [x16]",
    ]
    assert [one["before"] for one in found["instructions"]] == [
        "bfi x16, x27, #0x38, #4",
        "strb w2, [x16]",
    ]


def test_memop_where_none_is() -> None:
    answer = report("memop 99")
    assert (answer["rows"], answer["partial"]) == ([], False)
    assert answer["headline"] == "no memop is at 0x63, and none has this id"


def test_memop_says_what_is_wrong_with_it() -> None:
    assert "but its bytes say otherwise" in run("memop 6")
    assert "a patch is in flight" in run("memop 3")


def test_memop_log() -> None:
    rows = report("memop-log -n 2 --memop 2")["rows"]
    assert [(one["event"], one["old"], one["new"]) for one in rows] == [
        ("Retag", 2, 0),
        ("Patch", "Local", "Shared"),
    ]
    assert {one["thread"] for one in report("memop-log --thread 3")["rows"]} == {3}


def test_guest_frame() -> None:
    found = row("guest-frame")
    assert found["gregs"]["rax"] == "0x0000000000009000"
    assert (found["host_core_id"], found["r_host_core_id"], found["in_jit"]) == (2, 2, True)
    assert found["owner"] == "core"
    assert "core: memory with tag 2 is local to the core that its frame names" in run("guest-frame")
    assert [one["thread"] for one in report("guest-frame --all-threads")["rows"]] == [1, 2]


def test_guest_frame_of_a_thread_without_a_guest() -> None:
    assert run("guest-frame --thread 3") == "thread 3: this thread runs no guest code\n"


@pytest.mark.parametrize("line", LINES)
def test_without_a_runtime_there_is_one_line(line: str) -> None:
    command = find(line.partition(" ")[0])
    assert command is not None
    target = FakeTarget(register_sets={1: {"pc": 8}})
    with pytest.raises(NoRuntimeError) as caught:
        execute(Session(target), command, line.partition(" ")[2])
    assert caught.value.message == "no runtime with a debug root is in this process"


@pytest.mark.parametrize("line", LINES)
def test_of_a_damaged_root_there_is_one_line(line: str) -> None:
    with pytest.raises(LayoutError) as caught:
        run(line, image().with_root(52, 0))
    assert caught.value.message == (
        f"debug root at {BASE:#x}: the schema's checksum does not match"
    )
    assert "mte-tags" in caught.value.next_step


def test_a_damaged_root_leaves_the_tag_commands() -> None:
    made = image().with_root(52, 0)
    target = made.target()
    target.tags = {0x5000: bytes([3] * 16)}
    target.memory[0x5000] = bytes(256)
    command = find("mte-tags")
    assert command is not None
    answer = json.loads(execute(Session(target), command, "0x5000 64 --json"))
    assert [one["tag"] for one in answer["rows"]] == [3]


# A field → the commands that cannot do without it.
FIELD_OF = {
    "GuestFrame.rip": {"guest-frame", "guest-bt"},
    "Memop.address": {
        *("guest-frame", "guest-bt", "memop", "memops", "memop-verify", "jit-disas"),
    },
    "Recorder.head": {"memop-log"},
    "Range.begin": {
        *(
            "guest-frame",
            "guest-bt",
            "memop",
            "memop-verify",
            "jit-block",
            "jit-disas",
            "jit-audit",
        ),
    },
    "Segment.capacity": {"jit-segments"},
    "Function.name": {"guest-bt"},
}


def problem_of(line: str, made: Image) -> str:
    """What stops a command; empty where nothing does."""
    try:
        run(line, made)
    except MtedbgError as error:
        return error.message
    return ""


@pytest.mark.parametrize("field", FIELD_OF)
def test_a_missing_field_fails_the_commands_that_need_it(field: str) -> None:
    made = image().with_schema(f"{field} :", f"{field[:-1]}_ :")
    problems = {line.partition(" ")[0]: problem_of(line, made) for line in LINES}
    failed = {name for name, problem in problems.items() if problem}
    assert all(f"no field {field}" in problems[name] for name in failed)
    assert failed == FIELD_OF[field]


@pytest.mark.parametrize(
    ("command", "threads"),
    [("guest-frame", {1, 2}), ("guest-bt", {1, 2}), ("mte-fault", {1, 2, 3})],
)
def test_the_answers_of_all_threads_say_whose_they_are(command: str, threads: set[int]) -> None:
    found = report(f"{command} --all-threads")
    assert {one["thread"] for one in found["rows"]} == threads
    assert "thread" in [column["key"] for column in found["columns"]]
    text = run(f"{command} --all-threads")
    assert "thread 1: " in text
    assert "thread 2: " in text
