"""What `mte-step` lists of a state of fault handling, in words, and what of it has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.instruction import text_of
from mtedbg.model.absent import Absent, present
from mtedbg.model.pointer import logical_tag
from mtedbg.report import Line, Span

if TYPE_CHECKING:
    from mtedbg.analysis.stepping.context import StepContext
    from mtedbg.model.handling import Handling
    from mtedbg.model.memop import Memop
    from mtedbg.model.runtime import Journal

_GONE = "no longer in this memop"
_CHANGED, _SAME = "* ", "  "
_TAG = 0xF


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that fault handling may change.

    Attributes:
        label: what it is, as text has it next to `where`: "memory", "[1]", "lock".
        text: what it is now.
        where: its address, where it has one.
        name: what it is, the same in every state: "memory 0x7f…".
        comes_and_goes: whether it is there for a part of the handling only.
    """

    label: str
    text: str
    where: int | None = None
    name: str = ""
    comes_and_goes: bool = False

    @property
    def key(self) -> str:
        """What it is called in JSON."""
        return self.name or self.label


@dataclass(frozen=True, slots=True)
class Change:
    """An item, and what it was before where it is not that any more.

    Attributes:
        item: as it is.
        before: its text in the earlier state; None where it was not there.
        changed: whether it is not as it was.
    """

    item: Item
    before: str | None
    changed: bool


def changes(found: StepContext) -> list[Change]:
    """Everything that fault handling may change, as it is and as it was."""
    now = list(_items(found, found.now))
    before = [] if found.before is None else list(_items(found, found.before))
    was = {item.key: item.text for item in before}
    there = {item.key for item in now}
    left = [item for item in before if item.comes_and_goes and item.key not in there]
    now += [replace(item, text=_GONE) for item in left]
    return [Change(item, was.get(item.key), _has_changed(item, was)) for item in now]


def _has_changed(item: Item, was: dict[str, str]) -> bool:
    """Whether it is not as it was; what is only there in the handler has not changed by that."""
    if item.key not in was:
        return bool(was) and item.comes_and_goes
    return was[item.key] != item.text


def whose(found: StepContext, tag: int | Absent) -> str:
    """A tag, and who owns the memory that it marks."""
    if isinstance(tag, Absent):
        return f"<{tag}>"
    if tag in found.guards:
        return f"tag {tag}, the guard tag: its owner is changing"
    owner = found.owners[tag]
    if isinstance(owner, Absent):
        return f"tag {tag}"
    return f"tag {tag}, {owner if isinstance(owner, str) else f'core {owner}'}"


def place_in(now: Handling, address: int) -> str:
    """Where in the memop an address is that the thread goes on at."""
    if isinstance(now.memop, Absent):
        return "translated code"
    memop = now.memop.memop
    if memop.covers_out_of_line(address):
        return "out of line"
    begins = {
        memop.start: "where it reads the core id",
        memop.abort_address: "at its abort handler",
    }
    places = begins | {memop.tag_address: "at [1]", memop.address: "at [2]"}
    return places.get(address, "after [2]")


def _items(found: StepContext, now: Handling) -> Iterator[Item]:
    yield from _memory(found, now)
    if not isinstance(now.memop, Absent):
        for word in now.memop.words:
            yield Item(f"[{word.part}]", _text(word.word, word.address), word.address)
        yield from _record(now.memop.memop)
    yield from _protocol(found, now)
    yield from _others(now)


def _memory(found: StepContext, now: Handling) -> Iterator[Item]:
    if present(now.pointer) and present(now.address):
        yield Item("pointer", whose(found, logical_tag(now.pointer)), now.address)
    for granule in now.granules:
        name = f"memory {granule.address:#x}"
        yield Item("memory", whose(found, granule.tag), granule.address, name)


def _record(memop: Memop) -> Iterator[Item]:
    yield Item("mode", memop.mode)
    yield Item("flips", str(memop.flips))
    if present(memop.pinned) and memop.pinned:
        yield Item("pinned", "stays shared permanently", comes_and_goes=True)


def _text(word: int | Absent, address: int) -> str:
    return f"<{word}>" if isinstance(word, Absent) else text_of(word, address)


def _protocol(found: StepContext, now: Handling) -> Iterator[Item]:
    if present(now.core):
        yield Item("core register", whose(found, now.core & _TAG))
    if present(now.resumes):
        yield Item("resumes", place_in(now, now.resumes), now.resumes)
    if present(now.lock):
        yield Item("lock", f"guest thread {now.lock}" if now.lock else "free")
    yield Item("journal", _in_flight(now.journal))


def _in_flight(entry: Journal | Absent) -> str:
    if isinstance(entry, Absent):
        return f"<{entry}>" if entry.is_hole else "nothing in flight"
    parts = [f"{entry.operation} by guest thread {entry.thread}"]
    if entry.old_tag != entry.new_tag:
        parts.append(f"tag {entry.old_tag} to {entry.new_tag}")
    if entry.old_mode != entry.new_mode:
        parts.append(f"{entry.old_mode} to {entry.new_mode}")
    return ", ".join(parts)


def _others(now: Handling) -> Iterator[Item]:
    for other in now.others:
        yield Item(f"thread {other.thread}", other.where, comes_and_goes=True)
        if present(other.tag):
            pair = f"stale; {other.meaning}" if other.stale is True else "as [1] gives it now"
            words = f"pointer tag {other.tag}, {pair}"
            yield Item(f"pair of thread {other.thread}", words, comes_and_goes=True)


def lines(found: Sequence[Change], following: str) -> Iterator[Line]:
    """A line for each item: a mark where it changed, what it is, where, before → now; then next.

    Args:
        found: the items.
        following: what the thread will do when it continues.
    """
    wide = max((len(one.item.label) for one in found), default=0)
    where = max((len(_where(one.item)) for one in found), default=0)
    for one in found:
        old = one.before if one.changed else None
        yield (
            Span(_CHANGED if one.changed else _SAME, "mark"),
            Span(f"{one.item.label:<{wide}}  ", "heading"),
            Span(f"{_where(one.item):<{where}}  " if where else "", "address"),
            Span(f"{old} → " if old else "", "dim"),
            Span(one.item.text, "mark" if one.changed else ""),
        )
    yield (Span(f"{_SAME}{'next':<{wide}}  ", "heading"), Span(following))


def _where(item: Item) -> str:
    return "" if item.where is None else f"{item.where:#x}"
