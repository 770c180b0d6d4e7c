"""One language of expressions: the same answers in every debugger and without one.

Each row of `TABLE` is evaluated in GDB and LLDB, on a core and on the live program, and offline on
the core. The answers do not come from any of them: they are worked out from the program's source
and the addresses in its symbol table.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.cli import main
from mtedbg.cli.core import EXIT_USAGE
from mtedbg.errors import ExpressionError
from mtedbg.shell.gdbmi import DebuggerError
from tests.support import gdb_session, lldb_session
from tests.support.compile import ROOT, compiled
from tests.support.gdb_session import GDBS
from tests.support.lldb_session import LLDBS
from tests.support.offline import offline

WORD = (1 << 64) - 1
NODE = 32
"""sizeof(struct node), on every AArch64 Linux."""
TAG = 3 << 56


@dataclass(frozen=True)
class Refused:
    """The one line that says why there is no value."""

    why: str


@dataclass(frozen=True)
class Row:
    """An expression and what comes of it.

    Attributes:
        written: the expression.
        answer: Python, with the symbols' addresses as names; or why it is refused.
        offline: where there is no debug information: why it is refused; None for the same.
        in_gdb: what GDB alone makes of it, which no other can; None for the same.
    """

    written: str
    answer: str | Refused
    offline: Refused | None = None
    in_gdb: str | None = None


def no_type(name: str) -> Refused:
    """A variable without debug information."""
    return Refused(f"the type of {name!r} is not known here")


def unread(expression: str, where: str) -> Refused:
    """What is not in the language."""
    return Refused(f"cannot read {expression!r} {where}")


def nothing(name: str) -> Refused:
    return Refused(f"no symbol or variable {name!r} here")


NO_NODE = Refused("no type 'struct node' here")

TABLE = (
    # Numbers.
    Row("16", "16"),
    Row("020", "16"),
    Row("0b10000", "16"),
    Row("0x10ul", "16"),
    Row("-1", "-1"),
    Row("1 << 40", "1 << 40"),
    Row("2 + 3 * 4 % 5", "4"),
    Row("(7 - 10) / 2", "-1"),
    Row("1 | 6 ^ 4 & 12", "3"),
    Row("~0xf & 0xff", "0xf0"),
    Row("0xffffffffffffffff >> 60", "15"),
    Row("(unsigned char)0x1ff", "255"),
    Row("(int)0xffffffff", "-1"),
    Row("(char) -1", "255"),
    Row("sizeof(unsigned short) + sizeof 1", "10"),
    # Registers.
    Row("$x0", "nodes | TAG"),
    Row("$x23*0 + $x0+2*16", "nodes + 32 | TAG"),
    Row("$x0 >> 56", "3"),
    Row("$w0", "nodes & 0xffffffff"),
    Row("$lr - $x30 + ($sp & 15)", "0"),
    Row("-$x1", "-5"),
    Row("($x0 & ~7) - $x0", "0"),
    # Functions, and what may be said without types.
    Row("main", "main"),
    Row("main+4", "main + 4"),
    Row("*&main", "main"),
    Row("&nodes", "nodes"),
    Row("(char *)&nodes + 1", "nodes + 1"),
    Row("*(unsigned long *)$x0", f"nodes + {NODE}"),
    Row("*(uint8_t *)&bytes", "200"),
    Row("((short *) &shorts)[2]", "-2"),
    Row("**(unsigned long **)&head", f"nodes + {NODE}"),
    Row("((unsigned long *)$x0)[1] + 1", "101"),
    # With types.
    Row("head", "nodes | TAG", no_type("head")),
    Row("head + 1", f"nodes + {NODE} | TAG", no_type("head")),
    Row("head->next->value", "101", no_type("head")),
    Row("nodes[2].table[1]", "42", no_type("nodes")),
    Row("&nodes[1]", f"nodes + {NODE}", no_type("nodes")),
    Row("&head->value", "nodes + 8 | TAG", no_type("head")),
    Row("&nodes[2] - nodes", "2", no_type("nodes")),
    Row("&nodes + 1", f"nodes + 3 * {NODE}", Refused("the size of what the pointer")),
    Row("bytes + 3", "bytes + 3", no_type("bytes")),
    Row("bytes[3]", "203", no_type("bytes")),
    Row("minus * 2", "-6", no_type("minus")),
    Row("*text", "ord('t')", no_type("text")),
    Row("((struct node *)$x0)->next", f"nodes + {NODE}", NO_NODE),
    Row("sizeof(struct node)", f"{NODE}", NO_NODE),
    Row("n", "5", nothing("n")),
    Row("p->low", "-7", nothing("p")),
    Row("p->next . parts[1]", "0xff", nothing("p")),
    Row("(char *) p - 16", "nodes - 16 | TAG", nothing("p")),
    Row("p >> 56", "3", nothing("p")),
    Row("q.second - q.first", "1", nothing("q")),
    # Refused.
    Row("*$x0", Refused("'$x0' is not a pointer: what is read there is not known")),
    Row("*(void *)$x0", Refused("the type of what '(void *)$x0' points to is not known here")),
    Row("$nothing", Refused("no register $nothing here")),
    Row("nowhere + 1", nothing("nowhere")),
    Row("1 +", unread("1 +", "at its end")),
    Row("(1", unread("(1", "at its end")),
    Row("1 2", unread("1 2", "at '2'")),
    Row("08", Refused("'08' is not an integer constant")),
    Row("1 / 0", Refused("division by zero")),
    Row("main(1)", unread("main(1)", "at '(1)'")),
    Row("bytes[0] = 1", unread("bytes[0] = 1", "at '= 1'")),
    Row("&q", Refused("'q' is not in memory: it has no address"), nothing("q")),
    Row("p * 2", Refused("a pointer * an integer has no meaning"), nothing("p")),
    Row("nodes[0]", Refused("'nodes[0]' is of type node, not an address"), no_type("nodes")),
    Row("ratio", Refused("'ratio' is of type double, not an address"), no_type("ratio")),
    Row("head->nothing", Refused("node has no member 'nothing'"), no_type("head")),
    Row("*(long *)8", Refused("'*(long *)8' cannot be read")),
    # GDB's own, as `print` has them.
    Row("bytes[0] == 200", unread("bytes[0] == 200", "at '== 200'"), in_gdb="1"),
    Row("$_mte_ltag($x0)", Refused("no register $_mte_ltag here"), in_gdb="3"),
)

CPP_TABLE = (
    Row("r.own", "8"),
    Row("r.base + n", "15"),
    Row("r.self.self.base", "7"),
    Row("&r", "G"),
    Row("&n", "G + 8"),
    Row("*&n", "8"),
    Row("ns::global.own", "8"),
    Row("&ns::global + 1", "G + 32"),
    Row("ns::Derived::shared", "5"),
    Row("(unsigned long)ns::take - (unsigned long)&ns::take", "0"),
    Row("((ns::Derived *)$x0)->base", "7"),
    Row("(ns::Base *)&r", "G"),
    Row("sizeof(ns::Derived)", "32"),
    Row("r", Refused("'r' is of type ns::Derived, not an address")),
    Row("r.flag", Refused("ns::Derived has no member 'flag' with an address")),
    Row("r.shared", Refused("ns::Derived has no member 'shared' with an address")),
    Row("ns::nothing", nothing("ns::nothing")),
)
"""C++, whose references are in registers."""

LINES = (
    ("mte-check $x0 + 16", "mte-check $x0+16"),
    ("mte-check $x0 - 16", "mte-check $x0-16"),
    ("mte-check (unsigned char *)$x0 + 16", "mte-check $x0+16"),
    ("mte-check (unsigned char *) $x0 + 16", "mte-check $x0+16"),
    ("mte-check '$x0 +16'", "mte-check $x0+16"),
    ("mte-check '$x0 -16'", "mte-check $x0-16"),
    ("mte-check ((unsigned long *) &nodes) [ 0 ]", "mte-check *(unsigned long *)&nodes"),
    ("mte-tags $x0 64 --granules", "mte-tags $x0 4*16 --granules"),
    ("mte-tags --granules (char *)$x0 64", "mte-tags $x0 64 --granules"),
    ("mte-tags $x0 + 16 --granules 2 * (16 + 16)", "mte-tags $x0+16 64 --granules"),
    ("mte-find 3 $x0 & ~15 64 -n 4", "mte-find 3 $x0&~15 64 -n 4"),
    ("mte-find -n 4 $x0 >> 56 $x0 64", "mte-find 3 $x0 64 -n 4"),
)
"""Lines, and another that asks the same."""
EITHER = ("mte-check $x0 +16", "mte-tags $x0 *2 16", "mte-tags $x0 16 &main")
"""Lines that are refused everywhere."""
EITHER_MINUS = ("mte-check $x0 -16", "mte-tags $x0 -$x1")
"""Lines that are refused everywhere: in LLDB by itself, which takes them for options."""


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("expressions", "-static", "-no-pie")


@pytest.fixture(scope="module")
def core(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crashed(program, tmp_path_factory.mktemp("expressions"))


def crashed(program: Path, folder: Path) -> Path:
    """Its core, as QEMU writes it."""
    run = f"ulimit -c unlimited; exec qemu-aarch64 -cpu max {program}"
    subprocess.run(["sh", "-c", run], cwd=folder, capture_output=True, check=False)
    (core,) = folder.glob("*.core")
    return core


def listed(program: Path) -> str:
    """Its symbols, by nm."""
    done = subprocess.run(
        ["aarch64-linux-gnu-nm", str(program)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def symbols(program: Path) -> dict[str, int]:
    """By a reader that is not ours."""
    found = re.findall(r"^([0-9a-f]+) \w (main|nodes|bytes)$", listed(program), re.MULTILINE)
    return {name: int(address, 16) for address, name in found}


Answer = int | str
"""A value, or the line that refuses it."""

_INSIDE = """
import json
from mtedbg.errors import ExpressionError
{current}
def answer(target, written):
    try:
        return target.evaluate(written)
    except ExpressionError as error:
        return error.message
print(json.dumps([answer({target}, written) for written in json.loads({written!r})]))
"""


def inside(current: str, target: str, table: Sequence[Row]) -> str:
    """Python for a debugger: evaluates a whole table."""
    written = json.dumps([row.written for row in table])
    return _INSIDE.format(current=current, target=target, written=written)


def answers_in_gdb(session: gdb_session.Session, table: Sequence[Row]) -> list[Answer]:
    current = "from mtedbg.adapters.gdb.sessions import current"
    asked = inside(current, "current().target", table)
    found: list[Answer] = json.loads(session.execute(f"python exec({asked!r})"))
    return found


def answers_in_lldb(session: lldb_session.Session, table: Sequence[Row]) -> list[Answer]:
    current = (
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "from mtedbg.adapters.lldb.sessions import current"
    )
    here = "current(lldb.debugger, lldb.SBExecutionContext()).target"
    asked = inside(current, here, table)
    found: list[Answer] = json.loads(session.execute(f"script exec({asked!r}, globals())"))
    return found


def check(
    found: Sequence[Answer],
    symbols: dict[str, int],
    *,
    gdb: bool,
    typed: bool,
    table: Sequence[Row] = TABLE,
) -> None:
    """Every row at once: what is wrong is seen side by side."""
    wrong = []
    for row, answer in zip(table, found, strict=True):
        wanted = row.in_gdb if gdb and row.in_gdb else row.answer
        if not typed and row.offline is not None:
            wanted = row.offline
        if isinstance(wanted, Refused):
            right = isinstance(answer, str) and answer.startswith(wanted.why)
        else:
            value = eval(wanted, {"TAG": TAG, "ord": ord, **symbols})
            right = answer == value & WORD
        if not right:
            wrong.append((row.written, answer, wanted))
    assert not wrong, "\n".join(map(str, wrong))


def test_offline(core: Path, program: Path, symbols: dict[str, int]) -> None:
    target = CoreTarget(core, str(program))

    def answer(written: str) -> Answer:
        try:
            return target.evaluate(written)
        except ExpressionError as error:
            return error.message

    check([answer(row.written) for row in TABLE], symbols, gdb=False, typed=False)


@pytest.mark.parametrize("flavour", GDBS)
def test_in_gdb_on_a_core(flavour: str, core: Path, program: Path, symbols: dict[str, int]) -> None:
    with gdb_session.gdb(flavour, [program, core]) as session:
        found = answers_in_gdb(session, TABLE)
        check(found, symbols, gdb=True, typed=True)


@pytest.mark.parametrize("flavour", GDBS)
def test_in_gdb_under_qemu(flavour: str, program: Path, symbols: dict[str, int]) -> None:
    with gdb_session.under_qemu(flavour, program) as (session, _):
        session.execute("break checkpoint")
        session.resume("continue")
        found = answers_in_gdb(session, TABLE)
        check(found, symbols, gdb=True, typed=True)
        # Not even where GDB was asked was a function of the program called or a variable set.
        assert session.number("bytes[0]") == 200


@pytest.mark.parametrize("flavour", LLDBS)
def test_in_lldb_on_a_core(
    flavour: str, core: Path, program: Path, symbols: dict[str, int]
) -> None:
    with lldb_session.lldb(flavour, [program, "--core", core]) as session:
        found = answers_in_lldb(session, TABLE)
        check(found, symbols, gdb=False, typed=True)


@pytest.mark.parametrize("flavour", LLDBS)
def test_in_lldb_under_qemu(flavour: str, program: Path, symbols: dict[str, int]) -> None:
    with lldb_session.under_qemu(flavour, program) as (session, _):
        session.execute("breakpoint set --name checkpoint")
        session.execute("continue")
        found = answers_in_lldb(session, TABLE)
        check(found, symbols, gdb=False, typed=True)


@pytest.fixture(scope="module")
def cpp(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, int]]:
    """A program of C++, its core, and where its `global` is."""
    program = compiled("expressions_cpp", "-static", "-no-pie")
    core = crashed(program, tmp_path_factory.mktemp("cpp"))
    (address,) = re.findall(r"^([0-9a-f]+) \w _ZN2ns6globalE$", listed(program), re.MULTILINE)
    return program, core, {"G": int(address, 16)}


@pytest.mark.parametrize("flavour", GDBS)
def test_cpp_in_gdb(flavour: str, cpp: tuple[Path, Path, dict[str, int]]) -> None:
    program, core, places = cpp
    with gdb_session.gdb(flavour, [program, core]) as session:
        found = answers_in_gdb(session, CPP_TABLE)
        check(found, places, gdb=True, typed=True, table=CPP_TABLE)


@pytest.mark.parametrize("flavour", LLDBS)
def test_cpp_in_lldb(flavour: str, cpp: tuple[Path, Path, dict[str, int]]) -> None:
    program, core, places = cpp
    with lldb_session.lldb(flavour, [program, "--core", core]) as session:
        found = answers_in_lldb(session, CPP_TABLE)
        check(found, places, gdb=False, typed=True, table=CPP_TABLE)


def of_lines(reports: Sequence[dict[str, Any]]) -> list[Any]:
    """Of each what it found, the marks that a debugger sets aside."""
    return [(report["command"], report["rows"], report["headline"]) for report in reports]


def test_lines_offline(core: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for written, same in LINES:
        first, second = offline(core, program, [written, same])
        assert of_lines([first]) == of_lines([second]), written
    for line in EITHER + EITHER_MINUS:
        assert main(["core", str(core), "--exe", str(program), "-x", line]) == EXIT_USAGE
        assert "may be one expression or two" in capsys.readouterr().err


@pytest.mark.parametrize("flavour", GDBS)
def test_lines_in_gdb(flavour: str, core: Path, program: Path) -> None:
    with gdb_session.gdb(flavour, [program, core]) as session:
        for written, same in LINES:
            assert of_lines([session.json(written)]) == of_lines([session.json(same)]), written
            machine = session.machine(f"-{written}".replace("'", '"'))
            assert machine == session.machine(f"-{same}"), written
        for line in EITHER + EITHER_MINUS:
            with pytest.raises(DebuggerError, match="may be one expression or two"):
                session.execute(line)
            with pytest.raises(DebuggerError, match="may be one expression or two"):
                session.machine(f"-{line}")


@pytest.mark.parametrize("flavour", LLDBS)
def test_lines_in_lldb(flavour: str, core: Path, program: Path) -> None:
    with lldb_session.lldb(flavour, [program, "--core", core]) as session:
        for written, same in LINES:
            assert of_lines([session.json(written)]) == of_lines([session.json(same)]), written
        for line in EITHER:
            assert "may be one expression or two" in session.error(line)
        for line in EITHER_MINUS:
            assert re.search(
                "unknown or ambiguous option|one expression or two", session.error(line)
            )
