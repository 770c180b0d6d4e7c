"""Whole command lines, as `mtedbg core -x` takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.commands import names
from mtedbg.commands._line import Continuations
from mtedbg.commands._offline import answer_line, print_line
from mtedbg.errors import MtedbgError, UsageError
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.report import Table
from mtedbg.session import Session
from tests.support.elf_core import Core, Load, Tagged, ThreadNotes
from tests.support.scenes import HEAP, session_at


def test_one_line_goes_on_where_another_ended() -> None:
    session, continuations = session_at(), Continuations()
    first = answer_line(session, f"mte-tags {HEAP:#x} 256 --runs", continuations)
    second = answer_line(session, "mte-tags --runs", continuations)
    assert (first.rows[0]["start"], second.rows[0]["start"]) == (HEAP, HEAP + 256)
    with pytest.raises(UsageError, match="has not shown a range yet"):
        answer_line(session, "mte-tags", Continuations())


def test_for_json_is_as_if_the_line_said_so() -> None:
    line = f"mte-tags {HEAP:#x} 256"
    asked = answer_line(session_at(), line, as_json=True)
    assert asked.answer == answer_line(session_at(), f"{line} --json").answer
    assert isinstance(asked.answer.body, Table)
    assert asked.answer.body.lines == (), "runs of tags, and no map"
    assert answer_line(session_at(), line).answer.body.lines


def test_a_line_may_ask_for_json_itself() -> None:
    session, line = session_at(), f"mte-check {HEAP:#x}"
    printed = json.loads(print_line(session, f"{line} --json", {}))
    assert printed == to_object(answer_line(session, line, as_json=True))
    assert print_line(session, line, {}) == render_text(answer_line(session, line))
    assert print_line(session, "help mte-check", {}).startswith("Whether ")


def test_a_line_may_refuse_colours() -> None:
    session, line = session_at(), f"mte-tags {HEAP:#x}"
    assert "\x1b" in print_line(session, line, {}, color=True)
    assert "\x1b" not in print_line(session, f"{line} --no-color", {}, color=True)


def test_commands_in_two_words_are_those_in_one() -> None:
    session = session_at()
    for one, two in {
        f"mte-tags {HEAP:#x} 256": f"mte  tags {HEAP:#x} 256",
        "memops -n 1": "mtedbg memops -n 1",
        "memop-log": "memop log",
        "help jit-block": "help jit block",
        "help memops": "help mtedbg memops",
    }.items():
        assert outcome(session, two) == outcome(session, one)
    assert "usage: memop-log" in outcome(session, "memop log --bogus")


def test_the_beginning_of_a_name_will_do_as_in_debuggers() -> None:
    session = session_at()
    for short, whole in {
        f"mte-ta {HEAP:#x} 256": f"mte-tags {HEAP:#x} 256",
        f"mte ta\t{HEAP:#x} 256": f"mte-tags {HEAP:#x} 256",
        "mtedbg memops\t-n 1": "memops -n 1",
        "help\tmte-ta": "help mte-tags",
    }.items():
        assert outcome(session, short) == outcome(session, whole)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("mte-c $sp", "mte-catch, mte-check, mte-ctl"),
        ("mte-tgas $sp", "mte-tags"),
        ("memop-lgo", "memop-log"),
        ("jitblock", "jit-block"),
    ],
)
def test_a_wrong_name_is_told_what_it_may_have_meant(line: str, meant: str) -> None:
    said = outcome(session_at(), line)
    assert said.startswith("there is no command")
    assert meant in said
    assert "guest-bt" not in said


def test_help_of_first_words() -> None:
    session = session_at()
    everything = outcome(session, "help mtedbg")
    assert all(f"{name} " in everything for name in names())
    of_jit = outcome(session, "help jit")
    assert "jit-disas" in of_jit
    assert "mte-tags" not in of_jit
    assert "Usage: memop " in outcome(session, "help memop")


def outcome(session: Session, line: str) -> str:
    try:
        return str(answer_line(session, line).answer)
    except MtedbgError as error:
        return f"{error}: {error.next_step}"


@pytest.mark.parametrize("line", ["mte", "mte foo", "mtedbg", "mtedbg foo", "", "-tags"])
def test_other_words_are_no_commands(line: str) -> None:
    with pytest.raises(UsageError, match="there is no command"):
        answer_line(session_at(), line)


def test_the_program_keeps_where_lines_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = Core(
        loads=[Load(HEAP, bytes(1024))],
        tagged=[Tagged(HEAP, bytes([3] * 64))],
        threads=[ThreadNotes(registers={"pc": 4})],
    ).write(tmp_path)
    lines = ["-x", f"mte-tags {HEAP:#x} 256", "-x", "mte-tags"]
    assert main(["core", str(core), *lines, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["reports"]
    assert (first["rows"][-1]["end"], second["rows"][0]["start"]) == (f"{HEAP + 256:#x}",) * 2
