"""`mtedbg shell` and `mtedbg run` in a script: plain answers, exit status, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.golden.cases import unpacked
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS

LIMIT_S = 180


@pytest.fixture
def core(tmp_path: Path) -> Path:
    return unpacked("runtime-lockstep", tmp_path)


def mtedbg(
    words: Sequence[str | Path], lines: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "mtedbg", *map(str, words)],
        input=lines,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "HOME": "/nonexistent", **environment},
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("flavour", GDBS)
def test_answers_are_those_of_the_core_without_a_debugger(core: Path, flavour: str) -> None:
    question = "memop $pc"
    done = mtedbg(["shell", "--core", core, "--gdb", _path(flavour)], f"{question}\n")
    offline = mtedbg(["core", core, "-x", question])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == offline.stdout


def _path(flavour: str) -> str:
    found = subprocess.run(["which", GDBS[flavour]], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_nothing_but_the_answer_is_printed(core: Path) -> None:
    done = mtedbg(["shell", "--core", core], "mte-fault --json\n")
    assert json.loads(done.stdout)["command"] == "mte-fault"


def test_all_are_run_and_the_status_says_that_one_failed(core: Path) -> None:
    done = mtedbg(["shell", "--core", core], "print 1\n\n# nothing\nnonsense\nmte-check\nprint 2")
    assert done.returncode == 1
    assert done.stdout == "$1 = 1\n$2 = 2\n"
    assert done.stderr.splitlines()[0] == 'Undefined command: "nonsense".  Try "help".'
    assert done.stderr.count("mte-check: ") == 1
    assert done.stderr.count("usage: mte-check") == 1


def test_blocks_of_lines(core: Path) -> None:
    lines = "define f\nif $arg0\nprint 40 + $arg0\nend\nend\nf 2\npython\nprint('x')\nend\n"
    assert mtedbg(["shell", "--core", core], lines).stdout == "$1 = 42\nx\n"


def test_a_command_that_goes_on_after_a_stop() -> None:
    program = compiled("ticker", "-static")
    lines = "define walk\nstepi\nstepi\necho walked\\n\nend\nwalk\nprint 1\n"
    done = mtedbg(["run", program], lines)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["walked", "$1 = 1"]


def test_a_program_that_ends(tmp_path: Path) -> None:
    done = mtedbg(["run", "sum"], "handle SIGSEGV nostop noprint pass\ncontinue\ninfo threads\n")
    assert done.returncode == 0, done.stderr
    assert "exited normally]" in done.stdout
    assert "No threads." in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("guest| ")]


def test_a_restart_keeps_what_gdb_was_told() -> None:
    lines = "break main\ncontinue\nrestart\ninfo breakpoints\ncontinue\n"
    done = mtedbg(["run", compiled("ticker", "-static")], lines)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Breakpoint 1, main") == 2


def test_a_debugger_that_dies_fails_what_follows(core: Path) -> None:
    lines = "python import os; os.kill(os.getpid(), 9)\nprint 1\nrestart\nprint 42\n"
    done = mtedbg(["shell", "--core", core], lines)
    assert done.returncode == 1
    assert "mtedbg: GDB was killed by SIGKILL" in done.stderr
    assert "the debugger has ended" in done.stderr
    said = done.stdout.splitlines()
    assert said[0].startswith("tag check fault (synchronous): ")  # where it stands after `restart`
    assert said[-2:] == ["note: 0 shared", "$1 = 42"]


def test_options_and_arguments_reach_runtime_and_guest() -> None:
    lines = "python print(gdb.execute('info proc cmdline', to_string=True))\n"
    done = mtedbg(["run", "message", "one", "--", "--cores", "3"], lines)
    assert "--cores 3" in done.stdout.replace("'", ""), done.stderr
    assert "message.elf one" in done.stdout.replace("'", "")


def test_a_script_of_gdb_commands_is_run_at_first(core: Path, tmp_path: Path) -> None:
    script = tmp_path / "my commands"
    script.write_text("set $mine = 41\n")
    done = mtedbg(["shell", "--core", core, "-x", script], "print $mine + 1\n")
    assert done.stdout == "$1 = 42\n"


def test_leaving_with_a_status(core: Path) -> None:
    assert mtedbg(["shell", "--core", core], "quit 5\nprint 1\n").returncode == 5


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["shell", "--core", "/nowhere"], 1, "/nowhere: No such file or directory"),
        (["shell", "/bin/sh"], 1, "/bin/sh is not an AArch64 program"),
        (["shell", "--core", "/etc/passwd"], 1, "/etc/passwd is not an ELF file"),
        (["shell", "--gdb", "/nowhere/gdb"], 1, "/nowhere/gdb is not a GDB that runs"),
        (["shell", "--gdb", "/bin/sh"], 1, "/bin/sh is not a GDB that runs"),
        (["shell", "-x", "/nowhere/file"], 1, "/nowhere/file is not a file"),
        (["shell", "--exe", "/bin/sh"], 2, "--exe needs --core"),
        (["run", "nobody"], 2, "there is no file or guest nobody"),
        (["run", "/etc/passwd"], 1, "/etc/passwd is not an ELF file"),
    ],
)
def test_what_cannot_be_opened_is_two_lines(words: list[str], status: int, message: str) -> None:
    done = mtedbg(words, "print 1\n")
    assert (done.returncode, done.stdout) == (status, "")
    first, step = done.stderr.splitlines()
    assert first == f"mtedbg: {message}"
    assert step.startswith("        ")


@pytest.mark.parametrize(
    ("version", "message"),
    [("GNU gdb (GDB) 11.2", "is version 11.2; a GDB of 12.0 or newer is needed")],
)
def test_a_gdb_that_is_too_old(tmp_path: Path, version: str, message: str) -> None:
    old = tmp_path / "gdb"
    old.write_text(f"#!/bin/sh\necho '{version}'\n")
    old.chmod(0o755)
    done = mtedbg(["shell", "--gdb", old])
    assert done.returncode == 1
    assert message in done.stderr


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    lines = f"target remote {tmp_path}/socket\nset tcp connect-timeout 1\ntarget remote :1\n"
    done = mtedbg(["shell"], lines)
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
    assert "is the address right" in done.stderr or "start the server first" in done.stderr


def test_a_program_in_the_vm_twice() -> None:
    lines = "continue\nmte-fault\nhandle SIGSEGV nostop noprint pass\ncontinue\nrestart\ncontinue\n"
    done = mtedbg(
        ["run", "--vm", "message", "--", "--threads", "threads"], lines, HOME=str(Path.home())
    )
    assert done.returncode == 0, done.stderr
    assert "SEGV_MTESERR" in done.stdout
    assert "tag check fault (synchronous)" in done.stdout
    assert done.stdout.count("exited normally]") == 2
    said = [line for line in done.stdout.splitlines() if line.startswith("guest| ")]
    assert len(said) == 2
    assert said[0] == said[1]
