"""What Android recorded of a death: causes with the allocation they are about, abort message, more.

Both forms of a tombstone are put into these words: the protobuf (tombstone.proto of AOSP) here, the
text by `tombstone_text.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.formats.protobuf import Message
from mtedbg.formats.tombstone import MOST_CAUSES, MOST_FRAMES, call_of
from mtedbg.model.recorded import RecordedCall, RecordedFact

MOST_RECORDS = 1 << 12
MOST_NAMED = 64
MOST_FILES = 1 << 16
_MOST_NAMED_FILES = 16
_TOOLS = {0: "GWP-ASan", 1: "Scudo"}
_ERRORS = (
    "unknown error", "use after free", "double free", "invalid free", "buffer overflow",
    "buffer underflow",
)  # fmt: skip
_ARCHITECTURES = {0: "arm", 1: "arm64", 2: "x86", 3: "x86_64", 4: "riscv64"}
_NO_ARCHITECTURE = 5
_DESCRIPTOR = re.compile(r"\bfile descriptor (\d{1,10})\b")
_LONGEST_WORDS = 1 << 12
_KEYS = ("APIAKEY", "APIBKEY", "APDAKEY", "APDBKEY", "APGAKEY")
_WORDS = re.compile(
    r"\[(MTE|GWP-ASan)\]: (Use After Free|Double Free|Invalid (?:\(Wild\) )?Free|Buffer Overflow|"
    r"Buffer Underflow)(?:, .{0,64}?)?,? ?(?:\d{1,12} bytes? \w{2,8}(?: of)? )?an? (\d{1,12})-byte"
    r" allocation at (0x[0-9a-f]{1,16})"
)
"""scudo.cpp and gwp_asan.cpp of debuggerd: the words that stand for a MemoryError."""

PLAIN = (
    "build", "revision", "guest", "time", "uptime", "page size", "process", "user", "selinux label",
)  # fmt: skip
"""Facts that are one word, in the order of a report."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A descriptor; `owner` is what fdsan knows of it, by its `tag`, and may be empty."""

    number: int
    path: str
    owner: str = ""
    tag: int = 0

    @property
    def owned(self) -> str:
        """By whom, in Android's words."""
        return f"owned by {self.owner} {self.tag:#x}" if self.owner else "unowned"


def facts(message: Message) -> Iterator[RecordedFact]:
    """Causes first, each with where its memory was allocated and freed."""
    for cause in message.messages(15, MOST_CAUSES):
        yield RecordedFact("cause", cause.text(1))
        error = cause.message(2)
        if error is not None:
            yield from _memory_error(error)
    if abort := message.text(14):
        yield RecordedFact("abort message", abort)
    for detail in message.messages(21, MOST_NAMED):
        yield RecordedFact(f"detail {detail.text(1)}", detail.text(2))
    signal = message.message(10)
    if signal is not None and signal.number(5):
        yield sender(signal.signed(7), signal.signed(6))
    yield from _of_threads(message)
    history = message.message(26)
    if history is not None:
        entries = history.messages(2, MOST_RECORDS)
        yield from stack_records(
            (entry.number(2), entry.number(3), _frame(entry)) for entry in entries
        )
    told = {
        "build": message.text(2), "revision": message.text(3), "time": message.text(4),
        "guest": _guest(message), "selinux label": message.text(8),
        "uptime": f"{message.number(20)}s" if message.has(20) else "",
        "page size": page_size(message.number(22), was_16k=bool(message.number(23))),
        "process": " ".join(_texts(message, 9)), "user": f"{message.number(7)}",
    }  # fmt: skip
    yield from plain_facts(told)
    files = [
        OpenFile(one.signed(1), one.text(2), one.text(3), one.number(4))
        for one in message.messages(19, MOST_FILES)
    ]
    yield from open_files(files, len(message.all(19)), message.text(14))


def plain_facts(told: dict[str, str]) -> Iterator[RecordedFact]:
    """Facts of one word, those that are there."""
    for about in PLAIN:
        if text := told.get(about, ""):
            yield RecordedFact(about, text)


def sender(pid: int, uid: int) -> RecordedFact:
    """Who sent the signal."""
    return RecordedFact("sent by", f"process {pid} of user {uid}")


def open_files(files: Sequence[OpenFile], count: int, abort: str) -> Iterator[RecordedFact]:
    """How many files were open, and which: first the one that the process's last words name.

    fdsan ends a process whose descriptor was closed by another than its owner: it gives the number.

    Args:
        files: in the order of the tombstone; not more than `MOST_FILES`.
        count: of all.
        abort: the abort message.
    """
    if not count:
        return
    found = _DESCRIPTOR.search(abort[:_LONGEST_WORDS])
    meant = int(found[1]) if found else None
    ordered = sorted(files, key=lambda one: one.number != meant)[:_MOST_NAMED_FILES]
    more = f", of which {len(ordered)} are named" if len(ordered) < count else ""
    yield RecordedFact("open files", f"{count}{more}")
    for one in ordered:
        yield RecordedFact("open file", f"fd {one.number}: {one.path} ({one.owned})")


def _guest(message: Message) -> str:
    """What the process was translated from; empty of one that was not."""
    number = message.number(24)
    if number == _NO_ARCHITECTURE or not (message.has(24) or message.has(25)):
        return ""  # older systems do not know the field
    return _ARCHITECTURES.get(number, f"architecture {number}")


def page_size(size: int, *, was_16k: bool) -> str:
    """Of pages that are not of 4 KiB."""
    if size not in (0, 4096):
        return f"{size} bytes"
    return "4096 bytes, earlier 16384" if was_16k else ""


def stack_records(records: Iterator[tuple[int, int, RecordedCall]]) -> Iterator[RecordedFact]:
    """The stack history buffer: which frames had which tag, the newest first."""
    for frame, tag, call in records:
        yield RecordedFact("stack record", f"frame {frame:#x}, tag {tag:#x}", (call,))


def error_in_words(cause: str) -> RecordedFact | None:
    """The memory error that a cause's words stand for; None where they stand for none."""
    found = _WORDS.search(cause)
    if found is None:
        return None
    tool = "Scudo" if found[1] == "MTE" else "GWP-ASan"
    kind = found[2].lower().replace("(wild) ", "")
    return RecordedFact("memory error", f"{kind}, by {tool}: {found[3]} bytes at {found[4]}")


def allocation(about: str, thread: int, chain: tuple[RecordedCall, ...]) -> RecordedFact:
    """Where memory was "allocated" or "freed"."""
    return RecordedFact(about, f"by thread {thread}", chain)


def guest_calls(tid: int, chain: tuple[RecordedCall, ...]) -> RecordedFact:
    """The guest's backtrace of a thread, where the process was translated."""
    return RecordedFact("guest's calls", f"of thread {tid}", chain)


def _of_threads(message: Message) -> Iterator[RecordedFact]:
    """What is told of the thread that died, next to registers and backtrace."""
    guilty = message.number(6)
    for number in (16, 25):
        for entry in message.messages(number, 1 << 14):
            made = entry.message(2)
            if made is None or (entry.number(1) or made.number(1)) != guilty:
                continue
            if number == 25:
                chain = tuple(call_of(one) for one in made.messages(4, MOST_FRAMES))
                yield guest_calls(guilty, chain)
                continue
            if made.has(8) and (keys := pac_keys(made.signed(8))):
                yield RecordedFact("pac keys", keys)
            for text in _texts(made, 7):
                yield RecordedFact("note", text)
            for text in _texts(made, 9):
                yield RecordedFact("unreadable file", text)


def pac_keys(value: int) -> str:
    """PR_PAC_GET_ENABLED_KEYS in words; empty where it is not known."""
    if value < 0:
        return ""
    return ", ".join(f"PR_PAC_{key}" for bit, key in enumerate(_KEYS) if value >> bit & 1) or "none"


def _texts(message: Message, number: int) -> list[str]:
    return [text for text in message.texts(number, MOST_NAMED) if text]


def _frame(entry: Message) -> RecordedCall:
    address = entry.message(1)
    return RecordedCall(0, "", 0, "", 0, "") if address is None else call_of(address)


def _memory_error(error: Message) -> Iterator[RecordedFact]:
    tool, kind = _TOOLS.get(error.number(1), "another tool"), error.number(2)
    what = _ERRORS[kind] if kind < len(_ERRORS) else _ERRORS[0]
    heap = error.message(3)
    if heap is None:
        yield RecordedFact("memory error", f"{what}, by {tool}")
        return
    size, address = heap.number(2), heap.number(1)
    yield RecordedFact("memory error", f"{what}, by {tool}: {size} bytes at {address:#x}")
    for about, thread, calls in (("allocated", 3, 4), ("freed", 5, 6)):
        if heap.has(thread) or heap.has(calls):
            chain = tuple(call_of(one) for one in heap.messages(calls, MOST_FRAMES))
            yield allocation(about, heap.number(thread), chain)
