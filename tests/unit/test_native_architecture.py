"""The house rules of the runtime: #include points down the ranks, and a library has one room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtedbg import __version__

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "native/src"

# docs/architecture.md holds the same table for people.
RANKS = {
    "compiled.h": 0,
    "options.h": 0,
    "status.h": 0,
    "debug": 1,
    "float": 1,
    "guest": 1,
    "cache": 2,
    "memory": 2,
    "code": 3,
    "fault": 4,
    "translate": 4,
    "profile": 5,
    "profilers": 4,
    "run": 6,
    "linux": 7,
    "cli": 8,
}

# Folder of a library's headers, or a header → the only room that may include them.
ONLY = {
    "aarch64": "translate",
    "Zydis": "translate",
    "nlohmann": "profile",
    "softfloat.h": "float",
    "internals.h": "float",
}

FILES = sorted(path for path in SOURCES.rglob("*") if path.suffix in (".h", ".cc"))
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def place_of(relative: str) -> str:
    """The room, or the name of a file that stands in none."""
    return relative.partition("/")[0]


def violations(relative: str, source: str) -> list[str]:
    """What in `source`, as if it stood at `relative` below native/src, breaks the rules."""
    place = place_of(relative)
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        own, library = match.groups()
        if library is not None:
            only = ONLY.get(place_of(library), place)
            if place != only:
                found.append(f"{relative}:{number}: only {only} may include <{library}>")
            continue
        other = place_of(own)
        if other == place and "/" in own:
            continue
        if other not in RANKS:
            found.append(f"{relative}:{number}: {own} has no rank")
        elif RANKS[other] >= RANKS[place]:
            found.append(
                f"{relative}:{number}: {place} ({RANKS[place]}) includes {other} ({RANKS[other]})"
            )
    return found


def test_every_place_has_a_rank() -> None:
    places = {place_of(path.relative_to(SOURCES).as_posix()) for path in FILES}
    assert places == RANKS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_includes_point_down(path: Path) -> None:
    assert violations(path.relative_to(SOURCES).as_posix(), path.read_text()) == []


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        ("translate/new.cc", '#include "run/engine.h"'),
        ("memory/new.h", '#include "code/code.h"'),
        ("cache/new.cc", '#include "memory/tags.h"'),
        ("options.h", '#include "status.h"'),
        ("debug/new.cc", '#  include "fault/phases.h"'),
        ("run/new.cc", '#include "engine.h"'),
        ("run/new.cc", '#include "nowhere/new.h"'),
        ("run/new.cc", "#include <Zydis/Zydis.h>"),
        ("fault/new.cc", "#include <aarch64/macro-assembler-aarch64.h>"),
    ],
)
def test_the_check_sees_a_breach(relative: str, source: str) -> None:
    assert violations(relative, source)


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        ("run/new.cc", '#include "run/engine.h"\n#include "code/code.h"\n#include <vector>'),
        ("translate/new.cc", '#include <Zydis/Zydis.h>\n#include "compiled.h"'),
        ("debug/new.cc", "#include <mtedbg/debug_root.h>"),
        ("debug/new.cc", '// it once had: #include "run/engine.h"'),
    ],
)
def test_the_check_lets_good_includes_pass(relative: str, source: str) -> None:
    assert violations(relative, source) == []


def test_no_header_hides_one_of_the_kernels() -> None:
    """`<linux/futex.h>` means the kernel's; native/src comes first where headers are searched."""
    own = {path.name for path in SOURCES.glob("linux/*.h")}
    kernels = {path.name for path in Path("/usr/include/linux").glob("*.h")}
    assert own
    assert "futex.h" in kernels
    assert not own & kernels


def test_the_runtime_is_of_the_packages_version() -> None:
    text = (ROOT / "native/CMakeLists.txt").read_text()
    assert f"project(mtetso VERSION {__version__} " in text
