"""The columns of every report, as docs/json.md lists them.

`python -m tests.support.json_document` writes them into the document; what stands before them is
written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from mtedbg import reports
from mtedbg.commands import all_commands
from mtedbg.report import Column

DOCUMENT = Path(__file__).parents[2] / "docs/json.md"
HEADING = "\n## Columns\n"
_COLUMNS = "COLUMNS"

Listed = tuple[str, str, tuple[Column, ...]]
"""Name, what it is, columns."""


def written_by_hand() -> str:
    """The document up to the columns."""
    return DOCUMENT.read_text("utf-8").partition(HEADING)[0]


def document() -> str:
    """The document as it has to be."""
    return written_by_hand() + HEADING + "".join(map(_section, listed()))


def listed() -> Iterator[Listed]:
    """The reports of commands, then those that no command answers."""
    for command in all_commands():
        yield command.name, command.summary, command.columns
    for one in iter_modules(reports.__path__):
        yield from _of_module(import_module(f"{reports.__name__}.{one.name}"))


def _of_module(module: ModuleType) -> Iterator[Listed]:
    about = (module.__doc__ or "").splitlines()[0]
    for name, value in vars(module).items():
        if name == _COLUMNS:
            yield module.NAME, about, value
        elif name.endswith(f"_{_COLUMNS}"):
            which = name.removesuffix(f"_{_COLUMNS}").lower()
            yield module.NAME, f"{about.rstrip('.')}: {which}s.", value


def _section(one: Listed) -> str:
    name, about, columns = one
    lines = [f"| `{column.key}` | {column.kind.value} | {_cell(column)} |" for column in columns]
    table = "\n".join(["| key | kind | meaning |", "|---|---|---|", *lines])
    return f"\n### {name}\n\n{about}\n\n{table}\n"


def _cell(column: Column) -> str:
    return column.help.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
