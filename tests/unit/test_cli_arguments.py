"""What reaches another program: the words after `--`, as they were typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mtedbg import cli
from mtedbg.cli import lab, run
from mtedbg.lab import native
from mtedbg.shell import main

NOWHERE = {"in_vm": False, "here": False}


@pytest.fixture
def debuggee(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `mtedbg run` would start."""
    seen: dict[str, object] = {}

    def note(
        name: str, words: Sequence[str], options: Sequence[str], *, in_vm: bool, here: bool
    ) -> object:
        seen.update(guest=name, words=[*words], options=[*options], in_vm=in_vm, here=here)
        return object()

    monkeypatch.setattr(run, "_debuggee", note)
    monkeypatch.setattr(main, "open_shell", lambda *_, **_named: 0)
    return seen


@pytest.mark.parametrize(
    ("line", "words", "options"),
    [
        ("message", [], []),
        ("message -- --cores 2", [], ["--cores", "2"]),
        ("message one two -- --cores 2", ["one", "two"], ["--cores", "2"]),
        ("message one -- --cores 2 -- -x", ["one"], ["--cores", "2", "--", "-x"]),
        ("message -x -- ", ["-x"], []),
        ("--gdb /bin/gdb message -- --policy seed", [], ["--policy", "seed"]),
    ],
)
def test_options_of_the_runtime(
    debuggee: dict[str, object], line: str, words: list[str], options: list[str]
) -> None:
    assert cli.main(["run", *line.split()]) == 0
    assert debuggee == {"guest": "message", "words": words, "options": options, **NOWHERE}


def test_the_vm_may_be_asked_for_behind_the_guest(debuggee: dict[str, object]) -> None:
    assert cli.main(["run", "stale", "10000", "--vm", "--", "--policy", "seed"]) == 0
    assert debuggee["in_vm"] is True
    assert debuggee["words"] == ["10000"]


@pytest.mark.parametrize(
    ("line", "in_vm", "here"),
    [
        ("x", False, True),
        ("x --qemu", False, False),
        ("--qemu x", False, False),
        ("x --vm", True, False),
    ],
)
def test_a_machine_with_memory_tagging_runs_it_itself(
    debuggee: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    in_vm: bool,
    here: bool,
) -> None:
    monkeypatch.setattr(native, "has_mte", lambda: True)
    assert cli.main(["run", *line.split()]) == 0
    assert (debuggee["in_vm"], debuggee["here"]) == (in_vm, here)
    assert debuggee["words"] == []


def test_two_places_are_too_many(
    debuggee: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "x", "--qemu", "--vm"]) == 2
    assert "two places" in capsys.readouterr().err
    assert debuggee == {}


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("-- ./prog --flag", ["./prog", "--flag"]),
        ("./prog --flag", ["./prog", "--flag"]),
        ("./prog -- --flag", ["./prog", "--", "--flag"]),
        ("-- ./prog one -- two", ["./prog", "one", "--", "two"]),
        ("--cpus 2 -- ./prog", ["./prog"]),
    ],
)
def test_the_program_in_the_lab(
    monkeypatch: pytest.MonkeyPatch, line: str, command: list[str]
) -> None:
    class _ReachedError(Exception):
        pass

    seen: list[str] = []

    def stop(word: str | Path) -> Path:
        seen.append(str(word))
        raise _ReachedError

    kept = lab._command

    def noting(before: list[str], after: Sequence[str] | None) -> list[str]:
        found = kept(before, after)
        seen.extend(found)
        return found

    monkeypatch.setattr(lab, "_command", noting)
    monkeypatch.setattr(lab, "checked", stop)
    with pytest.raises(_ReachedError):
        cli.main(["lab", *line.split()])
    assert seen[:-1] == command
