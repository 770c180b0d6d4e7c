"""What hangs on a debug root: whole tables, first records, texts, names of values."""

from __future__ import annotations

import pytest

from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.code import Block, Function
from mtedbg.model.event import Recorder
from mtedbg.model.runtime import THREADS, Config, GuestThread
from tests.support.runtime_image import image


def test_the_rows_of_a_table() -> None:
    runtime = image().runtime()
    rows = runtime.rows("code-map", Block)
    assert present(rows)
    assert [block.id for block in rows] == [1, 2, 3]
    functions = runtime.rows("functions", Function)
    assert present(functions)
    names = [runtime.text(one.name, one.name_length) for one in functions]
    assert names[:2] == ["main", "sum"]


def test_a_table_that_is_not_there_is_absent_with_its_reason() -> None:
    runtime = image().runtime()
    missing = Absent(Reason.NOT_RECORDED, "the debug root names no nothing")
    assert runtime.rows("nothing", Block) == missing
    assert runtime.first("nothing", Config) == missing
    wrong = runtime.rows(THREADS, Block)
    assert wrong == Absent(Reason.DAMAGED, "threads is a Table of Thread")


def test_a_schema_that_lacks_a_field_stops_it() -> None:
    runtime = image().with_schema("Block.base :", "Block.basE :").runtime()
    with pytest.raises(LayoutError):
        runtime.rows("code-map", Block)


def test_the_first_record_and_one_by_its_address() -> None:
    runtime = image().runtime()
    assert runtime.first("config", Config) == runtime.config
    threads = runtime.rows(THREADS, GuestThread)
    assert present(threads)
    ring = runtime.record(Recorder, next(threads).recorder)
    assert isinstance(ring, Recorder)
    assert runtime.record(Recorder, 0x10) == Absent(Reason.UNMAPPED)
    assert runtime.text(0x10, 4) == Absent(Reason.UNMAPPED)
    assert runtime.text(0x10, 0) == ""


def test_the_names_of_an_enum() -> None:
    runtime = image().runtime()
    assert runtime.values("Mode") == {1: "Local", 2: "Shared", 3: "Either"}
    assert runtime.values("Nothing") == {}
