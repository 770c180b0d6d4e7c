"""A profile as a picture: a bar a module, and which of its accesses need order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.figure import OrderMap, OrderOfModule
from mtedbg.model.words import counted
from mtedbg.render.html.geometry import Label, label, percent

MOST_MODULES = 64
_HEIGHT, _BAR, _TOP = 56, 22, 20
_LEAST, _LEAST_BAR = 0.002, 0.02
"""Of the width: what is there is seen, however little it is, and so is its share of a bar."""
_LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a bar: its class, where it begins, how long it is, and its words."""

    style: str
    x: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class ModuleBar:
    """A module: pixels from above, its heading, and its shares."""

    y: int
    heading: Label
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class OrderDrawing:
    """What `order.html` draws.

    Attributes:
        title: what it shows.
        height: in pixels.
        modules: their bars, as long as their executions.
        note: what is not drawn; may be empty.
        bar: pixels that a bar is high.
    """

    TEMPLATE: ClassVar[str] = "order.html"
    SHOWS_ALL: ClassVar[bool] = False

    title: str
    height: int
    modules: tuple[ModuleBar, ...]
    note: str
    bar: int = _BAR


def order_drawing(figure: OrderMap) -> OrderDrawing | None:
    """The picture of a profile; None where nothing was counted."""
    shown = figure.modules[:MOST_MODULES]
    most = max(map(_executions, shown), default=0)
    if not most:
        return None
    cut = len(figure.modules) - len(shown)
    return OrderDrawing(
        f"executed accesses of {counted(len(shown), 'module')}",
        len(shown) * _HEIGHT,
        tuple(_bar(one, most, n * _HEIGHT) for n, one in enumerate(shown)),
        f"{counted(cut, 'module')} more, not drawn" if cut else "",
    )


def _executions(module: OrderOfModule) -> int:
    return module.owned + module.in_order + module.unknown


def _bar(module: OrderOfModule, most: int, top: int) -> ModuleBar:
    executions = _executions(module)
    name = module.name
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 + 1 :]}"
    words = f"{name}: {executions} executed accesses{_need(module.in_order, executions)}"
    if module.never_run:
        words += f"; {module.never_run} of {counted(module.memops, 'memop')} never ran"
    return ModuleBar(top + _TOP, label(0.0, top + 13, words), tuple(_shares(module, most)))


def _need(in_order: int, executions: int) -> str:
    """How much of it needs order, rounded down: 100 % means all, and 0 % none."""
    if not in_order:
        return ", none needs order" if executions else ""
    share = in_order * 1000 // executions
    return f", {f'{share // 10}.{share % 10}' if share else 'less than 0.1'} % need order"


def _shares(module: OrderOfModule, most: int) -> Iterator[Share]:
    """As long as their executions, among each other also in a bar that is longer than its own."""
    executions = _executions(module)
    parts = [
        ("in-order", module.in_order, "need order"),
        ("unknown", module.unknown, "cannot tell"),
        ("owned", module.owned, "touched memory of one owner only"),
    ]
    parts = [one for one in parts if one[1]]
    if not parts:
        return
    bar = max(executions / most, _LEAST_BAR)
    widths = [max(bar * count / executions, _LEAST) for _, count, _ in parts]
    longest = widths.index(max(widths))
    widths[longest] -= sum(widths) - bar
    at = 0.0
    for (style, count, words), width in zip(parts, widths, strict=True):
        yield Share(style, percent(at), percent(width), f"{count} {words}")
        at += width
