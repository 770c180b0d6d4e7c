"""A part of a post-mortem: a question, and what is made of its facts."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mtedbg.dataclass import dataclass
from mtedbg.errors import MtedbgError, too_much_memory
from mtedbg.report import Answer, Column, Part, Report

if TYPE_CHECKING:
    from mtedbg.commands import Command
    from mtedbg.model.figure import Figure
    from mtedbg.session import Session

F = TypeVar("F")


class Medium(Enum):
    """What a post-mortem is for: a person reads less in a terminal than a file has room for."""

    TERMINAL = "terminal"
    JSON = "json"
    PAGE = "page"

    @property
    def is_file(self) -> bool:
        """Whether it has room for everything."""
        return self is not Medium.TERMINAL


@dataclass(frozen=True, slots=True)
class Section(Generic[F]):
    """One part of a post-mortem: a question, and what is made of its facts.

    Attributes:
        title: its heading.
        name: of the report, as in JSON: a command's, or its own.
        columns: of the report.
        ask: gives the facts.
        answer: makes the answer of them.
        line: the command that answers it, as a user would type it; empty where none does.
        figure: makes of them what a page draws.
    """

    title: str
    name: str
    columns: tuple[Column, ...]
    ask: Callable[[], F]
    answer: Callable[[F], Answer]
    line: str = ""
    figure: Callable[[F], Figure | None] | None = None

    def part(self, session: Session, medium: Medium) -> Part:
        """The part as it is answered; an error is shown in its place."""
        try:
            facts = self.ask()
            answer = self.answer(facts)
            drawn = self.figure if medium is Medium.PAGE else None
            figure = None if drawn is None else drawn(facts)
        except MtedbgError as error:
            return Part(self.title, self.line, error=error)
        except MemoryError:
            return Part(self.title, self.line, error=too_much_memory())
        report = Report(self.name, session.info, self.columns, answer)
        return Part(self.title, self.line, report, figure=figure)


def by_command(
    title: str,
    command: Command,
    ask: Callable[[], F],
    answer: Callable[[F], Answer],
    words: str = "",
    figure: Callable[[F], Figure | None] | None = None,
) -> Section[F]:
    """What a command answers; `words` are its arguments, as a user would type them."""
    line = f"{command.name} {words}".rstrip()
    return Section(title, command.name, command.columns, ask, answer, line, figure)


class _OwnReport(Protocol):
    """A module of `reports/` with one report."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """As in JSON."""

    @property
    def COLUMNS(self) -> tuple[Column, ...]:  # noqa: N802 - as above
        """Of the report."""


def own(
    title: str,
    report: _OwnReport,
    ask: Callable[[], F],
    answer: Callable[[F], Answer],
    figure: Callable[[F], Figure | None] | None = None,
) -> Section[F]:
    """What no command answers."""
    return Section(title, report.NAME, report.COLUMNS, ask, answer, figure=figure)
