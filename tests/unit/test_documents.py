"""Files, tests and `make` targets that the documents name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "litmus/README.md",
)
# Documents leave these out where they name a file; a name without a folder is of any file.
PLACES = ("", "mtedbg", "mtedbg/analysis", "native", "native/src")
SOURCES = ("mtedbg", "native", "tests", "scripts", "litmus", "bench", "docs", "gdbinit", "lldbinit")
SUFFIXES = (".py", ".h", ".cc", ".c", ".S", ".md", ".litmus", ".json")
BUILT = ("native/build/", ".venv/")
NOT_OURS = re.compile(r"mtedbg/(report|reports|moment)/1|\.?/.*")  # schemas; a reader's own paths
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def named(text: str) -> set[str]:
    """Paths that a document names, in code or as targets of links."""
    words = {
        word.lstrip("('").rstrip(".,;:()'") for code in CODE.findall(text) for word in code.split()
    }
    paths = {word for word in words if re.fullmatch(r"[\w.*-]+(/[\w.*-]*)+", word)}
    files = {word for word in words if re.fullmatch(r"[\w*-]+\.\w+", word)}
    known = {word for word in files if word.endswith(SUFFIXES)}
    links = set(LINK.findall(text))
    return {
        path
        for path in paths | known | links
        if not path.startswith(BUILT) and not NOT_OURS.fullmatch(path)
    }


def exists(path: str) -> bool:
    """Whether a file or folder of this name, or one that fits the pattern, is there."""
    if any(list((ROOT / place).glob(path.rstrip("/"))) for place in PLACES):
        return True
    return "/" not in path and any(next((ROOT / room).rglob(path), None) for room in SOURCES)


PATHS = [(doc, path) for doc in DOCUMENTS for path in sorted(named(doc.read_text("utf-8")))]
TEXTS = {str(doc.relative_to(ROOT)): doc.read_text("utf-8") for doc in DOCUMENTS}
TESTS = sorted({name for text in TEXTS.values() for name in re.findall(r"`(test_\w+)`", text)})
TARGETS = sorted(
    {name for text in TEXTS.values() for name in re.findall(r"`make ([a-z0-9-]+)", text)}
)


@pytest.mark.parametrize(
    ("document", "path"), PATHS, ids=[f"{doc.name}-{path}" for doc, path in PATHS]
)
def test_files_and_folders_exist(document: Path, path: str) -> None:
    assert exists(path) or (document.parent / path).exists()


def test_tests_exist() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert TESTS
    assert [name for name in TESTS if f"def {name}(" not in sources] == []


def test_what_pytest_is_to_run_is_there() -> None:
    calls = re.findall(r"pytest (\S+) -k (\w+)`", TEXTS["CONTRIBUTING.md"])
    assert calls
    for path, word in calls:
        assert re.search(rf"def test_\w*{word}", (ROOT / path).read_text("utf-8")), (path, word)


@pytest.mark.parametrize("name", TARGETS)
def test_make_targets_exist(name: str) -> None:
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_contributing_fits_on_a_page() -> None:
    assert len(TEXTS["CONTRIBUTING.md"].splitlines()) < 80
    assert {"check", "test", "golden"} <= set(TARGETS)


def test_names_are_found_in_text() -> None:
    text = "see `docs/code.md`, `handler.cc` and [it](docs/memory.md); `a.b`, `/proc/1/maps`"
    assert named(text) == {"docs/code.md", "handler.cc", "docs/memory.md"}
    assert exists("docs/code.md")
    assert exists("handler.cc")
    assert not exists("docs/nothing.md")
    assert not exists("nothing.cc")
