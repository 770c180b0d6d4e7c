"""The commands about memory tags, from the line that a user types to what is printed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.errors import ExpressionError, UsageError
from mtedbg.model.process import SignalInfo
from mtedbg.session import Session
from tests.support.assemble import assemble
from tests.support.scenes import HEAP, PAGE, THREES, session_at, tagged, target_at

KEYS = {
    "mte-tags": "start end tag owner match",
    "mte-fault": (
        "signal code code_name fault_address_raw address logical_tag allocation_tags"
        " failed_granule access_address pc instruction access size base_register memop transition"
        " found later imprecise candidates"
    ),
    "mte-regions": "start end perms name tagged dumped histogram",
    "mte-check": "address logical_tag allocation_tag match",
}
LINES = {
    "mte-tags": f"{HEAP:#x} 64",
    "mte-fault": "",
    "mte-regions": "",
    "mte-check": f"{HEAP:#x}",
}


def run(line: str, session: Session | None = None, **options: bool) -> str:
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return execute(session or session_at(), command, rest, **options)


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_the_promised_ones(name):
    answer = json.loads(run(f"{name} {LINES[name]} --json"))
    assert [column["key"] for column in answer["columns"]] == KEYS[name].split()
    assert answer["rows"]
    for row in answer["rows"]:
        assert list(row) == KEYS[name].split()


@pytest.mark.parametrize("name", KEYS)
def test_help_has_usage_example_and_every_key(name):
    command = find(name)
    assert command is not None
    assert f"Usage: {name}" in command.help
    assert "Example:" in command.help
    assert all(f"\n  {key} " in command.help for key in KEYS[name].split())


@pytest.mark.parametrize(("tag", "word"), [(3, "match"), (4, "mismatch")])
def test_map(tag: int, word: str):
    """The column on the right says of each granule whether its tag is the pointer's."""
    same, none = ("=", "x") if tag == 3 else ("x", "x")
    assert run(f"mte-tags {tagged(THREES + 4, tag):#x}") == (
        f"{THREES + 4:#x}: memory tag 3, pointer tag {tag}: {word}\n"
        f"   0xffff8a2b0300  b b b b b b b b b b b b b b b b |{none * 16}|\n"
        f"   0xffff8a2b0400  b b b b b b b b b b b b b b b b |{none * 16}|\n"
        f"   0xffff8a2b0500  b b b b b b b b b b b b b b b b |{none * 16}|\n"
        f"=> 0xffff8a2b0600  b b b b[3]3 3 3 3 3 3 3 3 3 3 3 |{none * 4}{same * 12}|\n"
        f"   0xffff8a2b0700  3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 |{same * 16}|\n"
        f"   0xffff8a2b0800  3 3 3 3 3 3 3 3 3 3 3 3 5 5 5 5 |{same * 12}{none * 4}|\n"
        f"   0xffff8a2b0900  5 5 5 5 5 5 5 5 5 5 5 5 0 0 0 0 |{none * 16}|\n"
        f"   0xffff8a2b0a00  0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 |{none * 16}|\n"
    )


def test_map_with_a_hole():
    assert run(f"mte-tags {HEAP + PAGE - 32:#x} 64") == (
        f"{HEAP + PAGE - 32:#x}: memory tag 0, pointer tag 0: match\n"
        "=> 0xffff8a2b0f00                             [0]0 |              ==|\n"
        "   0xffff8a2b1000  . .                             |                |\n"
        "note: . not tagged memory\n"
    )


def test_runs():
    assert run(f"mte-tags {THREES - 16:#x} 0x300 --runs") == (
        f"{THREES - 16:#x}: memory tag 11, pointer tag 0: mismatch\n"
        "start           end             tag  match\n"
        "0xffff8a2b0630  0xffff8a2b0640   11  no\n"
        "0xffff8a2b0640  0xffff8a2b08c0    3  no\n"
        "0xffff8a2b08c0  0xffff8a2b0930    5  no\n"
    )


def test_a_mark_in_every_form():
    line = f"mte-tags {tagged(THREES - 16, 3):#x} 48"
    assert run(line).splitlines()[1].endswith("|   x==          |")
    for form in ("--runs", "--granules"):
        rows = json.loads(run(f"{line} {form} --json"))["rows"]
        matches = [(row["tag"], row["match"]) for row in rows]
        assert matches == [(11, False), *[(3, True)] * (2 if form == "--granules" else 1)]
        assert run(f"{line} {form}").splitlines()[-1].endswith("3  yes")
    (hole,) = json.loads(run(f"mte-tags {HEAP + PAGE:#x} 16 --json"))["rows"]
    assert hole["match"] is None


OTHERS = {"owner": None, "match": False}


def test_runs_as_json():
    answer = json.loads(run(f"mte-tags {THREES - 16:#x} 32 --json"))
    assert answer["rows"] == [
        {"start": f"{THREES - 16:#x}", "end": f"{THREES:#x}", "tag": 11, **OTHERS},
        {"start": f"{THREES:#x}", "end": f"{THREES + 16:#x}", "tag": 3, **OTHERS},
    ]
    assert (answer["partial"], answer["notes"]) == (False, ["owner: does not apply"])


def test_fault():
    (word,) = assemble(["str x1, [x16, #8]"])
    signal = SignalInfo(11, 9, tagged(THREES, 3))
    session = session_at(word, {"x16": tagged(THREES - 12, 3)}, signal)
    assert run("mte-fault", session) == (
        "tag check fault (synchronous): store of 8 bytes at 0xffff8a2b063c,"
        " pointer tag 3, memory tag 11\n"
        "signal             SIGSEGV\n"
        "code               9\n"
        "code name          SEGV_MTESERR\n"
        "fault address raw  0x0300ffff8a2b0640\n"
        "address            0xffff8a2b0640\n"
        "logical tag        3\n"
        "allocation tags    0xffff8a2b0630  tag 11\n"
        "                   0xffff8a2b0640  tag 3\n"
        "failed granule     0xffff8a2b0630\n"
        "access address     0xffff8a2b063c\n"
        "pc                 0x400040\n"
        "instruction        str x1, [x16, #8]\n"
        "access             store\n"
        "size               8\n"
        "base register      x16  0x0300ffff8a2b0634  tag 3\n"
        "imprecise          no\n"
        "note: perhaps out of bounds: 4 bytes before memory of 640 bytes with the pointer's tag at"
        " 0xffff8a2b0640: it has the pointer's tag 3; 1 of 4 pieces here do; it is right next to"
        " the memory that was accessed\n"
        "note: perhaps use after free: the memory has tag 11 now, the pointer 3; its owner is not"
        " known\n"
    )


def test_regions():
    assert run("mte-regions") == (
        "1 tagged mapping, 4 KiB; 156 of 256 granules read have a tag other than 0\n"
        "start           end             perms  name         dumped  granules by tag\n"
        "0xffff8a2b0000  0xffff8a2b1000  rw-    [anon:heap]  yes  "
        "   0: 100  3: 40  5: 16  11: 100\n"
    )


def test_regions_have_all_their_tags():
    target = target_at()
    target.tags = {HEAP: bytes(n % 16 for n in range(256))}
    shown = run("mte-regions", Session(target)).splitlines()[2]
    assert shown.endswith("  ".join(f"{tag}: 16" for tag in range(16)))


def test_check():
    assert run(f"mte-check {tagged(HEAP, 11):#x}") == (
        "match: pointer and memory have tag 11\n"
        "address         0xffff8a2b0000\n"
        "logical tag     11\n"
        "allocation tag  11\n"
        "match           yes\n"
    )


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("mte-tags", UsageError),
        ("mte-tags 1 2 3", UsageError),
        ("mte-tags 1 --nonsense", UsageError),
        ("mte-tags 0x1000 0", ExpressionError),
        ("mte-tags 0x1000 -5", UsageError),
        ("mte-tags 0x1000 (-5)", ExpressionError),
        ("mte-tags nonsense", ExpressionError),
        ("mte-check", UsageError),
        ("mte-fault --thread 99", UsageError),
    ],
)
def test_wrong_use_is_one_line_with_a_next_step(line, error):
    with pytest.raises(error) as caught:
        run(line)
    assert "\n" not in caught.value.message


def test_colour_never_without_being_asked_for():
    line = f"mte-tags {tagged(THREES, 3):#x}"
    assert "\x1b" not in run(line)
    assert "\x1b[32m3\x1b[0m" in run(line, color=True)
    assert "\x1b" not in run(f"{line} --no-color", color=True)


def test_registering_the_commands_imports_none_of_what_they_use():
    code = (
        "import sys\n"
        "from mtedbg.commands import all_commands\n"
        "all_commands()\n"
        "heavy = {'capstone', 'demangle', 'elftools', 'argparse'}\n"
        "heavy |= {'mtedbg.analysis', 'mtedbg.render.json'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
