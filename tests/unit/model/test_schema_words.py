"""The enums of the model are those of the native header, word for word."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from mtedbg.model.code import BlockKind, BlockState, FrameKind, RangeKind, Tier
from mtedbg.model.event import EventKind
from mtedbg.model.frame import ThreadState
from mtedbg.model.memop import Access, Mode
from mtedbg.model.operation import OF_CODE, OF_MEMORY, Operation
from mtedbg.model.runtime import CoreIdSource, Form, Policy, RuntimeState

HEADER = Path(__file__).parents[3] / "native/include/mtedbg/debug_root.h"
SAME = {
    "Access": Access,
    "BlockKind": BlockKind,
    "BlockState": BlockState,
    "CoreIdSource": CoreIdSource,
    "Event": EventKind,
    "Form": Form,
    "FrameKind": FrameKind,
    "Operation": Operation,
    "Policy": Policy,
    "RangeKind": RangeKind,
    "ThreadState": ThreadState,
    "Tier": Tier,
}


def values(enum: str) -> list[str]:
    found = re.findall(rf"\bV\({enum}, (\w+), (\d+)\)", HEADER.read_text())
    return [name for name, _ in sorted(found, key=lambda pair: int(pair[1]))]


@pytest.mark.parametrize("name", SAME)
def test_an_enum_of_the_schema(name: str) -> None:
    assert sorted(values(name)) == sorted(SAME[name])


def test_a_mode_that_is_never_recorded() -> None:
    assert [*values("Mode"), "Mixed"] == list(Mode)


def test_states_stand_in_the_order_of_their_numbers() -> None:
    spelled = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in values("RootState")]
    assert spelled == list(RuntimeState)


def test_a_name_from_a_schema_is_found_among_them() -> None:
    kinds: type[StrEnum] = Operation
    assert "PatchMemop" in OF_MEMORY
    assert "PatchMemop" not in OF_CODE
    assert {*OF_CODE, *OF_MEMORY, Operation.NONE} == set(kinds)
