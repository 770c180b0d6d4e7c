"""A report's budget: what is counted, what uses it up, and what is said then."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.limits import limited_memory, watched
from mtedbg.budget import RECORD, USUAL, Budget, Limits
from mtedbg.cli import main
from mtedbg.errors import OverBudgetError
from mtedbg.model.absent import Absent, Reason
from mtedbg.render.bounded import bounded
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.report import Answer, Column, Kind, Report, Row, Table
from mtedbg.session import Session
from tests.support.elf_core import PAGE, Core, Load, Tagged, ThreadNotes
from tests.support.fake import FakeTarget

START = 0x10000
SMALL = Limits(read=1 << 20, times=1)


def core(tmp_path: Path) -> Path:
    return Core(
        loads=[Load(START, b"m" * PAGE * 64)],
        tagged=[Tagged(START, bytes([3]) * PAGE * 4)],
        threads=[ThreadNotes(7, {"pc": START, "sp": START}, siginfo=(11, 9, START | 5 << 56))],
    ).write(tmp_path)


def test_bytes_each_time_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    data, budget = open_file(str(path)), Budget(SMALL)
    data.charge(budget)
    with pytest.raises(OverBudgetError, match="is used up: 1 MiB were read"):
        [data[:50_000] for _ in range(1000)]
    with pytest.raises(OverBudgetError):
        data[0]
    budget.renew()
    assert (budget.over, data[0]) == ("", 0)


def test_records_however_small_they_are() -> None:
    budget = Budget(Limits(records=100))
    for _ in range(100):
        budget.spend(1)
    with pytest.raises(OverBudgetError, match="is used up: 100 records were read"):
        budget.spend(1)
    with pytest.raises(OverBudgetError):
        budget.spend(0, 0)
    budget.renew()
    budget.spend(1, 100)
    with pytest.raises(OverBudgetError):
        budget.spend(0)


def test_records_grow_with_the_files() -> None:
    budget = Budget(Limits(records=100, times=1))
    budget.allow(10 * RECORD)
    budget.spend(1, 110)
    with pytest.raises(OverBudgetError, match="110 records"):
        budget.spend(1)


def test_another_file_gives_no_more_where_it_is_used_up() -> None:
    budget = Budget(Limits(read=100, times=1))
    with pytest.raises(OverBudgetError):
        budget.spend(101)
    budget.allow(1 << 20)
    with pytest.raises(OverBudgetError):
        budget.spend(1)
    budget.renew()
    budget.spend(1 << 20)


def test_other_limits_from_the_next_report_on() -> None:
    budget = Budget(Limits(read=100), more="set more")
    budget.limit(Limits(read=200))
    with pytest.raises(OverBudgetError) as caught:
        budget.spend(150)
    assert caught.value.next_step == "set more"
    budget.renew()
    budget.spend(150)


def test_the_time_grows_with_the_files() -> None:
    now = [0.0]
    budget = Budget(Limits(read=1 << 40, seconds=10, a_second=1 << 20), lambda: now[0])
    budget.allow(5 << 20)
    now[0] = 14.0
    budget.spend(2 << 20)
    now[0] = 16.0
    with pytest.raises(OverBudgetError, match="it took 15 s"):
        budget.spend(2 << 20)


def test_what_does_not_read_is_stopped_as_well() -> None:
    budget = Budget(Limits(seconds=0.3))
    with watched(budget), pytest.raises(OverBudgetError):
        sum(1 for _ in iter(int, 1))
    assert budget.over


def test_values_that_were_not_read_say_so(tmp_path: Path) -> None:
    budget = Budget(SMALL)
    target = CoreTarget(core(tmp_path), budget=budget)
    found: bytes | Absent = b""
    for _ in range(100):
        found = target.read_memory(START, PAGE * 16)
    assert found == Absent(Reason.OVER_BUDGET)
    assert target.read_tags(START, START + PAGE)[-1].tags == Absent(Reason.OVER_BUDGET)
    assert target.symbol_address("main") == Absent(Reason.OVER_BUDGET)
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)  # who died is known all the same
    assert any("budget of this report is used up" in said for said in target.remarks)
    Session(target, budget=budget).forget_answers()
    assert target.read_memory(START, 4) == b"mmmm"


def test_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mtedbg.cli.core.USUAL", Limits(read=100, times=0))
    path = str(core(tmp_path))
    main(["core", path, "-x", f"mte-tags {START}"])
    assert "is used up" in capsys.readouterr().err
    assert main(["core", path, "--budget", "100000", "-x", f"mte-tags {START}"]) == 0
    assert "is used up" not in capsys.readouterr().err
    assert main(["core", path, "--budget", "0"]) == 2
    assert main(["core", path, "--budget", "nan"]) == 2
    assert USUAL.scaled(10) == Limits(
        10 * USUAL.read, 10 * USUAL.records, 40, 100.0, USUAL.a_second // 10
    )


def test_memory_has_a_limit_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greedy(*_: object) -> bytes:
        return bytes(4 << 30)

    monkeypatch.setattr(CoreTarget, "read_tags", greedy)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert main(["core", str(core(tmp_path)), "-x", f"mte-tags {START}"]) == 1
    assert "takes more memory than a report may use" in capsys.readouterr().err
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_the_hard_limit_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_memory(), pytest.raises(MemoryError):
        bytes(2 << 30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def answer(rows: list[Row]) -> Report:
    columns = (Column("name", Kind.TEXT, "a name"), Column("at", Kind.ADDRESS, "where"))
    return Report("test", FakeTarget().info(), columns, Answer(Table(tuple(rows))))


def test_rows_beyond_the_bound_are_counted() -> None:
    long = answer([{"name": "n" * 4096, "at": number} for number in range(8000)])
    text = render_text(long)
    assert len(text) < 18 << 20
    assert "more rows are left out: an answer has at most 16 MiB of text" in text
    made = to_object(long)
    assert made["partial"]
    assert len(made["rows"]) < 5000
    assert "left out" in made["notes"][0]


def test_one_wide_row_among_many() -> None:
    """Each row of a table is as wide as the widest."""
    rows: list[Row] = [{"name": "n", "at": number} for number in range(100_000)]
    rows[5] = {"name": "n" * 4096, "at": 5}
    assert len(render_text(answer(rows))) < 20 << 20
    rows[5] = {"name": "n", "at": 5}
    assert bounded(answer(rows)) == answer(rows)
