"""Reads the debug root of a process by the offsets of the C header, and by nothing of mtedbg's.

Runs inside a debugger of the VM as well: the standard library alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Read = Callable[[int, int], bytes]
Layout = dict[str, tuple[int, int]]
"""Offset and size by "Record.field", size and 0 by "Record", as `root_layout.c` prints them."""

Raw = dict[str, Any]
RECORD, ARRAY, TABLE, SLOTS = 1, 2, 3, 4
BUFFER_HEADER, MOST = "Buffer", 4096


class Walker:
    """A reader of records.

    Args:
        read: bytes at an address.
        layout: of the header.
    """

    def __init__(self, read: Read, layout: Layout) -> None:
        self._read = read
        self._layout = layout

    def records(self, name: str, address: int, count: int = 1, stride: int = 0) -> list[Raw]:
        """`count` records of the type `name`, one after the other."""
        assert 0 <= count <= MOST, (name, count)
        step = stride or self._layout[name][0]
        data = self._read(address, step * count) if count else b""
        return [self._record(name, address + n * step, data[n * step :]) for n in range(count)]

    def _record(self, name: str, address: int, data: bytes) -> Raw:
        fields: Raw = {"at": address}
        for key, (offset, size) in self._layout.items():
            record, _, field = key.partition(".")
            if record == name and field:
                fields[field] = int.from_bytes(data[offset : offset + size], "little")
        return fields

    def text(self, address: int, length: int) -> str:
        """A string of so many bytes."""
        return self._read(address, length).decode() if length else ""

    def _zero_ended(self, address: int) -> str:
        return self._read(address, 64).partition(b"\0")[0].decode()

    def table(self, record: str, address: int) -> list[Raw]:
        """The records of the published buffer of a table."""
        (table,) = self.records("Table", address)
        if table["published"] == 0:
            return []
        at = table[f"buffer{table['published'] & 1}"]
        (buffer,) = self.records(BUFFER_HEADER, at)
        assert buffer["gen_begin"] == table["published"]
        start = at + self._layout[BUFFER_HEADER][0]
        return self.records(record, start, buffer["count"], buffer["stride"])

    def slots(self, record: str, address: int) -> list[Raw]:
        """The records in slots as they were published last; those that were taken away are none."""
        (slots,) = self.records("Slots", address)
        found: list[Raw] = []
        for first in range(0, slots["count"], slots["chunk_slots"]):
            entry = self._slot_size(self._layout["Chunk"][0])
            (chunk,) = self._in_slots(
                "Chunk", slots["chunks"] + first // slots["chunk_slots"] * entry, 1
            )
            count = min(slots["chunk_slots"], slots["count"] - first)
            found += self._in_slots(record, chunk["address"], count, slots["stride"])
        there = [one for one in found if any(value for key, value in one.items() if key != "at")]
        return sorted(there, key=lambda one: int(one.get("base", 0)))

    def _slot_size(self, stride: int) -> int:
        return self._layout["Slot"][0] + 2 * stride

    def _in_slots(self, record: str, address: int, count: int, stride: int = 0) -> list[Raw]:
        """The records of slots that stand one after the other."""
        step = stride or self._layout[record][0]
        headers = self.records("Slot", address, count, self._slot_size(step))
        return [
            one
            for slot in headers
            for one in self.records(
                record, slot["at"] + self._layout["Slot"][0] + (slot["generation"] & 1) * step
            )
        ]

    def root(self, address: int) -> dict[str, list[Raw]]:
        """Everything that the root at `address` names, and what hangs on its blocks and threads."""
        (root,) = self.records("root", address)
        assert root["self"] == address
        found: dict[str, list[Raw]] = {}
        for named in self.records("Named", root["named"], root["named_count"]):
            name, record = (self._zero_ended(named[key]) for key in ("name", "type_name"))
            if named["form"] == TABLE:
                found[name] = self.table(record, named["address"])
            elif named["form"] == SLOTS:
                found[name] = self.slots(record, named["address"])
            else:
                found[name] = self.records(
                    record, named["address"], named["count"], named["stride"]
                )
        for block in found["code-map"]:
            block["ranges"] = self.records("Range", block["ranges"], block["range_count"])
            block["memops"] = self.records("Memop", block["memops"], block["memop_count"])
            for part in block["ranges"]:
                part["symbol"] = self.text(part["symbol"], part["symbol_length"])
        recorders = [thread["recorder"] for thread in found["threads"]]
        found["events"] = [
            event
            for address in {found["recorder"][0]["at"], *recorders}
            for event in self._events(address)
        ]
        return found

    def _events(self, address: int) -> list[Raw]:
        (recorder,) = self.records("Recorder", address)
        count = min(recorder["head"], recorder["capacity"])
        assert recorder["head"] <= recorder["capacity"], "the scene is small: nothing is lost"
        events = self.records("Record", recorder["events"], count, recorder["stride"])
        return [event | {"thread": recorder["thread"]} for event in events]
