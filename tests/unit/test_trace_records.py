"""The kinds and events of trace records, by the runtime's own headers."""

import re

from tests.support.compile import ROOT
from tests.support.trace import Event, What

KINDS = re.compile(r"^  (\w+) = (\d+),", re.MULTILINE)
EVENTS = re.compile(r"V\(Event, (\w+), (\d+)\)")


def numbers(pattern: re.Pattern[str], header: str) -> dict[str, int]:
    found = pattern.findall((ROOT / "native" / header).read_text())
    return {name.upper(): int(number) for name, number in found}


def test_kinds() -> None:
    assert {one.name: one.value for one in What} == numbers(KINDS, "src/debug/trace.h")


def test_events() -> None:
    there = numbers(EVENTS, "include/mtedbg/debug_root.h")
    assert {one.name: one.value for one in Event}.items() <= there.items()
