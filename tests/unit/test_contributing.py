"""What CONTRIBUTING.md names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
NAMES = sorted(
    name
    for name in set(re.findall(r"`([\w./*-]+)`", TEXT)) | set(re.findall(r"\]\(([\w./-]+)\)", TEXT))
    if "/" in name or name.endswith((".py", ".md"))
)
TARGETS = sorted(set(re.findall(r"`make ([a-z-]+)", TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_its_files_and_folders_are_there(name: str) -> None:
    places = (ROOT, ROOT / "mtedbg")
    assert any(list(place.glob(name.rstrip("/"))) for place in places)


@pytest.mark.parametrize("name", TARGETS)
def test_its_commands_are_there(name: str) -> None:
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_it_fits_on_a_page() -> None:
    assert len(TEXT.splitlines()) < 80
    assert {"check", "test", "golden"} <= set(TARGETS)
