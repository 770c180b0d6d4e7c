"""What set-up installs with pip is pinned, with hashes, and is what `pyproject.toml` asks for."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "scripts/locks"
ENTRY = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def script(name: str) -> ModuleType:
    """A script of the checkout, as a module."""
    loader = importlib.machinery.SourceFileLoader(f"script_{name}", str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


EXTRAS: dict[str, tuple[str, ...]] = script("lock").EXTRAS


def plain(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(purpose: str) -> dict[str, str]:
    """Name → version of a lock; each line of it is understood."""
    found: dict[str, str] = {}
    hashes: dict[str, int] = {}
    last = ""
    for line in (LOCKS / f"{purpose}.txt").read_text().splitlines():
        if entry := ENTRY.match(line):
            last = plain(entry["name"])
            found[last] = entry["version"]
            hashes[last] = 0
        else:
            assert HASH.match(line), line
            hashes[last] += 1
    assert found
    assert min(hashes.values()) > 0
    return found


@pytest.mark.parametrize("purpose", EXTRAS)
def test_everything_asked_for_is_locked(purpose: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS[purpose]:
        wanted += project["optional-dependencies"][extra]
    wanted += ["hatchling", "editables"]
    names = {plain(re.split(r"[\s;<>=!~\[]", one)[0]) for one in wanted}
    assert names <= locked(purpose).keys(), "run: scripts/lock"


def test_all_purposes_have_the_same_versions() -> None:
    everything = locked("test")
    for purpose in EXTRAS:
        assert locked(purpose).items() <= everything.items()


def test_set_up_has_a_lock_for_each_purpose_with_its_extras() -> None:
    setup = (ROOT / "scripts/setup").read_text()
    for purpose, extras in EXTRAS.items():
        wanted = re.search(rf"Purpose\.{purpose.upper()}: frozenset\((\{{.*?\}})\)", setup)
        assert wanted
        assert set(re.findall(r'"(\w+)"', wanted[1])) == set(extras)
    install = (ROOT / "scripts/install_locked").read_text()
    assert '"--require-hashes", "-r", lock' in install
    assert '"--no-deps", "--no-build-isolation", "-e"' in install


@pytest.mark.parametrize("place", ["Makefile", "scripts", "mtedbg", "container", "action", ".ci"])
def test_no_address_is_written_down(place: str) -> None:
    """Mirrors and indexes are those of the machine; `www.w3.org` is SVG's name, and not fetched."""
    root = ROOT / place
    files = [root] if root.is_file() else [file for file in root.rglob("*") if file.is_file()]
    made = {"__pycache__", "_data"}  # by Python, and by who builds a wheel
    texts = [file.read_text("utf-8") for file in files if made.isdisjoint(file.parts)]
    assert texts
    addresses = re.findall(r"https?://(\w[\w.-]*)", "\n".join(texts))
    assert set(addresses) <= {"www.w3.org"}
