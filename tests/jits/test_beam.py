"""BeamAsm in a frozen core of Erlang: every piece of code that it told perf of, by mtedbg."""

from __future__ import annotations

import lzma
import random
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.block import code_at
from mtedbg.errors import MtedbgError, UsageError
from mtedbg.formats import beam_code
from mtedbg.model.absent import Absent, present
from mtedbg.model.foreign_code import CodeSource
from mtedbg.model.source import SourceLine
from mtedbg.session import Session
from tests.jits.engines import CORES
from tests.support import answers

LINE = re.compile(r"^0x([0-9a-f]+) ([0-9a-f]+) \$?(.+)$", re.M)
SECONDS = 20
"""What thousands of answers may take on a machine that does other things as well."""


@pytest.fixture(scope="module")
def erlang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A core with what Erlang has registered; QEMU has written no registers but the PC."""
    path = tmp_path_factory.mktemp("frozen") / "core"
    path.write_bytes(lzma.decompress((CORES / "erlang-27.core.xz").read_bytes()))
    return path


def test_every_line_of_erlangs_perf_map(erlang: Path) -> None:
    lines = LINE.findall(lzma.decompress((CORES / "erlang-27.map.xz").read_bytes()).decode())
    assert len(lines) > 17_000
    session = Session(CoreTarget(str(erlang)))
    began = time.monotonic()
    for start, _size, name in lines:
        found = code_at(session, int(start, 16))
        assert present(found.range), name
        assert (found.source, found.function) == (CodeSource.JIT_INTERFACE, name)
        assert found.range.start == int(start, 16)
    assert time.monotonic() - began < SECONDS


def test_a_line_of_source(erlang: Path) -> None:
    session = Session(CoreTarget(str(erlang)))
    (found,) = answers.ask(session, "jit-block").rows
    assert (found["function"], found["line"]) == ("lists:foldl/3", "lists.erl:2145")
    assert found["block"]["kind"] == "module"


def test_all_functions_are_listed(erlang: Path) -> None:
    session = Session(CoreTarget(str(erlang)))
    rows = answers.ask(session, "jit-blocks --function lists:foldl/3").rows
    assert [row["line"] for row in rows] == ["lists.erl:2144"]


MODULE = (
    b"\1\0\0\0junk" + (0x7F0000001000).to_bytes(8, "little")
    + b"\1\0\0\0" + b"\0\1\0\0" + b"\2\0" + b"m\0" + b"......"
    + b"\x10\0\0\0" + b"\x40\0\0\0" + b"\1\0\0\0" + b"\6\0" + b"m:f/0\0" + b".."
    + b"\x14\0\0\0" + b"\7\0\0\0" + b"\6\0" + b"m.erl\0" + b".."
)  # fmt: skip


def test_a_module_as_it_lies_in_memory():
    span = beam_code.code_of(MODULE, len(MODULE))
    assert span is not None
    assert (span.start, span.end) == (0x7F0000001000, 0x7F0000001100)
    (one,) = beam_code.ranges_in(MODULE)
    assert (one.start, one.end, one.name) == (0x7F0000001010, 0x7F0000001040, "m:f/0")
    assert one.line_at(0x7F0000001013) is None
    assert one.line_at(0x7F0000001020) == SourceLine("m.erl", 7)
    assert isinstance(beam_code.ranges_in(MODULE[:-1]), Absent)


@pytest.mark.parametrize("seed", range(200))
def test_random_changes_of_a_module_are_an_answer_or_a_refusal(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(MODULE)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    beam_code.code_of(bytes(data), len(data))
    found = beam_code.ranges_in(bytes(data))
    for one in () if isinstance(found, Absent) else found:
        one.line_at(0x7F0000001020)


@pytest.mark.parametrize("seed", range(25))
def test_random_changes_of_a_process_are_an_answer_or_a_refusal(
    erlang: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    data = bytearray(erlang.read_bytes())
    for _ in range(400):
        data[chance.randrange(4096, len(data))] = chance.randrange(256)
    path = tmp_path / "core"
    path.write_bytes(data)
    session = Session(CoreTarget(str(path)))
    began = time.monotonic()
    for line in ("jit-block", "jit-blocks"):
        with suppress(MtedbgError):
            answers.ask(session, line)
    assert time.monotonic() - began < SECONDS


def test_code_by_its_functions_name_and_by_its_modules_number(erlang: Path) -> None:
    session = Session(CoreTarget(str(erlang)))
    report = answers.ask(session, "jit-disas --function lists:foldl/3 -n 2")
    start = report.rows[0]["address"]
    assert [row["bytes"] for row in report.rows] == ["10ffffa2", "710006d6"]
    (block,) = answers.ask(session, f"jit-block {start:#x}").rows
    number = block["block"]["id"]
    (first,) = answers.ask(session, f"jit-disas {number} -n 1").rows
    assert block["block"]["start"] <= first["address"] < block["block"]["end"]
    with pytest.raises(UsageError, match="is called 'lists:none/0'"):
        answers.ask(session, "jit-disas --function lists:none/0")
    report = answers.ask(session, "jit-disas 999999")
    assert report.rows == ()
    assert report.headline.startswith("0xf423f: in no code that a JIT describes")
