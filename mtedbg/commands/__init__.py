"""The commands: the same names, arguments and output in every debugger, the shell and offline.

How to add one:
 1. write `commands/NAME_WITH_UNDERSCORES.py` with a `COMMAND = Command(...)`; it is found by name;
 2. its `run` turns arguments into questions of `analysis/`, imported inside `run` (a debugger
    registers every command at its start and must not pay for what is not used), and a function
    `answer` makes an `Answer` of the facts: other reports show it as well;
 3. a new question is a new function in `analysis/`, which returns a typed fact and knows neither
    rows nor columns: those are next to each other in the command's file;
 4. add a golden: command and core to text and JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from importlib import import_module
from os import scandir
from typing import TYPE_CHECKING, Any

from mtedbg.dataclass import dataclass, replace
from mtedbg.model.completion import Completable
from mtedbg.report import Answer, Column, Continuation

if TYPE_CHECKING:
    from mtedbg.session import Session


GROUP = "mtedbg"
"""The first of two words for commands whose names have one."""

_ABOUT_EXPRESSIONS = (
    "{names}: expressions as in C, with $registers: $x0 + 2*16, p->next[1], *(unsigned long *)$sp. "
    "A space ends an expression, unless it is incomplete there (an open bracket, an operator, a "
    "cast) or an operator with spaces on both sides follows. `p -16` is refused: write `p - 16`, "
    "or `p (-16)` for two expressions."
)


class Takes(Enum):
    """What an argument or an option's value is."""

    ADDRESS = auto()
    SIZE = auto()
    """Bytes."""
    TAG = auto()
    """0 to 15."""
    COUNT = auto()
    TEXT = auto()
    FILE = auto()
    """The path of a file of this machine."""

    @property
    def is_expression(self) -> bool:
        """Whether it is in the language of `mtedbg.address`."""
        return self in (Takes.ADDRESS, Takes.SIZE, Takes.TAG)


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional argument.

    Attributes:
        name: as in the usage line, upper case.
        help: its meaning, one line.
        kind: what it is.
        optional: whether it may be left out (its value is then None).
        many: whether it may be given several times: its value is a list, empty where left out.
        choices: the words that it may be, for completion.
        completes: what of the process it may be, for completion.
    """

    name: str
    help: str
    kind: Takes = Takes.ADDRESS
    optional: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    completes: Completable | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """An option of one command.

    Attributes:
        name: with its dashes, "--runs" or "-n".
        help: its meaning, one line.
        value: the value's name in the usage line ("N", "FILE"); empty for a flag.
        kind: what its value is.
        choices: as for arguments.
        completes: as for arguments.
    """

    name: str
    help: str
    value: str = ""
    kind: Takes = Takes.TEXT
    choices: tuple[str, ...] = ()
    completes: Completable | None = None


_EVERYONES = (
    Option("--json", "one JSON object instead of text"),
    Option("--no-color", "no colours on a terminal"),
)
_PER_THREAD = (
    Option(
        "--thread",
        "for this thread instead of the selected one",
        "N",
        Takes.COUNT,
        completes=Completable.THREAD,
    ),
    Option("--all-threads", "for all threads, one after the other"),
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """A parsed command line.

    Attributes:
        values: by name, without dashes, lower case; also to be had as attributes.
        continuation: where the command went on to when it last ran; None where it has not.
    """

    values: dict[str, Any]
    continuation: Continuation | None = None

    def for_thread(self, number: int) -> Arguments:
        """The same arguments, of the thread with this number."""
        return replace(self, values={**self.values, "thread": number})

    def for_json(self) -> Arguments:
        """The same arguments, with `--json`."""
        return replace(self, values={**self.values, "json": True})

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError as error:
            raise AttributeError(name) from error


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: "mte-tags".
        summary: what it answers, one line.
        columns: the keys of its rows.
        run: arguments → facts → answer.
        arguments: positional arguments in order.
        options: options of its own; `--json`, `--thread` and `--no-color` are everyone's.
        details: further paragraphs for `help`.
        example: one call with what it is good for, a line or two.
        repeats: whether an empty line repeats it (commands that write do not repeat).
        goes_on: whether without arguments it continues after what it showed last, as an empty
            line then does.
        per_thread: whether `--thread` and `--all-threads` mean something to it.
    """

    name: str
    summary: str
    columns: tuple[Column, ...]
    run: Callable[[Session, Arguments], Answer]
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    details: str = ""
    example: str = ""
    repeats: bool = True
    goes_on: bool = False
    per_thread: bool = False

    @property
    def in_two_words(self) -> tuple[str, str]:
        """`mte`, `tags` for `mte-tags`; `mtedbg`, `memops` for a name without a dash."""
        first, dash, rest = self.name.partition("-")
        return (first, rest) if dash else (GROUP, self.name)

    @property
    def all_options(self) -> tuple[Option, ...]:
        """Its own options and those that it shares with others."""
        return (*self.options, *(_PER_THREAD if self.per_thread else ()), *_EVERYONES)

    @property
    def usage(self) -> str:
        """The usage line, "mte-tags ADDR [LEN] [--runs]"."""
        words = [self.name]
        given = [(a, a.name + "…" * a.many) for a in self.arguments]
        words += [f"[{name}]" if a.optional else name for a, name in given]
        words += [f"[{o.name}{' ' + o.value if o.value else ''}]" for o in self.options]
        if self.per_thread:
            words += ["[--thread N]", "[--all-threads]"]
        return " ".join([*words, "[--json]"])

    @property
    def _about_expressions(self) -> str:
        """What may be an expression, and where one ends; nothing where nothing may."""
        names = [argument.name for argument in self.arguments if argument.kind.is_expression]
        return _ABOUT_EXPRESSIONS.format(names=", ".join(names)) if names else ""

    @property
    def help(self) -> str:
        """All that `help` says of it."""
        return f"{self.summary}\n\n{self.manual}"

    @property
    def manual(self) -> str:
        """Usage, example and the meaning of each column: what `help` says below the summary."""
        width = max((len(column.key) for column in self.columns), default=0)
        given = [(a.name, a.help) for a in self.arguments]
        given += [(f"{o.name} {o.value}".strip(), o.help) for o in self.options]
        wide = max((len(name) for name, _ in given), default=0)
        parts = [
            f"Usage: {self.usage}",
            "\n".join(f"  {name:<{wide}}  {meaning}" for name, meaning in given),
            self._about_expressions,
            self.details,
            f"Example:\n  {self.example}" if self.example else "",
            "Columns:\n"
            + "\n".join(f"  {column.key:<{width}}  {column.help}" for column in self.columns),
        ]
        return "\n\n".join(part for part in parts if part)


def names() -> list[str]:
    """The names of all commands, sorted."""
    # Neither pkgutil, which imports inspect, nor a pattern, which has to be compiled.
    with scandir(__path__[0]) as files:
        found = [file.name for file in files]
    modules = (name[:-3] for name in found if name.endswith(".py") and name[0] != "_")
    return sorted(name.replace("_", "-") for name in modules)


def find(name: str) -> Command | None:
    """The command called `name`, or None."""
    if name not in names():
        return None
    command = import_module(f"{__name__}.{name.replace('-', '_')}").COMMAND
    assert isinstance(command, Command)
    return command


def overview() -> str:
    """What `help mtedbg` says: every command, and what it answers."""
    commands = all_commands()
    width = max(len(command.name) for command in commands)
    return "\n".join(f"{command.name:<{width}}  {command.summary}" for command in commands)


def all_commands() -> list[Command]:
    """Every command, by name."""
    return [command for name in names() if (command := find(name))]
