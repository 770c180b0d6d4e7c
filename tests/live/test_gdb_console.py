"""What a person at GDB's prompt sees: names, colours, and words when there is nothing to debug."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mtedbg.commands import names
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.cores import KernelCore
from tests.support.gdb_session import GDBINIT, GDBS, QUIET, gdb

LIMIT_S = 60.0
RED = re.compile(r"(\x1b|\\x1b)\[(\d+;)*31[;m]")
"""The tag that does not match; GDB 18 rewrites the escapes of others."""

# What a terminal needs beside colours: modes, titles, ends of lines.
NO_COLOUR = re.compile(r"\x1b\[\?\d+[hl]|\x1b\[[CK]")


def at_a_terminal(flavour: str, arguments: Sequence[str | Path], lines: Sequence[str]) -> list[str]:
    """What GDB writes to a terminal in answer to each line."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "INPUTRC": "/dev/null"}
    environment.pop("NO_COLOR", None)
    words = [GDBS[flavour], "-q", *QUIET, "-iex", "set pagination off", *map(str, arguments)]
    process = subprocess.Popen(
        words,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    deadline = time.monotonic() + LIMIT_S
    try:
        answers = []
        read_until(leader, "(gdb) ", deadline)
        for number, line in enumerate((f"source {GDBINIT}", *lines)):
            mark = f"answer-{number}-ends"
            # In two words, so that the line's own echo is not taken for the answer.
            os.write(leader, f"{line}\necho answer-{number}\\055ends\\n\n".encode())
            answers.append(read_until(leader, mark, deadline))
        return answers[1:]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(leader)


def read_until(terminal: int, mark: str, deadline: float) -> str:
    text = ""
    while mark not in text:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"no {mark!r} in: {text}"
        text += os.read(terminal, 65536).decode(errors="replace")
    return NO_COLOUR.sub("", text)


@pytest.mark.parametrize("flavour", GDBS)
def test_colours_are_for_a_terminal_alone(
    kernel_cores: dict[str, KernelCore], flavour: str, tmp_path: Path
) -> None:
    case = kernel_cores["sync"]
    file = tmp_path / "piped"
    fault = f"mte-tags {case.fact('pointer'):#x}"
    coloured, plain, _, captured, unstyled = at_a_terminal(
        flavour,
        [case.program, case.core],
        [
            fault,
            f"{fault} --no-color",
            f"pipe {fault} | cat > {file}",
            f"python print(repr(gdb.execute('{fault}', to_string=True)))",
            f"with style enabled off -- {fault}",
        ],
    )
    assert RED.search(coloured)
    for text in (plain, captured, unstyled, file.read_text()):
        assert "mismatch" in text
        assert not RED.search(text)


THEIRS = """python
class Theirs(gdb.Command):
    "Somebody else's."
    def __init__(self): super().__init__("mte-tags", gdb.COMMAND_DATA)
    def invoke(self, argument, from_tty): print("theirs")
Theirs()
end
"""


@pytest.mark.parametrize("flavour", GDBS)
def test_a_name_that_is_taken_is_not_stolen(flavour: str, tmp_path: Path) -> None:
    other = tmp_path / "theirs.gdb"
    other.write_text(THEIRS)
    with gdb(flavour, load=False) as session:
        session.execute(f"source {other}")
        said = session.execute(f"source {GDBINIT}")
        assert said == "mtedbg: `mte-tags` belongs to another extension; ours is `mte tags`\n"
        assert session.execute("mte-tags 0") == "theirs\n"
        assert "Usage: mte-tags [ADDR]" in session.execute("help mte tags")
        with pytest.raises(DebuggerError, match="no program is being debugged"):
            session.execute("mte tags 0")
        with pytest.raises(DebuggerError, match="no program is being debugged"):
            session.execute("mte-check 0")


@pytest.mark.parametrize("flavour", GDBS)
def test_a_name_that_is_taken_later_is_told_at_the_prompt(flavour: str, tmp_path: Path) -> None:
    other = tmp_path / "theirs.gdb"
    other.write_text(THEIRS)
    lines = ["echo before\\n", f"source {other}", "mte-tags 0", f"source {GDBINIT}", "quit"]
    done = subprocess.run(
        [GDBS[flavour], "-q", *QUIET, "-x", GDBINIT],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    said = "mtedbg: `mte-tags` belongs to another extension; ours is `mte tags`"
    assert done.stdout.count(said) == 1
    assert done.stdout.index("before") < done.stdout.index(said) < done.stdout.index("theirs")
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("flavour", GDBS)
def test_help_of_a_first_word_says_which_names_are_the_same(flavour: str) -> None:
    with gdb(flavour) as session:
        assert "`jit NAME` is the same as `jit-NAME`" in session.execute("help jit")
        everything = session.execute("help mtedbg")
        assert "`mtedbg NAME` is the same as `NAME`" in everything
        assert [name for name in names() if f"\n{name} " not in everything] == []


THEIR_PREFIX = THEIRS.replace("mte-tags", "mte")


@pytest.mark.parametrize("flavour", GDBS)
def test_a_prefix_that_is_taken_is_not_stolen(flavour: str, tmp_path: Path) -> None:
    other = tmp_path / "theirs.gdb"
    other.write_text(THEIR_PREFIX)
    with gdb(flavour, load=False) as session:
        session.execute(f"source {other}")
        assert session.execute(f"source {GDBINIT}") == (
            "mtedbg: `mte` belongs to another extension: no `mte catch`\n"
        )
        assert session.execute("mte tags") == "theirs\n"
        assert "Usage: mte-tags [ADDR]" in session.execute("help mte-tags")
        assert "Usage: jit-block [PC]" in session.execute("help jit block")


@pytest.mark.parametrize("flavour", GDBS)
def test_every_command_in_two_words(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    case = kernel_cores["sync"]
    with gdb(flavour, [case.program, case.core]) as session:
        for name in names():
            first, _, rest = name.partition("-")
            both = f"{first} {rest}" if rest else f"mtedbg {first}"
            # A command that is a prefix as well tells of its subcommands too.
            assert session.execute(f"help {name}").startswith(session.execute(f"help {both}"))
        for line in ("mte fault", "mte check $sp", "mte tags $sp 32", "mte find 3 -n 2"):
            assert session.execute(line) == session.execute(line.replace(" ", "-", 1))
        for line in ("memop log", "memop verify", "memop 1", "mtedbg memops", "jit blocks"):
            with pytest.raises(DebuggerError, match="no runtime with a debug root"):
                session.execute(line)


@pytest.mark.parametrize("flavour", GDBS)
def test_loading_twice_is_no_conflict(flavour: str) -> None:
    with gdb(flavour) as session:
        assert session.execute(f"source {GDBINIT}") == ""
        assert "Usage: mte-tags [ADDR]" in session.execute("help mte-tags")


@pytest.mark.parametrize("flavour", GDBS)
def test_an_empty_line_repeats(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    case = kernel_cores["sync"]
    start = case.fact("pointer") & ((1 << 56) - 1) & ~15
    (check, tags, again, last) = at_a_terminal(
        flavour,
        [case.program, case.core],
        [
            "mte-check 0\n",
            f"mte-tags {start:#x} 16 --runs\n",
            f"mte-tags {start:#x} 16 --runs",
            "mte-tags --runs",
        ],
    )
    assert check.count("logical tag") == 2
    # As `x` does, it continues after what was shown; the same line once more does not.
    shown = [f"{start + 16 * n:#x}: memory tag" in tags for n in range(3)]
    assert shown == [True, True, False]
    assert f"{start:#x}: memory tag" in again
    assert f"{start + 16:#x}: memory tag" in last


@pytest.mark.parametrize("flavour", GDBS)
def test_a_history_without_duplicates(flavour: str, kernel_cores: dict[str, KernelCore]) -> None:
    """GDB then has the same last line after the same command and after an empty line."""
    case = kernel_cores["sync"]
    start = case.fact("pointer") & ((1 << 56) - 1) & ~15
    line = f"mte-tags {start:#x} 16 --runs"
    _, first, again = at_a_terminal(
        flavour,
        [case.program, case.core],
        ["set history remove-duplicates unlimited", line, line],
    )
    assert f"{start:#x}: memory tag" in first
    assert f"{start:#x}: memory tag" in again
