"""The house rules: imports point down the ranks, some things are known in some places only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mtedbg"

# docs/architecture.md holds the same table for people.
RANKS = {
    "dataclass": 0,
    "errors": 1,
    "budget": 2,
    "system": 2,
    "model": 1,
    "address": 2,
    "report": 2,
    "target": 2,
    "formats": 3,
    "layout": 3,
    "decode": 4,
    "session": 5,
    "analysis": 6,
    "render": 6,
    "commands": 7,
    "functions": 7,
    "reports": 8,
    "adapters": 9,
    "lab": 9,
    "shell": 10,
    "triage": 10,
    "cli": 11,
}

# The rooms of analysis, of which each asks only those below it; the same picture is there.
ROOMS = {
    "runtimes": 0,
    "completions": 0,
    "tags": 1,
    "interrupted": 1,
    "code": 2,
    "memops": 3,
    "stacks": 3,
    "fault": 4,
    "stepping": 5,
    "postmortem": 5,
}

# Facts know nothing of how they are shown, not even as a type.
UNKNOWN_TO = {"analysis": {"report"}}

# Library → the only places that may import it.
ONLY = {
    "gdb": {"adapters/gdb"},
    "lldb": {"adapters/lldb"},
    "demangle": {"decode/demangle"},
    "elftools": {"lab/image"},
    "jinja2": {"render/html"},
    "markupsafe": {"render/html"},
    "prompt_toolkit": {"shell"},
    "pygdbmi": {"shell"},
    "rich": {"triage/progress"},
    "distributed": {"triage/cluster"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def place_of(path: Path) -> str:
    """The first name below the package: a folder, or a file without its ending."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every import, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides its rank"
            assert node.module
            if node.module == "mtedbg":
                yield from ((node.lineno, f"mtedbg.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def violations(place: str, path: Path, source: str) -> list[str]:
    """What in `source`, as if it stood at `path`, breaks the rules."""
    relative = path.relative_to(PACKAGE).as_posix()
    imports = list(imported(ast.parse(source)))
    found = room_violations(path, imports) if place == "analysis" else []
    for line, name in imports:
        top, _, rest = name.partition(".")
        if top in ONLY and not any(relative.startswith(only) for only in ONLY[top]):
            found.append(f"{relative}:{line}: only {sorted(ONLY[top])} may import {top}")
        if top != "mtedbg" or not rest:
            continue
        other = rest.partition(".")[0]
        if other in ("__version__", place):
            continue
        if other in UNKNOWN_TO.get(place, ()):
            found.append(f"{relative}:{line}: {place} must not know {other}")
        if other not in RANKS:
            found.append(f"{relative}:{line}: {other} has no rank")
        elif RANKS[other] >= RANKS[place]:
            found.append(
                f"{relative}:{line}: {place} ({RANKS[place]}) imports {other} ({RANKS[other]})"
            )
    return found


def room_of(name: str) -> str:
    """The room of analysis that a module is in, a file without its ending; empty elsewhere."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["mtedbg", "analysis"] and len(parts) > 2 else ""


def room_violations(path: Path, imports: list[tuple[int, str]]) -> list[str]:
    """Which imports of a module of analysis do not lead to a room below its own."""
    relative = path.relative_to(PACKAGE).with_suffix("")
    room = room_of(".".join(("mtedbg", *relative.parts)))
    asked = ((line, room_of(name)) for line, name in imports)
    return [
        f"{relative.as_posix()}:{line}: {room} ({ROOMS[room]}) asks {other} ({ROOMS[other]})"
        for line, other in asked
        if other not in ("", room) and ROOMS[other] >= ROOMS[room]
    ]


def rooms_as_drawn() -> dict[str, tuple[int, set[str]]]:
    """Floor of each room of analysis and whom it asks, by the table in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d) \| `(\w+)(?:/|\.py)` \| [^|]+ \| ?([\w, ]*)\|$", text, re.M)
    return {room: (int(floor), set(re.findall(r"\w+", asks))) for floor, room, asks in rows}


def test_the_rooms_are_as_drawn() -> None:
    asks: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in FILES:
        room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if room in ROOMS:
            names = (name for _, name in imported(ast.parse(path.read_text())))
            asks[room] |= {room_of(name) for name in names} - {"", room}
    assert rooms_as_drawn() == {room: (ROOMS[room], asks[room]) for room in ROOMS}


def test_every_place_has_a_rank() -> None:
    places = {place_of(path) for path in FILES} - {"__init__", "__main__"}
    assert places <= RANKS.keys()
    below = (path.relative_to(PACKAGE / "analysis") for path in FILES if "analysis" in path.parts)
    rooms = {path.with_suffix("").parts[0] for path in below} - {"__init__"}
    assert rooms == ROOMS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_down(path: Path) -> None:
    place = place_of(path)
    if place in ("__init__", "__main__"):
        return
    assert violations(place, path, path.read_text()) == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("model", "import mtedbg.session"),
        ("decode", "from mtedbg import session"),
        ("analysis", "def f():\n    from mtedbg.commands import find"),
        ("analysis", "from mtedbg.render import clean"),
        ("analysis", "import gdb"),
        ("adapters", "from elftools.elf import elffile"),
        ("cli", "import pygdbmi.gdbmiparser"),
    ],
)
def test_the_check_sees_a_breach(place: str, source: str) -> None:
    folder = PACKAGE / place / ("fault" if place == "analysis" else "")
    assert violations(place, folder / "new.py", source)


@pytest.mark.parametrize(
    ("room", "source", "why"),
    [
        ("tags", "from mtedbg.report import Row", "must not know report"),
        ("tags", "if TYPE_CHECKING:\n    from mtedbg.report import Row", "must not know report"),
        ("tags", "from mtedbg.analysis.fault.fault import fault", "tags (1) asks fault (4)"),
        ("memops", "from mtedbg.analysis.stacks import registers", "memops (3) asks stacks (3)"),
        ("stacks", "def f():\n    import mtedbg.analysis.stepping.step", "asks stepping (5)"),
    ],
)
def test_the_check_sees_a_breach_between_rooms(room: str, source: str, why: str) -> None:
    (found,) = violations("analysis", PACKAGE / "analysis" / room / "new.py", source)
    assert why in found


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (
            "analysis",
            "from mtedbg.session import Session\nfrom mtedbg.analysis.tags.owner import owner",
        ),
        ("adapters", "from mtedbg.commands import all_commands"),
        ("cli", "from mtedbg import __version__"),
    ],
)
def test_the_check_lets_good_imports_pass(place: str, source: str) -> None:
    folder = PACKAGE / place / ("fault" if place == "analysis" else "")
    assert violations(place, folder / "new.py", source) == []
